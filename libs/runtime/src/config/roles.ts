import { VARIABLES, docOf, type VariableName } from './variables';

/** The kinds of process there are. */
export const ROLES = ['gateway', 'orchestrator', 'tts', 'avatar', 'standalone'] as const;
export type Role = (typeof ROLES)[number];

const LOG = { PARLEY_LOG_LEVEL: true, PARLEY_LOG_FORMAT: true } as const;
const COUNTS = { PARLEY_MAX_CONNECTIONS: true, PARLEY_MAX_SESSIONS: true, PARLEY_MAX_VOICE_JOBS: true } as const;
const LAG = { PARLEY_MAX_LAG_MS: true } as const;
const TLS = { PARLEY_TLS_PORT: true, PARLEY_TLS_CERT: true, PARLEY_TLS_KEY: true } as const;
const CLIENTS = { PARLEY_HOST: true, PARLEY_PORT: true, ...TLS, PARLEY_API_KEYS: true } as const;
const WORKER = { PARLEY_HOST: true, PARLEY_METRICS_PORT: true, NATS_URL: true } as const;
const CONVERSATION = {
  PARLEY_LLM: true,
  PARLEY_LLM_MODEL: true,
  PARLEY_LLM_PREFILL: true,
  PARLEY_MODEL_MAP: true,
  PARLEY_VOICE_MAP: true,
  PARLEY_INSTRUCTIONS: true,
  PARLEY_TTS_VOICE: true,
  PARLEY_AVATAR: true,
  PARLEY_SESSION_MAX_MS: true,
  OPENAI_API_KEY: true,
  OPENAI_BASE_URL: true,
} as const;
const JOURNAL = { PARLEY_JOURNAL: true, PARLEY_JOURNAL_MAX_AGE_HOURS: true, PARLEY_JOURNAL_MAX_MB: true } as const;
const SPEECH = {
  PARLEY_TTS: true,
  PARLEY_TTS_MODEL: true,
  PARLEY_TTS_VOICE: true,
  PARLEY_TTS_BASE_URL: true,
  PARLEY_TTS_DETERMINISTIC: true,
  OPENAI_API_KEY: true,
  OPENAI_BASE_URL: true,
} as const;

/**
 * What each kind of process reads. A secret of another is not in its list: it is never looked at, and the launcher of
 * a cluster does not pass it on.
 */
export const ROLE_VARIABLES = {
  gateway: VARIABLES.pick({ ...CLIENTS, NATS_URL: true, PARLEY_MAX_CONNECTIONS: true, ...LAG, ...LOG }),
  orchestrator: VARIABLES.pick({
    ...WORKER,
    REDIS_URL: true,
    REDIS_SENTINELS: true,
    ...CONVERSATION,
    PARLEY_MAX_SESSIONS: true,
    ...JOURNAL,
    ...LAG,
    ...LOG,
  }),
  tts: VARIABLES.pick({ ...WORKER, ...SPEECH, PARLEY_MAX_VOICE_JOBS: true, ...LAG, ...LOG }),
  avatar: VARIABLES.pick({ ...WORKER, ...LOG }),
  standalone: VARIABLES.pick({ ...CLIENTS, ...CONVERSATION, ...SPEECH, ...COUNTS, ...LAG, ...LOG }),
} as const;

export interface VariableRow {
  name: VariableName;
  roles: Role[];
  default: string;
  meaning: string;
}

/** The environment as a table, for the README and for the tools. */
export const VARIABLE_TABLE: readonly VariableRow[] = VARIABLES.keyof().options.map((name) => ({
  name,
  roles: ROLES.filter((role) => name in ROLE_VARIABLES[role].shape),
  ...docOf(name),
}));
