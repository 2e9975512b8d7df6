import type { LogPort, SystemPorts, TelemetryPort } from '@parley/ports';
import { RedisLink, type RedisLinkOptions } from './redis-link';
import { RedisStore } from './redis-store';

export interface RedisStoreOptions {
  /** redis:// or rediss://, with password and database if needed. With Sentinels its host is the name they have for the primary. */
  url: string;
  /** Asked where the primary is, at each connection; they tell when there is another one. */
  sentinels?: RedisLinkOptions['sentinels'];
  log: LogPort;
  system: SystemPorts;
  telemetry?: TelemetryPort;
  /** Before every key; deployments that share a Redis need different ones. Default `parley:`. */
  keyPrefix?: string;
  /** A command without an answer for so long is `unavailable`, and its connection is made anew. Default 1000. */
  commandTimeoutMs?: number;
}

/**
 * Resolves connected, or after the first failed attempt (2 s at most): a store whose Redis is away answers
 * `unavailable` until it is there. Rejects with InvariantError for a URL that is not one of Redis.
 */
export async function connectRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const { url, sentinels, log, system, telemetry, keyPrefix = 'parley:', commandTimeoutMs = 1_000 } = options;
  const link = new RedisLink({ url, sentinels, log, system, telemetry, commandTimeoutMs });
  await link.connect();
  return new RedisStore(link, keyPrefix, system.clock, telemetry);
}
