import type { CancelTimer, LogPort, SystemPorts, TelemetryPort } from '@parley/ports';
import { LagLimit } from './lag-limit';

export interface IntakeLimits {
  /** Sessions, connections or jobs at once. */
  count: number;
  /** Of the event loop, in ms; see `LoopLagPort`. */
  lagMs: number;
}

interface IntakePorts {
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
}

/** How much work a member takes: so much at once, and nothing new while its event loop is late for what it has. */
export class Intake {
  private readonly lag: LagLimit;
  private unwatch: CancelTimer | undefined;

  constructor(
    private readonly ports: IntakePorts,
    private readonly role: 'gateway' | 'orchestrator' | 'tts',
    private readonly limits: IntakeLimits,
    private readonly countNow: () => number,
  ) {
    this.lag = new LagLimit(limits.lagMs);
  }

  /** `onLook` is called after each look at the lag: whether there is room may be another answer then. */
  open(onLook: () => void = () => undefined): void {
    this.unwatch = this.ports.system.loopLag.watch((lagMs) => {
      this.look(lagMs);
      this.tell();
      onLook();
    });
    this.tell();
  }

  close(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.tell();
  }

  /** There is no room for anything, whatever it belongs to. */
  get isFull(): boolean {
    return this.countNow() >= this.limits.count;
  }

  /** What there is takes all the time there is. */
  get isLate(): boolean {
    return this.lag.isExceeded;
  }

  /** There is room for what nobody has begun yet. */
  get hasRoom(): boolean {
    return this.unwatch !== undefined && !this.isFull && !this.isLate;
  }

  private look(lagMs: number): void {
    const { system, log, telemetry } = this.ports;
    const before = this.lag.isExceeded;
    this.lag.take(lagMs, system.clock.nowMs());
    telemetry.gauge('parley_event_loop_lag_seconds', {}, lagMs / 1_000);
    if (this.lag.isExceeded === before) return;
    if (before) log.info('the event loop has time again: new work is taken', { lagMs: Math.round(lagMs) });
    else log.warn('the event loop is late: no new work is taken', { lagMs: Math.round(lagMs) });
  }

  private tell(): void {
    this.ports.telemetry.gauge('parley_takes_work', { role: this.role }, this.hasRoom ? 1 : 0);
  }
}
