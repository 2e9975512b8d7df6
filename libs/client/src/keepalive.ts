import type { ClientSystem } from './client-system';

/** RT8. Far below the idle time-outs of common proxies (60 s and more). */
export const PING_PERIOD_MS = 25_000;
export const PONG_TIMEOUT_MS = 10_000;
/** While a turn is under way, so that a dead connection is noticed within 10 s of the last that came over it. */
export const TURN_QUIET_MS = 5_000;
export const TURN_PONG_TIMEOUT_MS = 5_000;

interface KeepaliveHooks {
  sendPing(): void;
  onLatency(latencyMs: number): void;
  /** `afterMs`: so long nothing came, although a ping was to be answered. */
  onUnresponsive(afterMs: number): void;
}

/**
 * Pings a quiet connection, measures the round trip, and notices when nothing comes any more. Owns one timer from `start`
 * to `stop`; can be started again for the next connection.
 */
export class Keepalive {
  private cancelTimer: () => void = () => {};
  private isRunning = false;
  private pingedAtMs: number | undefined;
  private arrivedAtMs = 0;
  /** The last pong or audio. */
  private provenAtMs = 0;
  private turnSinceMs: number | undefined;

  constructor(
    private readonly system: ClientSystem,
    private readonly hooks: KeepaliveHooks,
  ) {}

  /** Pings at once, so that the latency is known from the start. */
  start(): void {
    this.isRunning = true;
    this.arrivedAtMs = this.nowMs();
    this.provenAtMs = this.nowMs();
    this.ping();
  }

  stop(): void {
    this.isRunning = false;
    this.cancelTimer();
  }

  /** From a turn that is said to the end of its answer silence is suspicious sooner. */
  turnUnderWay(isUnderWay: boolean): void {
    if (isUnderWay === (this.turnSinceMs !== undefined)) return;
    this.turnSinceMs = isUnderWay ? this.nowMs() : undefined;
    if (this.isRunning) this.look();
  }

  /** Whatever arrives proves that the connection lives. */
  arrived(): void {
    this.arrivedAtMs = this.nowMs();
  }

  /** No ping is sent while audio flows. */
  audioArrived(): void {
    this.provenAtMs = this.nowMs();
  }

  pongArrived(): void {
    if (this.pingedAtMs === undefined) return;
    const latencyMs = this.nowMs() - this.pingedAtMs;
    this.pingedAtMs = undefined;
    this.provenAtMs = this.nowMs();
    this.look();
    this.hooks.onLatency(latencyMs);
  }

  /** Does what is due, and arms the timer for what will be next. */
  private look(): void {
    const toNextMs = this.dueAtMs() - this.nowMs();
    if (toNextMs > 0) return this.arm(toNextMs);
    if (this.pingedAtMs === undefined) this.ping();
    else this.hooks.onUnresponsive(this.pongTimeoutMs());
  }

  private dueAtMs(): number {
    if (this.pingedAtMs !== undefined) return Math.max(this.pingedAtMs, this.arrivedAtMs) + this.pongTimeoutMs();
    const idleMs = this.provenAtMs + PING_PERIOD_MS;
    if (this.turnSinceMs === undefined) return idleMs;
    return Math.min(idleMs, Math.max(this.turnSinceMs, this.arrivedAtMs) + TURN_QUIET_MS);
  }

  private pongTimeoutMs(): number {
    return this.turnSinceMs === undefined ? PONG_TIMEOUT_MS : TURN_PONG_TIMEOUT_MS;
  }

  private ping(): void {
    this.pingedAtMs = this.nowMs();
    // Armed first: sending may find the socket broken, which stops this.
    this.arm(this.pongTimeoutMs());
    this.hooks.sendPing();
  }

  private arm(delayMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.system.timers.after(delayMs, () => this.look());
  }

  private nowMs(): number {
    return this.system.clock.nowMs();
  }
}
