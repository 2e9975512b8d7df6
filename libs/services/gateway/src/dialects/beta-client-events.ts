import type { ClientError } from '@parley/model';
import { isRecord, quoted, refusal } from '@parley/schemas';
import { CONTENT_TYPES, FORMATS, PLACES } from './beta-names';

type Fields = Readonly<Record<string, unknown>>;
export type Translated = { ok: true; event: Fields } | { ok: false; error: ClientError };

const BOTH = ['modalities', 'instructions', 'voice', 'output_audio_format', 'tools', 'tool_choice', 'temperature'];
const SESSION = [
  ...BOTH,
  ...['model', 'speed', 'input_audio_format', 'input_audio_transcription', 'input_audio_noise_reduction'],
  ...['turn_detection', 'max_response_output_tokens'],
];
const RESPONSE = [...BOTH, 'max_response_output_tokens', 'conversation', 'metadata', 'input'];

/** A kind of value that only this dialect has. */
interface Values {
  supported: string;
  /** What GA has for one; undefined: it is none of them. */
  of(value: unknown): unknown;
}

const formats: Values = {
  supported: [...FORMATS.keys()].map((name) => `'${String(name)}'`).join(', '),
  of: (value) => FORMATS.get(value),
};

const VALUES = new Map<string, Values>([
  ['modalities', { supported: "['text', 'audio'], ['text']", of: modalitiesOf }],
  ['input_audio_format', formats],
  ['output_audio_format', formats],
  ['temperature', { supported: 'a number', of: (value) => (typeof value === 'number' ? value : undefined) }],
]);

/**
 * A client's event of the older dialect as GA has it, to be parsed as such. Refused is here only what that parser would take
 * for something else, or could not name: GA's own fields and values, and wrong ones of this dialect's.
 */
export function gaEventOf(event: Fields): Translated {
  switch (event['type']) {
    case 'session.update':
      return within(event, 'session', (session) => faultOf(session, 'session', SESSION), gaFieldsOf);
    case 'response.create':
      return within(event, 'response', (response) => faultOf(response, 'response', RESPONSE), gaResponseOf);
    case 'conversation.item.create':
      return within(event, 'item', (item) => faultOfItem(item, 'item'), gaItemOf);
    default:
      return { ok: true, event };
  }
}

/** The field that holds what differs. One that is no object is wrong in GA too. */
function within(
  event: Fields,
  name: string,
  fault: (fields: Fields) => ClientError | undefined,
  translate: (fields: Fields) => Fields,
): Translated {
  const fields = event[name];
  if (!isRecord(fields)) return { ok: true, event };
  const error = fault(fields);
  if (error) return { ok: false, error };
  const type = name === 'session' ? { type: 'realtime' } : {};
  return { ok: true, event: { ...event, [name]: { ...type, ...translate(fields) } } };
}

function faultOf(fields: Fields, path: string, allowed: readonly string[]): ClientError | undefined {
  for (const [name, value] of Object.entries(fields)) {
    const param = `${path}.${quoted(name)}`;
    if (!allowed.includes(name)) {
      const message = `Unknown parameter: '${param}'. Allowed here: ${allowed.join(', ')}.`;
      return refusal('unknown_parameter', param, message);
    }
    const values = VALUES.get(name);
    if (values && values.of(value) === undefined) {
      return refusal('invalid_value', param, `Invalid value for '${param}'. Supported here: ${values.supported}.`);
    }
  }
  return itemsOf(fields['input'])
    .map((item, index) => faultOfItem(item, `${path}.input[${index}]`))
    .find(Boolean);
}

/** GA's names of content parts are none here. */
function faultOfItem(item: Fields, path: string): ClientError | undefined {
  const index = itemsOf(item['content']).findIndex(({ type }) => [...CONTENT_TYPES.values()].some((ga) => ga === type));
  if (index < 0) return undefined;
  const param = `${path}.content[${index}].type`;
  const message = `Invalid value for '${param}'. Supported here: 'input_text', 'text'.`;
  return refusal('unsupported_content_type', param, message);
}

function gaFieldsOf(fields: Fields): Fields {
  const ga: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const values = VALUES.get(name);
    if (name !== 'temperature') put(ga, PLACES.get(name) ?? [name], values ? values.of(value) : value);
  }
  return ga;
}

function gaResponseOf(response: Fields): Fields {
  const { input } = response;
  return gaFieldsOf(Array.isArray(input) ? { ...response, input: input.map(gaInputOf) } : response);
}

const gaInputOf = (item: unknown): unknown => (isRecord(item) ? gaItemOf(item) : item);

/** `object` is always the same, and GA has none. */
function gaItemOf({ object: _object, ...item }: Fields): Fields {
  const { content } = item;
  return Array.isArray(content) ? { ...item, content: content.map(gaPartOf) } : item;
}

/** The text of an answer. Its audio cannot be given, by no name. */
const gaPartOf = (part: unknown): unknown =>
  isRecord(part) && part['type'] === 'text' ? { ...part, type: CONTENT_TYPES.get('text') } : part;

function put(target: Record<string, unknown>, [step, ...rest]: readonly string[], value: unknown): void {
  if (step === undefined) return;
  if (rest.length === 0) target[step] = value;
  else {
    const inner = isRecord(target[step]) ? target[step] : {};
    target[step] = inner;
    put(inner, rest, value);
  }
}

const itemsOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map((each) => (isRecord(each) ? each : {})) : [];

/** Audio comes with its transcript there: the two are one in GA. */
function modalitiesOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.map(String).sort().join();
  if (names === 'audio,text') return ['audio'];
  return names === 'text' ? ['text'] : undefined;
}
