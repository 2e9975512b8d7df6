import type { z } from 'zod';
import type { ConfigOf, LogConfig } from './config';
import {
  accessFrom,
  combinedProblems,
  conversationFrom,
  journalFrom,
  tlsFrom,
  ttsFrom,
  type ConfigProblem,
  type Environment,
} from './derived';
import { ROLE_VARIABLES, type Role } from './roles';

export type ConfigOutcome<C> = { kind: 'valid'; config: C } | { kind: 'invalid'; problems: ConfigProblem[] };

type RawEnvironment = Readonly<Record<string, string | undefined>>;

/** Reads the environment of one process: all of it is right, or every problem is reported at once. */
export function readConfig<R extends Role>(role: R, raw: RawEnvironment): ConfigOutcome<ConfigOf[R]> {
  const readers: { [K in Role]: (env: Environment) => ConfigOutcome<ConfigOf[K]> } = {
    gateway: readGateway,
    orchestrator: readOrchestrator,
    tts: readTts,
    avatar: readAvatar,
    standalone: readStandalone,
  };
  return readers[role](setVariables(raw));
}

/** All problems in one line, by name and never by value. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; ');
}

function readGateway(env: Environment): ConfigOutcome<ConfigOf['gateway']> {
  return validated(ROLE_VARIABLES.gateway, env, (values) => ({
    role: 'gateway',
    log: logFrom(values, 'json'),
    secrets: [...(values.PARLEY_API_KEYS ?? []), ...passwordsIn(values.NATS_URL)],
    listen: { host: values.PARLEY_HOST, port: values.PARLEY_PORT, tls: tlsFrom(values) },
    natsUrl: values.NATS_URL,
    access: accessFrom(values),
    limits: { maxConnections: values.PARLEY_MAX_CONNECTIONS, maxLagMs: values.PARLEY_MAX_LAG_MS },
  }));
}

function readOrchestrator(env: Environment): ConfigOutcome<ConfigOf['orchestrator']> {
  return validated(ROLE_VARIABLES.orchestrator, env, (values) => ({
    role: 'orchestrator',
    log: logFrom(values, 'json'),
    secrets: [...keyOf(values), ...passwordsIn(values.NATS_URL), ...passwordsIn(values.REDIS_URL)],
    listen: { host: values.PARLEY_HOST, port: values.PARLEY_METRICS_PORT, tls: null },
    natsUrl: values.NATS_URL,
    redis: { url: values.REDIS_URL, sentinels: values.REDIS_SENTINELS },
    conversation: conversationFrom(values),
    limits: { maxSessions: values.PARLEY_MAX_SESSIONS, maxLagMs: values.PARLEY_MAX_LAG_MS },
    journal: journalFrom(values),
  }));
}

function readTts(env: Environment): ConfigOutcome<ConfigOf['tts']> {
  return validated(ROLE_VARIABLES.tts, env, (values) => ({
    role: 'tts',
    log: logFrom(values, 'json'),
    secrets: [...keyOf(values), ...passwordsIn(values.NATS_URL)],
    listen: { host: values.PARLEY_HOST, port: values.PARLEY_METRICS_PORT, tls: null },
    natsUrl: values.NATS_URL,
    tts: ttsFrom(values),
    limits: { maxVoiceJobs: values.PARLEY_MAX_VOICE_JOBS, maxLagMs: values.PARLEY_MAX_LAG_MS },
  }));
}

function readAvatar(env: Environment): ConfigOutcome<ConfigOf['avatar']> {
  return validated(ROLE_VARIABLES.avatar, env, (values) => ({
    role: 'avatar',
    log: logFrom(values, 'json'),
    secrets: passwordsIn(values.NATS_URL),
    listen: { host: values.PARLEY_HOST, port: values.PARLEY_METRICS_PORT, tls: null },
    natsUrl: values.NATS_URL,
  }));
}

function readStandalone(env: Environment): ConfigOutcome<ConfigOf['standalone']> {
  return validated(ROLE_VARIABLES.standalone, env, (values) => ({
    role: 'standalone',
    log: logFrom(values, 'readable'),
    secrets: [...keyOf(values), ...(values.PARLEY_API_KEYS ?? [])],
    listen: { host: values.PARLEY_HOST, port: values.PARLEY_PORT, tls: tlsFrom(values) },
    access: accessFrom(values),
    conversation: conversationFrom(values),
    tts: ttsFrom(values),
    limits: {
      maxConnections: values.PARLEY_MAX_CONNECTIONS,
      maxSessions: values.PARLEY_MAX_SESSIONS,
      maxVoiceJobs: values.PARLEY_MAX_VOICE_JOBS,
      maxLagMs: values.PARLEY_MAX_LAG_MS,
    },
  }));
}

function validated<S extends z.ZodObject, C>(
  schema: S,
  env: Environment,
  toConfig: (values: z.output<S>) => C,
): ConfigOutcome<C> {
  const parsed = schema.safeParse(env);
  const found = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => ({ variable: String(path[0]), problem: message })),
    ...combinedProblems(new Set(Object.keys(schema.shape)), env),
  ];
  // Each item of a list has its own issue.
  const problems = found.filter(
    ({ variable }, index) => found.findIndex((other) => other.variable === variable) === index,
  );
  if (!parsed.success || problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'valid', config: toConfig(parsed.data) };
}

function setVariables(raw: RawEnvironment): Environment {
  return Object.fromEntries(
    Object.entries(raw).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
}

function logFrom(
  values: { PARLEY_LOG_LEVEL: LogConfig['level']; PARLEY_LOG_FORMAT?: LogConfig['format'] | undefined },
  defaultFormat: LogConfig['format'],
): LogConfig {
  return { level: values.PARLEY_LOG_LEVEL, format: values.PARLEY_LOG_FORMAT ?? defaultFormat };
}

const keyOf = (values: { OPENAI_API_KEY?: string | undefined }) =>
  values.OPENAI_API_KEY === undefined ? [] : [values.OPENAI_API_KEY];

function passwordsIn(urls: string): string[] {
  return urls.split(',').flatMap((url) => {
    const { username, password } = new URL(url.trim());
    // nats://token@host: the user name is the secret.
    const secret = password === '' ? username : password;
    return secret === '' ? [] : [...new Set([secret, decoded(secret)])];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
