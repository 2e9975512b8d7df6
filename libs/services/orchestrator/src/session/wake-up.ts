import type { CancelTimer, TimersPort } from '@parley/ports';
import type { SessionClock } from './session-clock';

/**
 * The one timer of a session. Deadlines live in the engine's state and mostly move later; a timer that fires early
 * only looks again, which is cheaper than a new timer for every token.
 */
export class WakeUp {
  private timer: { atMs: number; cancel: CancelTimer } | undefined;
  private deadlineMs: number | undefined;

  constructor(
    private readonly timers: TimersPort,
    private readonly clock: SessionClock,
    private readonly onDeadline: () => void,
  ) {}

  at(deadlineMs: number | undefined): void {
    this.deadlineMs = deadlineMs;
    if (deadlineMs === undefined || (this.timer && this.timer.atMs <= deadlineMs)) return;
    this.cancel();
    const delayMs = Math.max(0, deadlineMs - this.clock.nowMs());
    this.timer = { atMs: deadlineMs, cancel: this.timers.after(delayMs, () => this.fire()) };
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private fire(): void {
    this.timer = undefined;
    // While time stands still nothing passes: whoever has it go on asks again.
    if (this.deadlineMs === undefined || !this.clock.isRunning) return;
    if (this.deadlineMs <= this.clock.nowMs()) this.onDeadline();
    else this.at(this.deadlineMs);
  }
}
