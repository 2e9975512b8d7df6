import type { Role } from './roles';

/** How much is logged, and how it looks. */
export interface LogConfig {
  level: 'debug' | 'info' | 'warn' | 'error';
  format: 'json' | 'readable';
}

/** Where a process listens for HTTP. Port 0: a free one. */
export interface ListenConfig {
  host: string;
  port: number;
  /** The same once more over TLS; null: not. */
  tls: TlsConfig | null;
}

export interface TlsConfig {
  port: number;
  /** Paths of PEM files; undefined: a certificate for development. */
  files: { certificate: string; key: string } | undefined;
}

export interface ClientAccessConfig {
  apiKeys: readonly string[];
  /** Nothing is configured and only this machine can connect, so the key `dev` is accepted. */
  devKeyAllowed: boolean;
}

export type LlmConfig =
  | { kind: 'demo' }
  | {
      kind: 'openai';
      baseUrl: string | undefined;
      apiKey: string | undefined;
      model: string;
      prefill: 'none' | 'last_message' | 'continue_final_message' | 'prefix';
    };

/** A voice that is undefined is the adapter's own default. */
export type TtsConfig =
  | { kind: 'espeak'; voice: string | undefined }
  | {
      kind: 'openai';
      baseUrl: string | undefined;
      apiKey: string | undefined;
      model: string;
      voice: string | undefined;
      /** The same text gives the same samples. */
      deterministic: boolean;
    };

export interface ConversationConfig {
  llm: LlmConfig;
  instructions: string;
  /** The name that stands for the model in `session.created`. */
  model: string;
  voice: string | undefined;
  modelMap: Record<string, string>;
  voiceMap: Record<string, string>;
  lipSync: boolean;
  sessionMaxMs: number;
}

/** How much one process takes on. */
export interface LimitsConfig {
  maxConnections: number;
  maxSessions: number;
  maxVoiceJobs: number;
  /** Of the event loop, in ms. */
  maxLagMs: number;
}

export interface RedisConfig {
  /** With Sentinels its host is the name they have for the primary. */
  url: string;
  sentinels: readonly { host: string; port: number }[] | undefined;
}

/** What the journal keeps at most. */
export interface JournalConfig {
  maxAgeMs: number;
  maxBytes: number;
}

interface Common<R extends Role> {
  role: R;
  log: LogConfig;
  listen: ListenConfig;
  /** Values that must never appear in a log line. */
  secrets: readonly string[];
}

export type GatewayConfig = Common<'gateway'> & {
  natsUrl: string;
  access: ClientAccessConfig;
  limits: Pick<LimitsConfig, 'maxConnections' | 'maxLagMs'>;
};
export type OrchestratorConfig = Common<'orchestrator'> & {
  natsUrl: string;
  redis: RedisConfig;
  conversation: ConversationConfig;
  limits: Pick<LimitsConfig, 'maxSessions' | 'maxLagMs'>;
  /** Null: none is kept. */
  journal: JournalConfig | null;
};
export type TtsWorkerConfig = Common<'tts'> & {
  natsUrl: string;
  tts: TtsConfig;
  limits: Pick<LimitsConfig, 'maxVoiceJobs' | 'maxLagMs'>;
};
export type AvatarBridgeConfig = Common<'avatar'> & { natsUrl: string };
export type StandaloneConfig = Common<'standalone'> & {
  access: ClientAccessConfig;
  conversation: ConversationConfig;
  tts: TtsConfig;
  limits: LimitsConfig;
};

export interface ConfigOf {
  gateway: GatewayConfig;
  orchestrator: OrchestratorConfig;
  tts: TtsWorkerConfig;
  avatar: AvatarBridgeConfig;
  standalone: StandaloneConfig;
}
