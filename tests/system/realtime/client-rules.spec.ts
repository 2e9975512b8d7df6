import { CLIENT_RULES, rulesBrokenBy, type Sent } from './client-rules';
import { fieldsOf, type Fields } from '../support/fields';
import type { RealtimeEvent } from './realtime-event';
import { sampleConversation, sampleEvent, spoiled } from './sample-events';

const SENT: Sent = [
  { type: 'response.create', event_id: 'mine_1', response: { metadata: { topic: 'weather' } } },
  { type: 'response.create', event_id: 'mine_2', response: { metadata: { purpose: 'title' } } },
  { type: 'response.cancel', event_id: 'mine_3' },
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
  ['error-echo', 'the id of an event that it cannot mean', spoiled('error', 'error.event_id', 'mine_1')],
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

  describe('where some of their events had no id', () => {
    const error = (more: Fields): RealtimeEvent =>
      spoiled('error', 'error', { ...fieldsOf(sampleEvent('error')['error']), event_id: null, ...more });
    const isRefused = (told: RealtimeEvent, ...sent: RealtimeEvent[]): boolean =>
      rulesBrokenBy(told, sent).includes('error-echo');
    const update = { type: 'session.update', session: { voice: 'alloy' } };
    const create = { type: 'response.create' };
    const cancel = { type: 'response.cancel' };

    it('still want the echo of an error whose code can only mean one that had one', () => {
      expect(isRefused(error({}), update, create, { ...cancel, event_id: 'mine' })).toBe(true);
      expect(isRefused(error({}), update, create, cancel, { ...cancel, event_id: 'mine' })).toBe(false);
      const running = error({ code: 'conversation_already_has_active_response' });
      expect(isRefused(running, update, cancel, { ...create, event_id: 'mine' })).toBe(true);
      expect(isRefused(running, create)).toBe(false);
    });

    it('still want the echo of an error whose field stands only in one that had one', () => {
      const unknown = error({ code: 'unknown_parameter', param: 'session.voice' });
      expect(isRefused(unknown, create, cancel, { ...update, event_id: 'mine' })).toBe(true);
      expect(isRefused(unknown, create, update)).toBe(false);
      const long = error({ code: 'string_above_max_length', param: 'item.content[0].text' });
      expect(isRefused(long, create, { type: 'conversation.item.create', item: {}, event_id: 'mine' })).toBe(true);
    });

    it('may not know which one lacks a field', () => {
      expect(isRefused(error({ code: 'missing_required_parameter', param: 'item' }), create)).toBe(false);
    });

    it('take no error for an answer to nothing', () => {
      expect(isRefused(error({}))).toBe(true);
    });
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
