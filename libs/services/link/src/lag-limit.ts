/** Late for longer than one single stall can show in the lag of the last second: the next one has come. */
export const LATE_MS = 1_000;
/** A loop that was late is believed to have time again when it has had it for so long. */
export const CALM_MS = 3_000;

/**
 * Whether a loop is too late to take more on: from when its lag has stayed above the limit for `LATE_MS` until it has stayed below half
 * of it for `CALM_MS`. Between the two nothing changes, or what is let in at the limit would shut the door again at once.
 */
export class LagLimit {
  private exceeded = false;
  private lateSinceMs: number | undefined;
  private calmSinceMs: number | undefined;

  constructor(private readonly limitMs: number) {}

  get isExceeded(): boolean {
    return this.exceeded;
  }

  take(lagMs: number, nowMs: number): void {
    this.lateSinceMs = lagMs > this.limitMs ? (this.lateSinceMs ?? nowMs) : undefined;
    this.calmSinceMs = lagMs < this.limitMs / 2 ? (this.calmSinceMs ?? nowMs) : undefined;
    if (this.lateSinceMs !== undefined && nowMs - this.lateSinceMs >= LATE_MS) this.exceeded = true;
    if (this.calmSinceMs !== undefined && nowMs - this.calmSinceMs >= CALM_MS) this.exceeded = false;
  }
}
