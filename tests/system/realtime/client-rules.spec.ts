import { CLIENT_RULES, rulesBrokenBy, type Sent } from './client-rules';
import { fieldsOf, type Fields, type RealtimeEvent } from './realtime-event';
import { sampleConversation, sampleEvent, spoiled } from './sample-events';

const SENT: Sent = [
  { type: 'response.create', event_id: 'mine_1', response: { metadata: { topic: 'weather' } } },
  { type: 'response.create', event_id: 'mine_2', response: { metadata: { purpose: 'title' } } },
];

const audioOf = (content: Fields): Fields => ({
  ...{ id: 'item_u', type: 'message', status: 'completed', role: 'user', content: [content] },
});
const textAnswer = { id: 'item_a', type: 'message', status: 'completed', role: 'assistant' };
const G711 = { format: { type: 'audio/pcmu', rate: 8_000 }, voice: 'alloy' };

/** Each with what it must be refused by. */
const SPOILED: readonly (readonly [rule: string, what: string, event: RealtimeEvent])[] = [
  ['known-type', 'an event of the older dialect', { type: 'conversation.item.created', event_id: 'x' }],
  ['known-type', 'an event of WebRTC', { type: 'output_audio_buffer.started', event_id: 'x', response_id: 'resp_1' }],
  ['event-id', 'an id that is null', spoiled('error', 'event_id', null)],
  ['event-id', 'no id', spoiled('response.output_audio.delta', 'event_id', undefined)],
  ['user-transcript', 'no transcript', spoiled('conversation.item.added', 'item', audioOf({ type: 'input_audio' }))],
  ['error-words', 'a type that is null', spoiled('error', 'error.type', null)],
  ['error-words', 'no message', spoiled('error', 'error.message', '')],
  ['error-keys', 'no key for the field that is meant', spoiled('error', 'error.param', undefined)],
  ['error-echo', 'no echo', spoiled('error', 'error.event_id', null)],
  ['error-echo', 'the id of an event that nobody sent', spoiled('error', 'error.event_id', 'event_TODO')],
  ['status-details', 'no key', spoiled('response.done', 'response.status_details', undefined)],
  ['status-details', 'a string', spoiled('response.created', 'response.status_details', 'unimplemented')],
  ['usage', 'null', spoiled('response.done', 'response.usage', null)],
  ['usage', 'nothing in it', spoiled('response.done', 'response.usage', {})],
  ['usage', 'a count too few', spoiled('response.done', 'response.usage.output_token_details', { text_tokens: 1 })],
  ['integers', 'half a millisecond', spoiled('conversation.item.truncated', 'audio_end_ms', 240.5)],
  ['integers', 'half a token', spoiled('response.done', 'response.usage.input_token_details.image_tokens', 0.5)],
  ['rate', 'PCM without a rate', spoiled('session.created', 'session.audio.output.format', { type: 'audio/pcm' })],
  ['rate', 'G.711 with one', spoiled('response.created', 'response.audio.output', G711)],
  ['item-type', 'a hosted tool', spoiled('conversation.item.added', 'item.type', 'mcp_call')],
  ['item-names', 'an item without an id', spoiled('conversation.item.done', 'item.id', undefined)],
  ['item-names', 'an item without a status', spoiled('response.output_item.done', 'item.status', undefined)],
  ['previous-item', 'no key', spoiled('conversation.item.added', 'previous_item_id', undefined)],
  [
    'part-of-mode',
    'a text in a response that is spoken',
    spoiled('response.done', 'response.output', [{ ...textAnswer, content: [{ type: 'output_text', text: 'Hi.' }] }]),
  ],
  ['voice-name', 'an object', spoiled('response.created', 'response.audio.output.voice', { id: 'voice_1' })],
  [
    'tool-choice',
    'a function that nobody chose',
    spoiled('session.updated', 'session.tool_choice', { type: 'function', name: 'weather' }),
  ],
  ['whole-session', 'no format', spoiled('session.created', 'session.audio.output.format', undefined)],
  [
    'whole-session',
    'nothing of interruption',
    spoiled('session.updated', 'session.audio.input.turn_detection', { type: 'server_vad' }),
  ],
  ['metadata', 'no key', spoiled('response.created', 'response.metadata', undefined)],
  ['metadata', 'that of nobody', spoiled('response.done', 'response.metadata', { topic: 'tides' })],
];

describe('the strictest clients', () => {
  it('live through a conversation as the real server tells it', () => {
    const broken = sampleConversation().flatMap((event) => rulesBrokenBy(event, SENT).map((id) => [event.type, id]));
    expect(broken).toEqual([]);
  });

  it.each(SPOILED)('rule %s refuses %s', (rule, _what, event) => {
    expect(rulesBrokenBy(event, SENT)).toEqual([rule]);
  });

  it('have no rule that refuses nothing', () => {
    expect(new Set(SPOILED.map(([rule]) => rule))).toEqual(new Set(CLIENT_RULES.map(({ id }) => id)));
  });

  it('an error that answers none of their events needs no id of theirs', () => {
    const expired = spoiled('error', 'error', {
      ...fieldsOf(sampleEvent('error')['error']),
      code: 'session_expired',
      event_id: null,
    });
    expect(rulesBrokenBy(expired, SENT)).toEqual([]);
  });
});
