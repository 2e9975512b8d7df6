import type { ClientEventBody } from '@parley/model';
import { announceOf, USAGE } from '../gateway-stage.fixture';
import { ResponseEvents, type Closing } from './response-events';

/** Shapes and order: the Realtime API as recorded (openai-realtime.md §3 and §5.1). */

const PLACE = { response_id: 'resp_1', item_id: 'item_1', output_index: 0, content_index: 0 };
const ITEM = { id: 'item_1', type: 'message', role: 'assistant' };

const responseBody = (more: Record<string, unknown>): Record<string, unknown> => ({
  object: 'realtime.response',
  id: 'resp_1',
  conversation_id: 'conv_1',
  output_modalities: ['audio'],
  max_output_tokens: 'inf',
  audio: { output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'default' } },
  metadata: null,
  ...more,
});
const WIRE_USAGE = {
  total_tokens: 10,
  input_tokens: 7,
  output_tokens: 3,
  input_token_details: {
    text_tokens: 7,
    audio_tokens: 0,
    image_tokens: 0,
    cached_tokens: 0,
    cached_tokens_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
  },
  output_token_details: { text_tokens: 3, audio_tokens: 0 },
};

const COMPLETED: Closing = { status: 'completed', cutBy: null, error: null, usage: USAGE };
const typesOf = (events: readonly ClientEventBody[]): string[] => events.map(({ type }) => type);

const CHAIN = [
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'conversation.item.done',
  'response.output_item.done',
  'response.done',
];

let events: ResponseEvents;
beforeEach(() => {
  events = new ResponseEvents(announceOf(1, { previousItemId: 'item_0' }), 'conv_1');
});

describe('the beginning of a response', () => {
  it('is response.created: in progress, without output and usage', () => {
    expect(events.created()).toEqual([
      {
        type: 'response.created',
        response: responseBody({ status: 'in_progress', status_details: null, output: [], usage: null }),
      },
    ]);
  });

  it('names the voice that was asked for, at the end too', () => {
    const sailor = new ResponseEvents(announceOf(1, { voice: 'sailor' }), 'conv_1');
    for (const events of [sailor.created(), sailor.close(COMPLETED)]) {
      expect(events.at(-1)).toMatchObject({ response: { audio: { output: { voice: 'sailor' } } } });
    }
  });

  it('names the format it began with, at the end too', () => {
    const quiet = new ResponseEvents(announceOf(1, { format: { type: 'audio/pcma' } }), 'conv_1');
    for (const events of [quiet.created(), quiet.close(COMPLETED)]) {
      expect(events.at(-1)).toMatchObject({ response: { audio: { output: { format: { type: 'audio/pcma' } } } } });
    }
  });

  it('echoes the metadata of the request, at the end too', () => {
    const metadata = { client_event_id: 'a' };
    const tagged = new ResponseEvents(announceOf(1, { metadata }), 'conv_1');
    expect(tagged.created()).toMatchObject([{ response: { metadata } }]);
    expect(tagged.close(COMPLETED).at(-1)).toMatchObject({ response: { metadata } });
  });

  it('opens item and part with the first text, and once', () => {
    const item = { ...ITEM, status: 'in_progress', content: [] };
    expect(events.text('Hello ')).toEqual([
      { type: 'response.output_item.added', response_id: 'resp_1', output_index: 0, item },
      { type: 'conversation.item.added', previous_item_id: 'item_0', item },
      { type: 'response.content_part.added', ...PLACE, part: { type: 'audio', transcript: '' } },
      { type: 'response.output_audio_transcript.delta', ...PLACE, delta: 'Hello ' },
    ]);
    expect(events.text('you.')).toEqual([{ type: 'response.output_audio_transcript.delta', ...PLACE, delta: 'you.' }]);
    expect(events.open()).toEqual([]);
  });

  it('opens them for audio that comes before its text', () => {
    expect(typesOf(events.open())).toEqual([
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
    ]);
    expect(typesOf(events.text('Hello'))).toEqual(['response.output_audio_transcript.delta']);
  });

  it('writes an audio delta as an event of the same form', () => {
    const odd = new ResponseEvents(announceOf(1, { itemId: 'of "the" client' }), 'conv_1');
    expect(
      JSON.parse(odd.audioDelta('response.output_audio.delta', 'event_a1_1', 'AAAA', { segment: 2, firstSample: 480 })),
    ).toEqual({
      type: 'response.output_audio.delta',
      event_id: 'event_a1_1',
      ...PLACE,
      item_id: 'of "the" client',
      ...{ segment: 2, first_sample: 480 },
      delta: 'AAAA',
    });
  });
});

