const SAMPLES_PER_MS = 24;

/** A listener to one answer, who plays each sample as soon as it is there and those before it are over. Times in ms. */
export class Ear {
  private samples = 0;
  private emptyAtMs = 0;
  private longestMs = 0;
  private aheadMs = 0;

  arrived(samples: number, atMs: number): void {
    if (samples === 0) return;
    if (this.samples > 0) this.longestMs = Math.max(this.longestMs, atMs - this.emptyAtMs);
    this.emptyAtMs = Math.max(this.emptyAtMs, atMs) + samples / SAMPLES_PER_MS;
    this.aheadMs = Math.max(this.aheadMs, this.emptyAtMs - atMs);
    this.samples += samples;
  }

  /** The longest silence between two samples that follow each other; that before the first is the judge's to measure. */
  get longestGapMs(): number {
    return this.longestMs;
  }

  /** The most that ever lay there unplayed. */
  get farthestAheadMs(): number {
    return this.aheadMs;
  }

  playedMs(nowMs: number): number {
    return this.samples / SAMPLES_PER_MS - this.queuedMs(nowMs);
  }

  queuedMs(nowMs: number): number {
    return Math.max(0, this.emptyAtMs - nowMs);
  }
}
