import type { ClientEventBody } from '@parley/model';
import { isRecord } from '@parley/schemas';
import { CONTENT_TYPES, EVENT_TYPES, FORMATS, NEW_EVENTS, NEW_FIELDS, PLACES } from './beta-names';
import { isParleysOwn } from './dialect';

type Fields = Readonly<Record<string, unknown>>;

const SESSION = ['id', 'object', 'model', 'expires_at', 'instructions', 'tools', 'tool_choice'];
const RESPONSE = [
  'id',
  'object',
  'status',
  'status_details',
  'conversation_id',
  'max_output_tokens',
  'usage',
  'metadata',
];

/** As errors name them, with the older names. */
const GA_NAMES = ['session', 'response'].flatMap((root) =>
  [...PLACES].map(([name, place]) => [[root, ...place].join('.'), `${root}.${name}`] as const),
);

/** One of GA's events in the older dialect; undefined: it has none of the kind. `temperature`: as the client set it. */
export function betaEventOf(event: ClientEventBody, temperature: number): ClientEventBody | undefined {
  const { type, ...fields } = event;
  const name = EVENT_TYPES.get(type) ?? type;
  if (isParleysOwn({ ...event, type: name }) || NEW_EVENTS.includes(name)) return undefined;
  const { session, response, item, error } = fields;
  return {
    type: name,
    ...fields,
    ...(isRecord(session) ? { session: betaSessionOf(session, temperature) } : {}),
    ...(isRecord(response) ? { response: betaResponseOf(response) } : {}),
    ...(isRecord(item) ? { item: betaItemOf(item) } : {}),
    ...(isRecord(error) ? { error: betaErrorOf(error) } : {}),
  };
}

const betaSessionOf = (session: Fields, temperature: number): Fields => ({
  ...named(session, SESSION),
  ...placed(session, [...PLACES.keys()]),
  temperature,
});

const betaResponseOf = (response: Fields): Fields => ({
  ...named(response, RESPONSE),
  usage: withoutNew(response['usage']),
  ...placed(response, ['modalities', 'voice', 'output_audio_format']),
  output: listOf(response['output'], betaItemOf),
});

const betaItemOf = (item: Fields): Fields => ({
  object: 'realtime.item',
  ...item,
  ...(Array.isArray(item['content']) ? { content: listOf(item['content'], betaPartOf) } : {}),
});

function betaPartOf(part: Fields): Fields {
  const [name] = [...CONTENT_TYPES].find(([, ga]) => ga === part['type']) ?? [part['type']];
  return { ...part, type: name };
}

/** It names what the client sent; where that is GA's own name, which GA knows, it stays. */
function betaErrorOf(error: Fields): Fields {
  const { code, message, param } = error;
  if (code === 'unknown_parameter' && GA_NAMES.some(([ga]) => ga === param)) return error;
  return { ...error, message: inBetaWords(message), param: inBetaWords(param) };
}

function inBetaWords(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  const words = GA_NAMES.reduce((said, [ga, beta]) => said.replaceAll(ga, beta), text);
  return words.replaceAll(`'${CONTENT_TYPES.get('text')}'`, "'text'");
}

/** The fields that both have, as they are. */
const named = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.flatMap((name) => (name in fields ? [[name, fields[name]]] : [])));

function placed(fields: Fields, names: readonly string[]): Fields {
  const found = names.map((name) => {
    const value = (PLACES.get(name) ?? []).reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), fields);
    return [name, betaValueOf(name, value)] as const;
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

function betaValueOf(name: string, value: unknown): unknown {
  if (name === 'turn_detection') return withoutNew(value);
  if (name === 'modalities') return Array.isArray(value) && value.includes('audio') ? ['audio', 'text'] : value;
  if (!name.endsWith('_audio_format')) return value;
  return [...FORMATS].find(([, format]) => isRecord(value) && format.type === value['type'])?.[0];
}

const withoutNew = (value: unknown): unknown =>
  isRecord(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, inner]) =>
          NEW_FIELDS.includes(name) ? [] : [[name, withoutNew(inner)] as const],
        ),
      )
    : value;

const listOf = (list: unknown, translate: (fields: Fields) => Fields): unknown[] =>
  Array.isArray(list) ? list.map((each: unknown) => (isRecord(each) ? translate(each) : each)) : [];
