/** A loop that was late is believed to have time again when it has had it for so long. */
export const CALM_MS = 3_000;

/**
 * Whether a loop is too late to take more on: from the first time its lag is above the limit until it has stayed below half of it for
 * `CALM_MS`. Between the two nothing changes, or what is let in at the limit would shut the door again at once.
 */
export class LagLimit {
  private exceeded = false;
  private calmSinceMs: number | undefined;

  constructor(private readonly limitMs: number) {}

  get isExceeded(): boolean {
    return this.exceeded;
  }

  take(lagMs: number, nowMs: number): void {
    if (lagMs > this.limitMs) this.exceeded = true;
    this.calmSinceMs = lagMs < this.limitMs / 2 ? (this.calmSinceMs ?? nowMs) : undefined;
    if (this.calmSinceMs !== undefined && nowMs - this.calmSinceMs >= CALM_MS) this.exceeded = false;
  }
}
