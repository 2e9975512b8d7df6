import type { ClientSystem } from './client-system';

/** What the server owes: nothing, something for the turn that is said or heard, or the rest of an answer that has begun. */
export type Due = 'nothing' | 'turn' | 'answer';

/** How long nothing may come before it is asked for a sign of life, and then before the connection is taken for dead. */
interface Patience {
  quietMs: number;
  pongTimeoutMs: number;
}

export const PATIENCE: Readonly<Record<Due, Patience>> = {
  /** RT8. Far below the idle time-outs of common proxies (60 s and more). */
  nothing: { quietMs: 25_000, pongTimeoutMs: 10_000 },
  /** A dead connection is noticed within 10 s of the last that came over it. A mobile network may have to wake up first. */
  turn: { quietMs: 5_000, pongTimeoutMs: 5_000 },
  /**
   * Within a second, or whoever listens to the answer hears a hole. The voice sends a piece at least every 200 ms or so; a
   * model or a tool that is slow may be silent for longer, and its gateway answers all the same.
   */
  answer: { quietMs: 300, pongTimeoutMs: 700 },
};
/** A pong may take so many times as long as the one before: not every connection is quick enough for the 700 ms. */
export const PONG_ROUND_TRIPS = 3;
/** Before the verdict, so that what came while this process was held up (a busy page, a sleeping laptop) is heard first. */
const LAST_LOOK_MS = 50;

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
  private due: Due = 'nothing';
  private dueSinceMs = 0;
  /** Of this connection, as its last pong told. */
  private latencyMs: number | undefined;
  private isLastLook = false;

  constructor(
    private readonly system: ClientSystem,
    private readonly hooks: KeepaliveHooks,
  ) {}

  /** Pings at once, so that the latency is known from the start. */
  start(): void {
    this.isRunning = true;
    this.arrivedAtMs = this.nowMs();
    this.provenAtMs = this.nowMs();
    this.latencyMs = undefined;
    this.ping();
  }

  stop(): void {
    this.isRunning = false;
    this.cancelTimer();
  }

  /** The more is due, the sooner silence is suspicious. */
  expect(due: Due): void {
    if (due === this.due) return;
    this.due = due;
    this.dueSinceMs = this.nowMs();
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
    this.latencyMs = latencyMs;
    this.look();
    this.hooks.onLatency(latencyMs);
  }

  /** Does what is due, and arms the timer for what will be next. */
  private look(): void {
    const toNextMs = this.nextAtMs() - this.nowMs();
    if (toNextMs > 0) return this.arm(toNextMs);
    if (this.pingedAtMs === undefined) return this.ping();
    if (this.isLastLook) return this.hooks.onUnresponsive(this.pongTimeoutMs());
    this.arm(LAST_LOOK_MS);
    this.isLastLook = true;
  }

  private nextAtMs(): number {
    const quietFromMs = Math.max(this.dueSinceMs, this.arrivedAtMs);
    if (this.pingedAtMs !== undefined) {
      return Math.max(this.pingedAtMs, quietFromMs) + this.pongTimeoutMs() - LAST_LOOK_MS;
    }
    const idleMs = this.provenAtMs + PATIENCE.nothing.quietMs;
    return this.due === 'nothing' ? idleMs : Math.min(idleMs, quietFromMs + PATIENCE[this.due].quietMs);
  }

  /** In an answer that of a turn, until the connection has shown how quick it is. */
  private pongTimeoutMs(): number {
    const { pongTimeoutMs } = PATIENCE[this.due];
    if (this.due !== 'answer') return pongTimeoutMs;
    const ownMs = PONG_ROUND_TRIPS * (this.latencyMs ?? Infinity);
    return Math.min(PATIENCE.turn.pongTimeoutMs, Math.max(pongTimeoutMs, ownMs));
  }

  private ping(): void {
    this.pingedAtMs = this.nowMs();
    // Armed first: sending may find the socket broken, which stops this.
    this.arm(this.nextAtMs() - this.nowMs());
    this.hooks.sendPing();
  }

  private arm(delayMs: number): void {
    this.isLastLook = false;
    this.cancelTimer();
    this.cancelTimer = this.system.timers.after(delayMs, () => this.look());
  }

  private nowMs(): number {
    return this.system.clock.nowMs();
  }
}
