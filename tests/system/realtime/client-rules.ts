import { fieldsOf, type Fields } from '../support/fields';
import type { RealtimeEvent } from './realtime-event';

/** What the client has sent on this connection until now. */
export type Sent = readonly RealtimeEvent[];

/** Something that kills, deafens or blocks an existing client (openai-realtime.md §6.4) although the API's types allow it. */
export interface ClientRule {
  readonly id: string;
  /** Whom it breaks, and how. */
  readonly breaks: string;
  /** `sent` is undefined when not all of it is known: of a session that was resumed. */
  readonly isBroken: (event: RealtimeEvent, sent: Sent | undefined) => boolean;
}

/** Types of the API that no client on a WebSocket expects: of the older dialect, of WebRTC, SIP and hosted tools. */
const NOT_ON_A_SOCKET =
  /^(conversation\.created|conversation\.item\.created|output_audio_buffer\..*|.*dtmf.*|mcp_list_tools\..*|response\.mcp_call.*)$/;
/** Errors that answer no event of the client: it did nothing that could have an id. */
const UNASKED_CODES: readonly unknown[] = ['session_expired', 'invalid_json'];
/** Errors that only one type of the client's events can cause (§5.3). */
const CODES_OF_ONE_TYPE: ReadonlyMap<unknown, string> = new Map([
  ['response_cancel_not_active', 'response.cancel'],
  ['conversation_already_has_active_response', 'response.create'],
  ['input_audio_buffer_commit_empty', 'input_audio_buffer.commit'],
  ['item_retrieve_invalid_item_id', 'conversation.item.retrieve'],
  ['item_truncate_invalid_item_id', 'conversation.item.truncate'],
  ['item_delete_invalid_item_id', 'conversation.item.delete'],
  ['cannot_update_voice', 'session.update'],
]);
const ITEM_TYPES: readonly unknown[] = ['message', 'function_call', 'function_call_output'];
const USAGE = ['total_tokens', 'input_tokens', 'output_tokens'];
const USAGE_DETAILS = {
  input_token_details: ['text_tokens', 'audio_tokens', 'cached_tokens'],
  output_token_details: ['text_tokens', 'audio_tokens'],
};

const isOf = (event: RealtimeEvent, ...types: string[]): boolean => types.includes(event.type);
const isSession = (event: RealtimeEvent): boolean => isOf(event, 'session.created', 'session.updated');
const responseOf = (event: RealtimeEvent): Fields => fieldsOf(event['response']);
const errorOf = (event: RealtimeEvent): Fields => fieldsOf(event['error']);
const has = (fields: Fields, ...names: string[]): boolean => names.every((name) => Object.hasOwn(fields, name));
const allIntegers = (fields: Fields, names: readonly string[]): boolean =>
  names.every((name) => Number.isInteger(fields[name]));
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

/** Whether any object in it, itself included, is wrong. */
function some(value: unknown, isWrong: (fields: Fields) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const isOne = !Array.isArray(value) && isWrong(value as Fields);
  return isOne || Object.values(value).some((inner) => some(inner, isWrong));
}

/** Items as they stand in an event: its own, and a response's output. */
const itemsIn = (event: RealtimeEvent): Fields[] => [
  ...(has(event, 'item') ? [fieldsOf(event['item'])] : []),
  ...listOf(responseOf(event)['output']),
];