describe('the closing events', () => {
  it('of a completed response are the whole chain, with the whole transcript', () => {
    events.text('Hello ');
    events.text('you.');
    const item = { ...ITEM, status: 'completed', content: [{ type: 'output_audio', transcript: 'Hello you.' }] };
    expect(events.close(COMPLETED)).toEqual([
      { type: 'response.output_audio.done', ...PLACE },
      { type: 'response.output_audio_transcript.done', ...PLACE, transcript: 'Hello you.' },
      { type: 'response.content_part.done', ...PLACE, part: { type: 'audio', transcript: 'Hello you.' } },
      { type: 'conversation.item.done', previous_item_id: 'item_0', item },
      { type: 'response.output_item.done', response_id: 'resp_1', output_index: 0, item },
      {
        type: 'response.done',
        response: responseBody({ status: 'completed', status_details: null, output: [item], usage: WIRE_USAGE }),
      },
    ]);
  });

  const error = { type: 'server_error', code: 'llm_unavailable', message: 'It is gone.', param: null } as const;
  const failed = { type: 'failed', error: { type: 'server_error', code: 'llm_unavailable', message: 'It is gone.' } };

  it.each<[Closing, unknown]>([
    [
      { status: 'cancelled', reason: 'client_cancelled', usage: USAGE },
      { type: 'cancelled', reason: 'client_cancelled' },
    ],
    [
      { status: 'cancelled', reason: 'turn_detected', usage: USAGE },
      { type: 'cancelled', reason: 'turn_detected' },
    ],
    [
      { status: 'incomplete', cutBy: 'max_output_tokens', error: null, usage: USAGE },
      { type: 'incomplete', reason: 'max_output_tokens' },
    ],
    [
      { status: 'incomplete', cutBy: 'content_filter', error: null, usage: USAGE },
      { type: 'incomplete', reason: 'content_filter' },
    ],
    [{ status: 'incomplete', cutBy: null, error: null, usage: USAGE }, { type: 'incomplete' }],
    [{ status: 'failed', cutBy: null, error, usage: USAGE }, failed],
    [
      { status: 'failed', cutBy: null, error: null, usage: USAGE },
      { type: 'failed', error: null },
    ],
  ])('of one that ended otherwise are the same chain with an incomplete item: %j', (end, details) => {
    events.text('Hello ');
    const chain = events.close(end);
    expect(typesOf(chain)).toEqual(CHAIN);
    expect(chain[3]).toMatchObject({ item: { status: 'incomplete' } });
    expect(chain.at(-1)).toMatchObject({
      response: { status: end.status, status_details: details, usage: WIRE_USAGE, output: [{ status: 'incomplete' }] },
    });
  });

  it.each<[Closing]>([
    [{ status: 'cancelled', reason: 'client_cancelled', usage: USAGE }],
    [{ status: 'failed', cutBy: null, error, usage: USAGE }],
    [{ status: 'incomplete', cutBy: null, error: null, usage: USAGE }],
  ])('of one that was never opened are response.done alone, without output: %j', (end) => {
    const chain = events.close(end);
    expect(typesOf(chain)).toEqual(['response.done']);
    expect(chain[0]).toMatchObject({ response: { status: end.status, output: [], usage: WIRE_USAGE } });
  });

  it('carry a usage of zeros when the model gave none: some clients need the object', () => {
    const [done] = events.close({
      status: 'cancelled',
      reason: 'client_cancelled',
      usage: { inputTokens: 0, outputTokens: 0 },
    });
    expect(done).toMatchObject({ response: { usage: { total_tokens: 0, input_tokens: 0, output_tokens: 0 } } });
  });
});

