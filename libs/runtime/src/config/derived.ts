import type { z } from 'zod';
import type { ClientAccessConfig, ConversationConfig, JournalConfig, LlmConfig, TlsConfig, TtsConfig } from './config';
import type { ROLE_VARIABLES } from './roles';

/** The rules that look at several variables at once. */

type ValuesOf<R extends keyof typeof ROLE_VARIABLES> = z.output<(typeof ROLE_VARIABLES)[R]>;
type ClientValues = Pick<ValuesOf<'gateway'>, 'PARLEY_HOST' | 'PARLEY_API_KEYS'>;
type TlsValues = Pick<ValuesOf<'gateway'>, 'PARLEY_TLS_PORT' | 'PARLEY_TLS_CERT' | 'PARLEY_TLS_KEY'>;
type ConversationValues = Pick<ValuesOf<'orchestrator'>, keyof ValuesOf<'orchestrator'> & keyof ValuesOf<'standalone'>>;
type JournalValues = Pick<
  ValuesOf<'orchestrator'>,
  'PARLEY_JOURNAL' | 'PARLEY_JOURNAL_MAX_AGE_HOURS' | 'PARLEY_JOURNAL_MAX_MB'
>;
type SpeechValues = Pick<ValuesOf<'tts'>, keyof ValuesOf<'tts'> & keyof ValuesOf<'standalone'>>;

/** Set variables only; an empty one counts as not set. */
export type Environment = Readonly<Record<string, string>>;

/** What is wrong with one variable; never its value, which may be a secret that was put into the wrong one. */
export interface ConfigProblem {
  variable: string;
  problem: string;
}

const LOOPBACK_HOSTS = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Problems of several variables together. They look at the raw environment, so that one bad value hides no other. */
export function combinedProblems(names: ReadonlySet<string>, env: Environment): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const host = env['PARLEY_HOST'];
  if (names.has('PARLEY_API_KEYS') && !env['PARLEY_API_KEYS'] && host && !LOOPBACK_HOSTS.test(host)) {
    problems.push({
      variable: 'PARLEY_API_KEYS',
      problem: 'must be set, because PARLEY_HOST lets other machines connect (or leave PARLEY_HOST at 127.0.0.1)',
    });
  }
  if (names.has('PARLEY_TLS_PORT')) problems.push(...tlsProblems(env));
  const isProviderKnown = Boolean(env['OPENAI_API_KEY'] ?? env['OPENAI_BASE_URL']);
  if (names.has('PARLEY_LLM') && env['PARLEY_LLM'] === 'openai' && !isProviderKnown) {
    problems.push({ variable: 'PARLEY_LLM', problem: '`openai` needs OPENAI_API_KEY or OPENAI_BASE_URL' });
  }
  if (names.has('PARLEY_TTS') && env['PARLEY_TTS'] === 'openai' && !isProviderKnown && !env['PARLEY_TTS_BASE_URL']) {
    problems.push({
      variable: 'PARLEY_TTS',
      problem: '`openai` needs OPENAI_API_KEY, OPENAI_BASE_URL or PARLEY_TTS_BASE_URL',
    });
  }
  if (names.has('REDIS_SENTINELS') && env['REDIS_SENTINELS'] && env['REDIS_URL']?.startsWith('rediss:')) {
    problems.push({ variable: 'REDIS_SENTINELS', problem: 'cannot be used with `rediss://`: only without TLS' });
  }
  return problems;
}

/** A certificate without its key serves nobody, and both serve nobody without a port. */
function tlsProblems(env: Environment): ConfigProblem[] {
  const { PARLEY_TLS_PORT: port, PARLEY_TLS_CERT: certificate, PARLEY_TLS_KEY: key } = env;
  const problems: ConfigProblem[] = [];
  if (certificate && !key) problems.push({ variable: 'PARLEY_TLS_KEY', problem: 'must be set beside PARLEY_TLS_CERT' });
  if (key && !certificate) problems.push({ variable: 'PARLEY_TLS_CERT', problem: 'must be set beside PARLEY_TLS_KEY' });
  if ((certificate || key) && !port) {
    problems.push({
      variable: 'PARLEY_TLS_PORT',
      problem: 'must be set for PARLEY_TLS_CERT and PARLEY_TLS_KEY to be used',
    });
  }
  if (port && port !== '0' && port === env['PARLEY_PORT']) {
    problems.push({ variable: 'PARLEY_TLS_PORT', problem: 'must be another port than PARLEY_PORT' });
  }
  return problems;
}

export function tlsFrom(values: TlsValues): TlsConfig | null {
  const { PARLEY_TLS_PORT: port, PARLEY_TLS_CERT: certificate, PARLEY_TLS_KEY: key } = values;
  if (port === undefined) return null;
  return { port, files: certificate !== undefined && key !== undefined ? { certificate, key } : undefined };
}

export function accessFrom(values: ClientValues): ClientAccessConfig {
  const apiKeys = values.PARLEY_API_KEYS ?? [];
  return { apiKeys, devKeyAllowed: apiKeys.length === 0 && LOOPBACK_HOSTS.test(values.PARLEY_HOST) };
}

export function conversationFrom(values: ConversationValues): ConversationConfig {
  const llm = llmFrom(values);
  return {
    llm,
    instructions: values.PARLEY_INSTRUCTIONS,
    model: llm.kind === 'openai' ? llm.model : 'demo',
    voice: values.PARLEY_TTS_VOICE,
    modelMap: values.PARLEY_MODEL_MAP,
    voiceMap: values.PARLEY_VOICE_MAP,
    lipSync: values.PARLEY_AVATAR === 'local',
    sessionMaxMs: values.PARLEY_SESSION_MAX_MS,
  };
}

function llmFrom(values: ConversationValues): LlmConfig {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = values;
  const kind = values.PARLEY_LLM ?? (apiKey !== undefined || baseUrl !== undefined ? 'openai' : 'demo');
  if (kind === 'demo') return { kind };
  return { kind, baseUrl, apiKey, model: values.PARLEY_LLM_MODEL, prefill: values.PARLEY_LLM_PREFILL };
}

const MS_PER_HOUR = 3_600_000;
const BYTES_PER_MB = 1_000_000;

export function journalFrom(values: JournalValues): JournalConfig | null {
  if (values.PARLEY_JOURNAL === 'no') return null;
  return {
    maxAgeMs: values.PARLEY_JOURNAL_MAX_AGE_HOURS * MS_PER_HOUR,
    maxBytes: values.PARLEY_JOURNAL_MAX_MB * BYTES_PER_MB,
  };
}

export function ttsFrom(values: SpeechValues): TtsConfig {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: modelUrl, PARLEY_TTS_BASE_URL: speechUrl } = values;
  const voice = values.PARLEY_TTS_VOICE;
  // A local model server has no voice: its URL alone does not choose this one.
  const hasSpeechServer = speechUrl !== undefined || (apiKey !== undefined && modelUrl === undefined);
  const kind = values.PARLEY_TTS ?? (hasSpeechServer ? 'openai' : 'espeak');
  if (kind === 'espeak') return { kind, voice };
  const deterministic = values.PARLEY_TTS_DETERMINISTIC === 'yes';
  return { kind, baseUrl: speechUrl ?? modelUrl, apiKey, model: values.PARLEY_TTS_MODEL, voice, deterministic };
}
