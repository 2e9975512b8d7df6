import { refusalOf, item, LONG_ID, LONG_TEXT, part, without, type Refusal } from './client-event.fixture';

describe('client events that are refused', () => {
  const truncate = { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 10 };
  const result = (more: object): object => ({
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: 'call_1', output: '22', ...more },
  });

  const refused: Refusal[] = [
    ['an item that is missing', { type: 'conversation.item.create' }, 'missing_required_parameter', 'item'],
    ['an item of another type', item({ type: 'mcp_call' }), 'invalid_value', 'item.type'],
    [
      'a call without a name',
      item({ type: 'function_call', arguments: '{}' }),
      'missing_required_parameter',
      'item.name',
    ],
    ['a retrieval of nothing', { type: 'conversation.item.retrieve' }, 'missing_required_parameter', 'item_id'],
    ['a deletion of a number', { type: 'conversation.item.delete', item_id: 1 }, 'invalid_value', 'item_id'],
    ['an item without a type', item({ type: undefined }), 'missing_required_parameter', 'item.type'],
    ['a result without its call', result({ call_id: undefined }), 'missing_required_parameter', 'item.call_id'],
    ['a result that is an object', result({ output: {} }), 'invalid_value', 'item.output'],
    ['a result with content', result({ content: [] }), 'unknown_parameter', 'item.content'],
    ['a role nobody has', item({ role: 'tool' }), 'invalid_value', 'item.role'],
    ['content that is missing', item({ content: undefined }), 'missing_required_parameter', 'item.content'],
    ['content that is a string', item({ content: 'hi' }), 'invalid_value', 'item.content'],
    ['content that is empty', item({ content: [] }), 'invalid_value', 'item.content'],
    [
      'content without a type',
      item({ content: [{ text: 'x' }] }),
      'missing_required_parameter',
      'item.content[0].type',
    ],
    [
      'content without text',
      item({ content: [{ type: 'input_text' }] }),
      'missing_required_parameter',
      'item.content[0].text',
    ],
    ['text that is a number', item({ content: [part('input_text', 1)] }), 'invalid_value', 'item.content[0].text'],
    [
      'long text',
      item({ content: [part('input_text'), part('input_text', LONG_TEXT)] }),
      'string_above_max_length',
      'item.content[1].text',
    ],
    [
      'parts that are long together',
      item({ content: [part('input_text', 'a'.repeat(20_000)), part('input_text', 'a'.repeat(20_000))] }),
      'string_above_max_length',
      'item.content',
    ],
    [
      'an unknown field of a part',
      item({ content: [{ ...part('input_text'), detail: 1 }] }),
      'unknown_parameter',
      'item.content[0].detail',
    ],
    [
      'audio content',
      item({ content: [{ type: 'input_audio', audio: 'AAAA' }] }),
      'unsupported_content_type',
      'item.content[0].type',
    ],
    [
      'image content',
      item({ content: [part('input_text'), part('input_image')] }),
      'unsupported_content_type',
      'item.content[1].type',
    ],
    [
      'output_text of a user',
      item({ content: [part('output_text')] }),
      'unsupported_content_type',
      'item.content[0].type',
    ],
    ['input_text of the assistant', item({ role: 'assistant' }), 'unsupported_content_type', 'item.content[0].type'],
    [
      'a content type that is no string',
      item({ content: [{ type: 1, text: 'x' }] }),
      'invalid_value',
      'item.content[0].type',
    ],
    ['a long item id', item({ id: LONG_ID }), 'string_above_max_length', 'item.id'],
    ['an empty item id', item({ id: '' }), 'invalid_value', 'item.id'],
    ['NUL in an item id', item({ id: 'a\0b' }), 'invalid_value', 'item.id'],
    ['half a surrogate pair in an item id', item({ id: 'a\ud800' }), 'invalid_value', 'item.id'],
    ['a previous item that is a number', { ...item(), previous_item_id: 1 }, 'invalid_value', 'previous_item_id'],
    ['a truncation without an item', without(truncate, 'item_id'), 'missing_required_parameter', 'item_id'],
    ['a truncation of a second part', { ...truncate, content_index: 1 }, 'invalid_value', 'content_index'],
    [
      'a truncation without a position',
      without(truncate, 'audio_end_ms'),
      'missing_required_parameter',
      'audio_end_ms',
    ],
    ['a truncation at a fraction', { ...truncate, audio_end_ms: 1.5 }, 'invalid_value', 'audio_end_ms'],
    ['a truncation before the start', { ...truncate, audio_end_ms: -1 }, 'invalid_value', 'audio_end_ms'],
    ['a position that is null', { ...truncate, audio_end_ms: null }, 'invalid_value', 'audio_end_ms'],
    ['a position no integer holds', { ...truncate, audio_end_ms: 2 ** 60 }, 'invalid_value', 'audio_end_ms'],
  ];
  it.each(refused)('%s', (_, event, code, param) =>
    expect(refusalOf(event)).toMatchObject({ type: 'invalid_request_error', code, param }),
  );
});
