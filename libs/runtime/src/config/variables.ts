import { InvariantError } from '@parley/model';
import { z } from 'zod';
import {
  apiKeys,
  baseUrl,
  choice,
  host,
  nameMap,
  natsUrl,
  port,
  redisUrl,
  secret,
  sentinels,
  text,
  wholeNumber,
} from './value-types';

/** What the README's table says about a variable. */
interface VariableDoc {
  /** What holds when it is not set. */
  default: string;
  meaning: string;
}

const docs = new Map<z.ZodType, VariableDoc>();

function documented<S extends z.ZodType>(schema: S, doc: VariableDoc): S {
  docs.set(schema, doc);
  return schema;
}

const withDefault = <S extends z.ZodType<unknown, string>>(schema: S, value: string, meaning: string) =>
  documented(z.string().prefault(value).pipe(schema), { default: value === '' ? 'none' : `\`${value}\``, meaning });

const withoutDefault = <S extends z.ZodType>(schema: S, whenUnset: string, meaning: string) =>
  documented(schema.optional(), { default: whenUnset, meaning });

/** Every variable Parley reads. Set to the empty string counts as not set: compose files pass on what they lack that way. */
export const VARIABLES = z.object({
  PARLEY_HOST: withDefault(
    host,
    '127.0.0.1',
    'Address to listen on. For clients on other machines it needs `PARLEY_API_KEYS`.',
  ),
  PARLEY_PORT: withDefault(port, '8080', 'Port for clients, health and metrics; `0` takes a free one.'),
  PARLEY_TLS_PORT: withoutDefault(
    port,
    'no TLS',
    'Port for the same over TLS (`https:`, `wss:`); `0` takes a free one. Without the two below, a certificate for this machine is made and its path printed.',
  ),
  PARLEY_TLS_CERT: withoutDefault(text, 'made for development', 'PEM file of the certificate, its chain behind it.'),
  PARLEY_TLS_KEY: withoutDefault(text, 'made for development', 'PEM file of the certificate’s key.'),
  PARLEY_METRICS_PORT: withDefault(port, '0', 'Port for health and metrics of a worker; `0` takes a free one.'),
  PARLEY_API_KEYS: withoutDefault(
    apiKeys,
    '`dev`, on loopback only',
    'Keys that clients may use, separated by commas.',
  ),
  PARLEY_LLM: withoutDefault(
    choice(['demo', 'openai']),
    '`openai` if `OPENAI_API_KEY` or `OPENAI_BASE_URL` is set, else `demo`',
    'Language model: `openai` is any server with its chat completions, `demo` is built in.',
  ),
  PARLEY_LLM_MODEL: withDefault(text, 'gpt-4.1-mini', 'The model to ask for.'),
  PARLEY_LLM_PREFILL: withDefault(
    choice(['none', 'last_message', 'continue_final_message', 'prefix']),
    'none',
    'How the model’s server completes a partial answer after a crash. `none`: it cannot, and is told in words.',
  ),
  PARLEY_MODEL_MAP: withDefault(
    nameMap,
    '',
    'What `?model=` may name: `name=model`, separated by commas. Other names get `PARLEY_LLM_MODEL`.',
  ),
  PARLEY_INSTRUCTIONS: withDefault(
    text,
    'You are a friendly voice assistant. Answer in short, plain sentences that sound natural when spoken.',
    'What the model is told before each conversation.',
  ),
  PARLEY_VOICE_MAP: withDefault(
    nameMap,
    '',
    'Voices as clients name them, and as the voice does: `marin=nova`, separated by commas. One that it does not know speaks as `PARLEY_TTS_VOICE`.',
  ),
  PARLEY_TTS: withoutDefault(
    choice(['espeak', 'openai']),
    '`openai` if `PARLEY_TTS_BASE_URL` is set, or `OPENAI_API_KEY` is and `OPENAI_BASE_URL` is not; else `espeak`',
    'Voice: `openai` is any server with its `/audio/speech`, `espeak` is built in.',
  ),
  PARLEY_TTS_MODEL: withDefault(text, 'gpt-4o-mini-tts', 'The speech model to ask for.'),
  PARLEY_TTS_VOICE: withoutDefault(text, '`alloy` (openai), `en-us` (espeak)', 'The voice to speak with.'),
  PARLEY_TTS_BASE_URL: withoutDefault(baseUrl, '`OPENAI_BASE_URL`', 'Where the speech server is.'),
  PARLEY_TTS_DETERMINISTIC: withDefault(
    choice(['yes', 'no']),
    'no',
    'Whether the speech server gives the same samples for the same text: a sentence that lost its worker then goes on at the very sample.',
  ),
  PARLEY_AVATAR: withDefault(choice(['local', 'none']), 'local', 'Face: `local` sends visemes, `none` does not.'),
  OPENAI_API_KEY: withoutDefault(secret, 'none', 'Key for the language model and the voice.'),
  OPENAI_BASE_URL: withoutDefault(
    baseUrl,
    'OpenAI’s own',
    'Where the language model is (Ollama, vLLM, llama.cpp and the like).',
  ),
  PARLEY_SESSION_MAX_MS: withDefault(
    wholeNumber(1_000, 86_400_000),
    '3600000',
    'A session ends so long after it began, in ms, with the error `session_expired`; clients know when (`expires_at`).',
  ),
  PARLEY_MAX_CONNECTIONS: withDefault(
    wholeNumber(1, 1_000_000),
    '1000',
    'Clients one gateway carries; more are refused with `capacity`.',
  ),
  PARLEY_MAX_SESSIONS: withDefault(
    wholeNumber(1, 1_000_000),
    '1000',
    'Sessions one orchestrator owns, those it takes over included.',
  ),
  PARLEY_MAX_VOICE_JOBS: withDefault(wholeNumber(1, 1_000_000), '1000', 'Answers one voice worker speaks at once.'),
  PARLEY_MAX_LAG_MS: withDefault(
    wholeNumber(1, 60_000),
    '100',
    'Lag of the event loop in ms above which a process takes nothing new (docs/architecture.md, Overload).',
  ),
  NATS_URL: documented(natsUrl, { default: 'required', meaning: 'The bus; several servers separated by commas.' }),
  REDIS_URL: documented(redisUrl, { default: 'required', meaning: 'The store of sessions.' }),
  REDIS_SENTINELS: withoutDefault(
    sentinels,
    'none',
    'Sentinels to ask for the primary, as `host:port`, separated by commas. The host of `REDIS_URL` is then the name they have for it.',
  ),
  PARLEY_JOURNAL: withDefault(
    choice(['yes', 'no']),
    'no',
    'Whether every step of every conversation, **what was said included**, is kept in NATS (JetStream) for `parley replay`.',
  ),
  PARLEY_JOURNAL_MAX_AGE_HOURS: withDefault(
    wholeNumber(1, 87_600),
    '24',
    'How long the journal keeps a step, in hours.',
  ),
  PARLEY_JOURNAL_MAX_MB: withDefault(
    wholeNumber(1, 1_000_000),
    '1000',
    'How large the journal gets, in MB, until the oldest steps go.',
  ),
  PARLEY_LOG_LEVEL: withDefault(choice(['debug', 'info', 'warn', 'error']), 'info', 'The least that is logged.'),
  PARLEY_LOG_FORMAT: withoutDefault(
    choice(['json', 'readable']),
    '`readable` for `npm start` and `npm run cluster`, else `json`',
    'How log lines look.',
  ),
});

export type VariableName = keyof typeof VARIABLES.shape;

export function docOf(name: VariableName): VariableDoc {
  const doc = docs.get(VARIABLES.shape[name]);
  if (doc === undefined) throw new InvariantError(`${name} is not documented`);
  return doc;
}
