import { InvariantError } from '@parley/model';
import type { CancelTimer, LogPort, StoreUnavailable, SystemPorts, TelemetryPort } from '@parley/ports';
import { Redis, type RedisOptions } from 'ioredis';
import type { Script } from './scripts';

export interface RedisLinkOptions {
  /** redis:// or rediss://, with password and database if needed. With Sentinels its host is the name they have for the primary. */
  url: string;
  sentinels: readonly { host: string; port: number }[] | undefined;
  commandTimeoutMs: number;
  log: LogPort;
  system: SystemPorts;
  telemetry: TelemetryPort | undefined;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** After a half-close: how long the peer may take to close its side before the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 100;
/** Redis says itself how long loading will still take; asking at least this often keeps a good estimate from costing more. */
const LOADING_RETRY_MS = 500;
const FIRST_RETRY_MS = 50;
/** It adds to every outage: of all sessions of this process nothing new is heard until then. One connection is cheap. */
const LONGEST_RETRY_MS = 500;
const WARNING_PERIOD_MS = 10_000;

const TIMED_OUT = 'Command timed out';

/**
 * One connection to Redis that comes back for ever. A command either reaches the server at once or fails at once:
 * nothing is queued while the link is down and nothing is sent a second time by itself, so that a claim that was given
 * up on does not come true later.
 */
export class RedisLink {
  private readonly redis: Redis;
  private readonly log: LogPort;
  /** Why there is no connection: commands only learn that there is none. */
  private connectionFailure: string | undefined;
  private warnedAtMs = -Infinity;
  private failuresSinceWarning = 0;
  /** A warning stands that "available again" has not followed yet. */
  private warned = false;
  private closing: Promise<void> | undefined;
  private cancelRevival: CancelTimer | undefined;

  constructor(private readonly options: RedisLinkOptions) {
    this.log = options.log;
    this.redis = new Redis(checkedUrl(options.url), {
      lazyConnect: true,
      commandTimeout: options.commandTimeoutMs,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      maxLoadingRetryTime: LOADING_RETRY_MS,
      enableOfflineQueue: false,
      // Commands under way when the link is lost fail then and there, and none is left to be sent again.
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      retryStrategy: (attempt) => this.retryDelayMs(attempt),
      // A primary that became a replica: behind the same name or address there may be a new one.
      reconnectOnError: (error) => error.message.includes('READONLY'),
      ...this.viaSentinels(),
    });
    this.redis.on('error', (error: Error) => {
      this.connectionFailure = error.message;
      this.log.debug('redis connection failed', { reason: error.message });
    });
    this.redis.on('ready', () => {
      this.connectionFailure = undefined;
      this.log.debug('redis connected');
    });
    this.redis.on('end', () => this.revive());
    this.redis.on('reconnecting', (delayMs: number) => this.log.debug('redis reconnecting', { delayMs }));
  }

  /** Resolves when the first attempt has come to an end, well or not: further ones follow by themselves. */
  async connect(): Promise<void> {
    const { timers } = this.options.system;
    let cancel = (): void => undefined;
    const deadline = new Promise<void>((resolve) => {
      cancel = timers.after(CONNECT_TIMEOUT_MS, resolve);
    });
    const attempt = this.redis.connect().catch((error: unknown) => {
      this.log.warn('redis not reached at start-up, trying on', { reason: this.reasonOf(error) });
    });
    await Promise.race([attempt, deadline]);
    cancel();
  }

  /** `work` sends commands; whatever they fail with becomes a value. */
  async run<Outcome>(operation: string, work: (redis: Redis) => Promise<Outcome>): Promise<Outcome | StoreUnavailable> {
    if (this.closing !== undefined) return { kind: 'unavailable', message: 'the store is closed' };
    try {
      const outcome = await work(this.redis);
      this.recovered();
      return outcome;
    } catch (error) {
      return this.failed(operation, error);
    }
  }

