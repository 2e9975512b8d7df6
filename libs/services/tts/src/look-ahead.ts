import { type ResponseDelivery, samplesOfMs } from '@parley/model';

/** What every process gives its worker; a test that is to meet an answer half sent gives less. */
export const LOOK_AHEAD_MS = 4_000;

/**
 * How far a job is ahead of the listener: audio is sent only up to the look-ahead, because what is sent is lost money
 * and memory when the user interrupts. Positions are samples; without a report nothing counts as played.
 */
export class LookAhead {
  private readonly limitSamples: number;
  private sentSamples = 0;
  private playedSamples = 0;

  constructor(lookAheadMs: number) {
    this.limitSamples = samplesOfMs(lookAheadMs);
  }

  /** `samples` more may be sent now. A piece larger than the look-ahead goes when nothing is ahead. */
  fits(samples: number): boolean {
    const aheadSamples = this.sentSamples - this.playedSamples;
    return aheadSamples <= 0 || aheadSamples + samples <= this.limitSamples;
  }

  sent(samples: number): void {
    this.sentSamples += samples;
  }

  /**
   * The response's newest delivery. What came before `beginning` was another worker's and does not count here. True
   * when the listener got further.
   */
  report(delivery: ResponseDelivery, beginning: { segment: number; sample: number }): boolean {
    const earlier = delivery.segments.slice(0, beginning.segment).reduce((sum, { samples }) => sum + samples, 0);
    const before = earlier + beginning.sample;
    const played = Math.max(0, delivery.playedSamples - before);
    const moved = played > this.playedSamples;
    this.playedSamples = played;
    return moved;
  }
}