export const CLIENT_RULES: readonly ClientRule[] = [
  {
    id: 'known-type',
    breaks: 'Pipecat: a type that it does not know ends its receive loop',
    isBroken: (event) => NOT_ON_A_SOCKET.test(event.type),
  },
  {
    id: 'event-id',
    breaks: 'agents-js: an event whose id is no string is dropped, an error too',
    isBroken: (event) => typeof event['event_id'] !== 'string' || event['event_id'] === '',
  },
  {
    id: 'user-transcript',
    breaks: 'agents-js: the audio of a user without the key `transcript` ends the process',
    isBroken: (event) => some(event, (fields) => fields['type'] === 'input_audio' && !has(fields, 'transcript')),
  },
  {
    id: 'error-words',
    breaks: 'Pipecat: an error without type and message as strings ends its receive loop',
    isBroken: (event) =>
      isOf(event, 'error') &&
      !['type', 'message'].every((name) => typeof errorOf(event)[name] === 'string' && errorOf(event)[name] !== ''),
  },
  {
    id: 'error-keys',
    breaks: 'agents-js, openai: all five keys of an error are read',
    isBroken: (event) => isOf(event, 'error') && !has(errorOf(event), 'type', 'code', 'message', 'param', 'event_id'),
  },
  {
    id: 'error-echo',
    breaks: 'agents-js: a refused response.create whose id is not echoed blocks every later one',
    isBroken: (event, sent) => isOf(event, 'error') && sent !== undefined && !isEchoed(errorOf(event), sent),
  },
  {
    id: 'status-details',
    breaks: 'Pipecat: the key `status_details` must be there; agents-js: a string in it hides the event',
    isBroken: (event) =>
      isOf(event, 'response.created', 'response.done') &&
      (!has(responseOf(event), 'status_details') || typeof responseOf(event)['status_details'] === 'string'),
  },
  {
    id: 'usage',
    breaks: 'Pipecat: reads every count of a response that is done, cancelled ones too',
    isBroken: (event) => isOf(event, 'response.done') && !isCounted(fieldsOf(responseOf(event)['usage'])),
  },
  {
    id: 'integers',
    breaks: 'Pipecat: milliseconds, tokens and places are integers',
    isBroken: (event) =>
      some(event, (fields) =>
        Object.entries(fields).some(
          ([name, value]) =>
            /(_ms|_tokens|_index|^expires_at)$/.test(name) && typeof value === 'number' && !Number.isInteger(value),
        ),
      ),
  },
  {
    id: 'rate',
    breaks: 'Pipecat: PCM says its rate, 24,000; G.711 has none',
    isBroken: (event) =>
      some(event, ({ type, rate }) => {
        if (type === 'audio/pcm') return rate !== 24_000;
        return (type === 'audio/pcmu' || type === 'audio/pcma') && rate !== undefined;
      }),
  },
  {
    id: 'item-type',
    breaks: 'Pipecat: knows messages, calls and their results only',
    isBroken: (event) => itemsIn(event).some(({ type }) => !ITEM_TYPES.includes(type)),
  },
  {
    id: 'item-names',
    breaks: 'LiveKit, agents-js: an item without an id or a status cannot be placed',
    isBroken: (event) =>
      itemsIn(event).some(({ id, type, status }) => {
        const hasStatus = typeof status === 'string' || type === 'function_call_output';
        return typeof id !== 'string' || !hasStatus;
      }),
  },
  {
    id: 'previous-item',
    breaks: 'agents-js: null is the front of the conversation, a missing key its end',
    isBroken: (event) => isOf(event, 'conversation.item.added') && !has(event, 'previous_item_id'),
  },
  {
    id: 'part-of-mode',
    breaks: 'LiveKit: a text part in a response that is spoken is taken for a failure',
    isBroken: (event) =>
      isOf(event, 'response.done') &&
      listOf(responseOf(event)['output'])
        .flatMap(({ role, content }) => (role === 'assistant' ? listOf(content) : []))
        .some(({ type }) => type !== `output_${String([responseOf(event)['output_modalities']].flat()[0])}`),
  },
  {
    id: 'voice-name',
    breaks: 'agents-js: the voice of a response is a string',
    isBroken: (event) => {
      const output = fieldsOf(fieldsOf(responseOf(event)['audio'])['output']);
      return output['voice'] !== undefined && typeof output['voice'] !== 'string';
    },
  },
  {
    id: 'tool-choice',
    breaks: 'Pipecat: reads the choice of tools as a string, and never asks for one function',
    isBroken: (event, sent) =>
      isSession(event) &&
      sent !== undefined &&
      typeof fieldsOf(event['session'])['tool_choice'] !== 'string' &&
      !sent.some((each) => typeof fieldsOf(each['session'])['tool_choice'] === 'object'),
  },
  {
    id: 'whole-session',
    breaks: 'agents-js, openai-agents-python: take format and interruption from what the session says of itself',
    isBroken: (event) => isSession(event) && !isWholeSession(fieldsOf(event['session'])),
  },
  {
    id: 'metadata',
    breaks: 'LiveKit: waits 10 s for the response that carries its metadata',
    isBroken: (event, sent) => {
      if (sent === undefined || !isOf(event, 'response.created', 'response.done')) return false;
      const { metadata } = responseOf(event);
      const asked = sent.filter(({ type }) => type === 'response.create').map(responseOf);
      return metadata !== null && !asked.some((each) => isSame(each['metadata'], metadata));
    },
  },
];

/** The rules that this event breaks, by id. */
export const rulesBrokenBy = (event: RealtimeEvent, sent: Sent | undefined): string[] =>
  CLIENT_RULES.filter(({ isBroken }) => isBroken(event, sent)).map(({ id }) => id);

/** With the id of an event that was sent and that it can mean; without one only when such an event had none. */
function isEchoed(error: Fields, sent: Sent): boolean {
  const { event_id: id, code, type } = error;
  const meant = sent.filter((event) => canMean(error, event)).map((event) => event['event_id']);
  if (typeof id === 'string') return meant.includes(id);
  return (
    meant.some((each) => typeof each !== 'string') || type !== 'invalid_request_error' || UNASKED_CODES.includes(code)
  );
}

/** By its code, or by the field that it names; one that is missing may be missing anywhere. */
function canMean({ code, param }: Fields, event: RealtimeEvent): boolean {
  const type = CODES_OF_ONE_TYPE.get(code);
  if (type !== undefined) return event.type === type;
  const [field = ''] = typeof param === 'string' ? param.split(/[.[]/) : [];
  return field === '' || code === 'missing_required_parameter' || has(event, field);
}

const isCounted = (usage: Fields): boolean =>
  allIntegers(usage, USAGE) &&
  Object.entries(USAGE_DETAILS).every(([name, counts]) => allIntegers(fieldsOf(usage[name]), counts));

/** openai-realtime.md §4: everything that is in force, also what the client never named. */
function isWholeSession(session: Fields): boolean {
  const audio = fieldsOf(session['audio']);
  const [input, output] = [fieldsOf(audio['input']), fieldsOf(audio['output'])];
  const detection = input['turn_detection'];
  return (
    has(session, 'type', 'id', 'model', 'output_modalities', 'instructions', 'tools', 'tool_choice') &&
    has(session, 'max_output_tokens', 'tracing', 'truncation', 'prompt') &&
    has(input, 'format', 'transcription', 'noise_reduction', 'turn_detection') &&
    has(output, 'format', 'voice') &&
    (detection === null || typeof fieldsOf(detection)['interrupt_response'] === 'boolean')
  );
}

/** Of flat objects of strings, whatever the order of their keys. */
function isSame(left: unknown, right: unknown): boolean {
  const sorted = (value: unknown): string => JSON.stringify(Object.entries(fieldsOf(value)).sort());
  return typeof left === typeof right && sorted(left) === sorted(right);
}
