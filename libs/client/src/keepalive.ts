import type { ClientSystem } from './client-system';

/** RT8. Far below the idle time-outs of common proxies (60 s and more). */
export const PING_PERIOD_MS = 25_000;
export const PONG_TIMEOUT_MS = 10_000;

interface KeepaliveHooks {
  sendPing(): void;
  onLatency(latencyMs: number): void;
  onUnresponsive(): void;
}

/** Pings an idle connection and measures the round trip. Owns one timer from `start` to `stop`. */
export class Keepalive {
  private cancelTimer: () => void = () => {};
  private pingedAtMs: number | undefined;
  private audioAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly system: ClientSystem,
    private readonly hooks: KeepaliveHooks,
  ) {}

  /** Pings at once, so that the latency is known from the start. */
  start(): void {
    this.ping();
  }

  stop(): void {
    this.cancelTimer();
  }

  /** Audio proves that the connection lives: no ping is sent while it flows. */
  audioArrived(): void {
    this.audioAtMs = this.system.clock.nowMs();
  }

  pongArrived(): void {
    if (this.pingedAtMs === undefined) return;
    const latencyMs = this.system.clock.nowMs() - this.pingedAtMs;
    this.pingedAtMs = undefined;
    this.arm(PING_PERIOD_MS, () => this.pingUnlessAudioFlows());
    this.hooks.onLatency(latencyMs);
  }

  private pingUnlessAudioFlows(): void {
    const quietMs = this.system.clock.nowMs() - this.audioAtMs;
    if (quietMs < PING_PERIOD_MS) this.arm(PING_PERIOD_MS - quietMs, () => this.pingUnlessAudioFlows());
    else this.ping();
  }

  private ping(): void {
    this.pingedAtMs = this.system.clock.nowMs();
    // Armed first: sending may find the socket broken, which stops this.
    this.arm(PONG_TIMEOUT_MS, () => this.hooks.onUnresponsive());
    this.hooks.sendPing();
  }

  private arm(delayMs: number, callback: () => void): void {
    this.cancelTimer();
    this.cancelTimer = this.system.timers.after(delayMs, callback);
  }
}