  /** Runs a script on `key`, and sends its text where the server does not know it (again). */
  async evaluate(script: Script, key: string, args: (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await this.redis.callBuffer('EVALSHA', script.sha, 1, key, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return this.redis.callBuffer('EVAL', script.lua, 1, key, ...args);
    }
  }

  /**
   * The client gives up for good when it is told of a switch while it asks a Sentinel where the primary is: the word about the
   * switch ends that attempt, and it takes the end for a wish.
   */
  private revive(): void {
    if (this.closing !== undefined) return;
    this.cancelRevival = this.options.system.timers.after(this.retryDelayMs(1), () => {
      // A failure has its own event, and ends here again.
      this.redis.connect().catch(() => undefined);
    });
  }

  /** Lets commands under way finish, within their own deadline, and releases the socket. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private viaSentinels(): RedisOptions {
    const { url, sentinels, commandTimeoutMs } = this.options;
    if (sentinels === undefined) return {};
    return {
      sentinels: [...sentinels],
      name: new URL(url).hostname,
      sentinelCommandTimeout: commandTimeoutMs,
      sentinelRetryStrategy: (attempt) => this.retryDelayMs(attempt),
      // A primary that is only cut off from the others would go on taking writes that nobody keeps.
      failoverDetector: true,
      sentinelReconnectStrategy: (attempt) => this.retryDelayMs(attempt),
    };
  }

  private async shutDown(): Promise<void> {
    const { commandTimeoutMs } = this.options;
    this.cancelRevival?.();
    const ended = new Promise<void>((resolve) => {
      this.redis.once('end', resolve);
    });
    // QUIT is answered after everything sent before it; without a connection, or without an answer in time, it fails.
    await this.redis.quit().catch(() => this.redis.disconnect());
    const hasSocket = this.redis.status !== 'reconnecting' && this.redis.status !== 'end';
    if (hasSocket) await this.endedWithin(commandTimeoutMs, ended);
    // Also after all went well: QUIT leaves the connections to Sentinels open.
    this.redis.disconnect();
  }

  private async endedWithin(timeoutMs: number, ended: Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const deadline = new Promise<void>((resolve) => {
      cancel = this.options.system.timers.after(timeoutMs, resolve);
    });
    await Promise.race([ended, deadline]);
    cancel();
  }

  private failed(operation: string, error: unknown): StoreUnavailable {
    const message = this.reasonOf(error);
    this.options.telemetry?.count('parley_store_failures_total', { operation });
    this.warn(operation, message);
    const timedOut = error instanceof Error && error.message === TIMED_OUT;
    // Silence on an open connection: a peer that is gone without a word would go on costing every command its deadline.
    if (timedOut && this.redis.status === 'ready') this.redis.disconnect(true);
    return { kind: 'unavailable', message };
  }

  /** An outage fails every command of every session: the log gets a line now and then, the metrics have them all. */
  private warn(operation: string, reason: string): void {
    const nowMs = this.options.system.clock.nowMs();
    this.failuresSinceWarning++;
    if (nowMs - this.warnedAtMs < WARNING_PERIOD_MS) return;
    this.log.warn('session store unavailable', { operation, reason, failures: this.failuresSinceWarning });
    this.warnedAtMs = nowMs;
    this.failuresSinceWarning = 0;
    this.warned = true;
  }

  private recovered(): void {
    if (!this.warned) return;
    this.warned = false;
    this.log.info('session store available again');
  }

  /** One sentence without arguments of commands: they hold the conversation. */
  private reasonOf(error: unknown): string {
    if (!(error instanceof Error)) return 'unknown failure';
    if (error.name === 'MaxRetriesPerRequestError') return 'the connection was lost before the answer';
    if (error.message === TIMED_OUT) return `no answer within ${this.options.commandTimeoutMs} ms`;
    if (error.message.startsWith('Stream isn') || error.message.startsWith('Connection is closed')) {
      return `no connection to Redis (${this.connectionFailure ?? 'it was closed'})`;
    }
    return error.message.replace(/, with args.*/s, '');
  }

  private retryDelayMs(attempt: number): number {
    const fullMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
    // Half of it is jitter: many processes lose the same Redis at the same moment.
    return fullMs * (0.5 + 0.5 * this.options.system.random.fraction());
  }
}

function checkedUrl(url: string): string {
  // The URL itself may hold a password and stays out of the message.
  if (!/^rediss?:\/\/./.test(url)) throw new InvariantError('the URL of Redis must start with redis:// or rediss://');
  return url;
}
