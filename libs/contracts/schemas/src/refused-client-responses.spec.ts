import { refusalOf, LONG_ID, response, type Refusal } from './client-event.fixture';

describe('client events that are refused', () => {
  const refused: Refusal[] = [
    [
      'a response that is neither in nor beside the conversation',
      response({ conversation: 'conv_1' }),
      'invalid_value',
      'response.conversation',
    ],
    ['an input that is no list', response({ input: 'Hi' }), 'invalid_value', 'response.input'],
    [
      'an input of another type',
      response({ input: [{ type: 'input_text', text: 'Hi' }] }),
      'invalid_value',
      'response.input[0].type',
    ],
    [
      'a reference to nothing',
      response({ input: [{ type: 'item_reference' }] }),
      'missing_required_parameter',
      'response.input[0].id',
    ],
    [
      'more tokens than there may be',
      response({ max_output_tokens: 4097 }),
      'invalid_value',
      'response.max_output_tokens',
    ],
    [
      'a speed of one response',
      response({ audio: { output: { speed: 1 } } }),
      'unknown_parameter',
      'response.audio.output.speed',
    ],
    ['an unknown wish', response({ temperature: 1 }), 'unknown_parameter', 'response.temperature'],
    ['a response that is null', response(null), 'invalid_value', 'response'],
    ['metadata that is a list', response({ metadata: [] }), 'invalid_value', 'response.metadata'],
    ['a metadata value that is a number', response({ metadata: { a: 1 } }), 'invalid_value', 'response.metadata.a'],
    [
      'a long metadata value',
      response({ metadata: { a: 'v'.repeat(513) } }),
      'string_above_max_length',
      'response.metadata.a',
    ],
    [
      'a long metadata key',
      response({ metadata: { ['k'.repeat(65)]: 'v' } }),
      'string_above_max_length',
      'response.metadata',
    ],
    [
      'seventeen metadata entries',
      response({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) }),
      'invalid_value',
      'response.metadata',
    ],
    [
      'a response id of another kind',
      { type: 'response.cancel', response_id: 'item_1' },
      'invalid_value',
      'response_id',
    ],
    [
      'a long response id',
      { type: 'response.cancel', response_id: `resp_${LONG_ID}` },
      'string_above_max_length',
      'response_id',
    ],
  ];
  it.each(refused)('%s', (_, event, code, param) =>
    expect(refusalOf(event)).toMatchObject({ type: 'invalid_request_error', code, param }),
  );
});
