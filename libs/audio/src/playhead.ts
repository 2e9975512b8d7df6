import { SAMPLES_PER_MS, samplesOfMs } from '@parley/model';

/** A client that reported once and is silent for so long with audio queued counts as non-reporting (design §6). */
export const REPORT_SILENCE_MS = 1000;

interface Track {
  ordinal: number;
  deliveredSamples: number;
  /** Fractional while simulated, so that short advances do not lose time. */
  playedSamples: number;
  /** Highest position the client reported for this response. */
  reportedSamples: number;
  /** No more samples will be delivered. */
  finished: boolean;
  ended: boolean;
}

/**
 * Where the client's ear is, over the responses that play one after the other on one connection.
 *
 * - Reporting client: its last report, clamped to what was delivered, never extrapolated; lower reports are ignored.
 * - Silent for 1 s with audio queued: non-reporting from that position, until it reports again.
 * - Non-reporting: advances at real time from the first written byte, stalls when nothing is queued.
 * - Paused: nothing is played, and silence counts from the end of the pause. Reports still say where it stopped.
 *
 * Time is passed in; positions are samples from a response's first sample.
 */
export class Playhead {
  private tracks: Track[] = [];
  private reporting = false;
  private lastReportMs = 0;
  private advancedToMs = 0;
  private pausedOrdinal: number | undefined;

  /** `from`: what an older connection delivered of it, and the client heard; it plays on from now. */
  begin(ordinal: number, nowMs: number, from = { deliveredSamples: 0, playedSamples: 0 }): void {
    this.advance(nowMs);
    this.tracks.push({
      ordinal,
      deliveredSamples: from.deliveredSamples,
      playedSamples: from.playedSamples,
      reportedSamples: from.playedSamples,
      finished: false,
      ended: false,
    });
  }

  /** `samples` more were written to the client. */
  delivered(ordinal: number, samples: number, nowMs: number): void {
    const track = this.track(ordinal);
    if (!track) return;
    // What was queued before plays first; an underrun until now is lost time, not a debt.
    this.advance(nowMs);
    // A client with nothing to play has nothing to report: its silence counts from now.
    if (this.queuedSamples() === 0) this.lastReportMs = Math.max(this.lastReportMs, nowMs);
    track.deliveredSamples += samples;
  }

  /** No more samples of it will come. */
  finish(ordinal: number, nowMs: number): void {
    this.advance(nowMs);
    const track = this.track(ordinal);
    if (track) track.finished = true;
  }

  /** The response plays no more: interrupted, or played to its end. */
  drop(ordinal: number, nowMs: number): void {
    this.advance(nowMs);
    this.tracks = this.tracks.filter((track) => track.ordinal !== ordinal);
  }

  /** The client holds its voice, until `resume` with the same ordinal. */
  pause(ordinal: number, nowMs: number): void {
    this.advance(nowMs);
    this.pausedOrdinal = ordinal;
  }

  /** Ends the pause that began with this response; any other one goes on. */
  resume(ordinal: number, nowMs: number): void {
    if (this.pausedOrdinal !== ordinal) return;
    this.advance(nowMs);
    this.pausedOrdinal = undefined;
    this.lastReportMs = Math.max(this.lastReportMs, nowMs);
  }

  /** A `parley.playback` of the client. */
  report(ordinal: number, playedMs: number, ended: boolean, nowMs: number): void {
    this.advance(nowMs);
    const track = this.track(ordinal);
    if (!track) return;
    this.reporting = true;
    this.lastReportMs = nowMs;
    const reported = ended ? track.deliveredSamples : Math.min(samplesOfMs(playedMs), track.deliveredSamples);
    if (reported < track.reportedSamples) return;
    track.reportedSamples = reported;
    track.playedSamples = reported;
    track.ended ||= ended && track.finished;
    this.playOut(ordinal);
  }

  /** Samples played of a response; undefined when it is not (or no longer) known. */
  played(ordinal: number, nowMs: number): number | undefined {
    this.advance(nowMs);
    const track = this.track(ordinal);
    return track && Math.floor(track.playedSamples);
  }

  /** Everything delivered of a finished response was played. */
  isPlayed(ordinal: number, nowMs: number): boolean {
    this.advance(nowMs);
    const track = this.track(ordinal);
    return track === undefined || (track.finished && track.playedSamples >= track.deliveredSamples);
  }

  hasEnded(ordinal: number): boolean {
    return this.track(ordinal)?.ended ?? false;
  }

  private track(ordinal: number): Track | undefined {
    return this.tracks.find((track) => track.ordinal === ordinal);
  }

  private queuedSamples(): number {
    return this.tracks.reduce((sum, track) => sum + track.deliveredSamples - track.playedSamples, 0);
  }

  /** A client that reports on a response has played those before it: it plays them in order. */
  private playOut(ordinal: number): void {
    for (const track of this.tracks) {
      if (track.ordinal >= ordinal) return;
      if (track.finished) track.playedSamples = track.deliveredSamples;
    }
  }

  private advance(nowMs: number): void {
    if (nowMs <= this.advancedToMs) return;
    const fromMs = this.simulatedFromMs(nowMs);
    this.advancedToMs = nowMs;
    if (fromMs === undefined) return;
    let budget = (nowMs - fromMs) * SAMPLES_PER_MS;
    for (const track of this.tracks) {
      const queued = track.deliveredSamples - track.playedSamples;
      if (queued > budget) {
        track.playedSamples += budget;
        return;
      }
      // Assigned, not added: fractions must not keep it from ever being played.
      track.playedSamples = track.deliveredSamples;
      budget -= queued;
      // The next response starts only when this one cannot go on: it was written to its end and played.
      if (!track.finished) return;
    }
  }

  /** The moment from which real time counts as playback; undefined while the client's reports do. */
  private simulatedFromMs(nowMs: number): number | undefined {
    if (this.pausedOrdinal !== undefined) return undefined;
    if (!this.reporting) return this.advancedToMs;
    const silentFromMs = this.lastReportMs + REPORT_SILENCE_MS;
    if (nowMs <= silentFromMs || this.queuedSamples() === 0) return undefined;
    // It stays silent over an underrun and the next response, until it reports again.
    this.reporting = false;
    return Math.max(silentFromMs, this.advancedToMs);
  }
}