describe('a function call', () => {
  const CALL = { callId: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' };
  const fn = (status: string, text: string): object => ({
    ...{ id: 'fn_1', type: 'function_call', status, call_id: 'call_1', name: 'weather', arguments: text },
  });
  const of = (index: number): object => ({
    ...{ response_id: 'resp_1', item_id: 'fn_1', output_index: index, call_id: 'call_1' },
  });

  it('[TO1] is an item of its own, complete at once', () => {
    const [added, done] = [fn('in_progress', ''), fn('completed', CALL.arguments)];
    expect(events.call('fn_1', CALL)).toEqual([
      { type: 'response.output_item.added', response_id: 'resp_1', output_index: 0, item: added },
      { type: 'conversation.item.added', previous_item_id: 'item_0', item: added },
      { type: 'response.function_call_arguments.delta', ...of(0), delta: CALL.arguments },
      { type: 'response.function_call_arguments.done', ...of(0), name: 'weather', arguments: CALL.arguments },
      { type: 'conversation.item.done', previous_item_id: 'item_0', item: done },
      { type: 'response.output_item.done', response_id: 'resp_1', output_index: 0, item: done },
    ]);
  });

  it('[TO2] may be the whole response', () => {
    events.call('fn_1', CALL);
    expect(events.close(COMPLETED)).toMatchObject([
      { type: 'response.done', response: { output: [{ type: 'function_call', call_id: 'call_1' }] } },
    ]);
  });

  it('stands behind the message that is still spoken', () => {
    events.text('One moment. ');
    const [added, item] = events.call('fn_1', CALL);
    expect(added).toMatchObject({ output_index: 1 });
    expect(item).toMatchObject({ previous_item_id: 'item_1' });
    const closing = events.close(COMPLETED);
    expect(closing[3]).toMatchObject({ type: 'conversation.item.done', previous_item_id: 'item_0' });
    expect(closing.at(-1)).toMatchObject({ response: { output: [{ id: 'item_1' }, { id: 'fn_1' }] } });
  });

  it('stands before a message that begins after it, whose events say so', () => {
    events.call('fn_1', CALL);
    const [added, item] = events.text('One moment. ');
    expect(added).toMatchObject({ output_index: 1 });
    expect(item).toMatchObject({ previous_item_id: 'fn_1' });
    expect(JSON.parse(events.audioDelta('response.audio.delta', 'e', '', undefined))).toMatchObject({
      output_index: 1,
    });
    const closing = events.close(COMPLETED);
    expect(closing[0]).toMatchObject({ output_index: 1 });
    expect(closing[3]).toMatchObject({ previous_item_id: 'fn_1' });
    expect(closing[4]).toMatchObject({ output_index: 1 });
    expect(closing.at(-1)).toMatchObject({ response: { output: [{ id: 'fn_1' }, { id: 'item_1' }] } });
  });
});

describe('a response of text alone', () => {
  const text = (): ResponseEvents =>
    new ResponseEvents(announceOf(1, { modality: 'text', maxOutputTokens: 12, previousItemId: 'item_0' }), 'conv_1');

  it('says what it is at both ends', () => {
    const written = text();
    const [created] = written.created();
    for (const event of [created, written.close(COMPLETED).at(-1)]) {
      expect(event).toMatchObject({ response: { output_modalities: ['text'], max_output_tokens: 12 } });
    }
  });

  it('has events and content of text where others have audio', () => {
    const written = text();
    expect(written.text('Hello ')).toMatchObject([
      { type: 'response.output_item.added' },
      { type: 'conversation.item.added' },
      { type: 'response.content_part.added', part: { type: 'text', text: '' } },
      { type: 'response.output_text.delta', ...PLACE, delta: 'Hello ' },
    ]);
    written.text('you.');
    const item = { ...ITEM, status: 'completed', content: [{ type: 'output_text', text: 'Hello you.' }] };
    expect(written.close(COMPLETED)).toEqual([
      { type: 'response.output_text.done', ...PLACE, text: 'Hello you.' },
      { type: 'response.content_part.done', ...PLACE, part: { type: 'text', text: 'Hello you.' } },
      { type: 'conversation.item.done', previous_item_id: 'item_0', item },
      { type: 'response.output_item.done', response_id: 'resp_1', output_index: 0, item },
      expect.objectContaining({ type: 'response.done' }),
    ]);
  });
});

describe('a response out of band', () => {
  it('is of no conversation: it has no item there, and names none', () => {
    const aside = new ResponseEvents(announceOf(1, { lane: 2 }), 'conv_1');
    const all = [
      ...aside.created(),
      ...aside.text('Hello.'),
      ...aside.call('fn_1', { callId: 'call_1', name: 'f', arguments: '{}' }),
      ...aside.close(COMPLETED),
    ];
    expect(typesOf(all).filter((type) => type.startsWith('conversation.'))).toEqual([]);
    expect(all[0]).toMatchObject({ response: { conversation_id: null } });
    expect(all.at(-1)).toMatchObject({
      response: { conversation_id: null, output: [{ type: 'message' }, { type: 'function_call' }] },
    });
  });
});

describe('what the provider says is left', () => {
  it('comes behind response.done', () => {
    const rateLimits = [{ name: 'tokens' as const, limit: 30_000, remaining: 29_000, resetSeconds: 1.5 }];
    const chain = events.close({ ...COMPLETED, usage: { ...USAGE, rateLimits } });
    expect(chain.slice(-2)).toEqual([
      expect.objectContaining({ type: 'response.done' }),
      {
        type: 'rate_limits.updated',
        rate_limits: [{ name: 'tokens', limit: 30_000, remaining: 29_000, reset_seconds: 1.5 }],
      },
    ]);
    expect(chain.at(-2)).toMatchObject({ response: { usage: WIRE_USAGE } });
  });
});
