import { SAMPLE_BYTES, msOfSamples, samplesOfBytes } from '@parley/model';
import type { ResponseId, WireReceived } from '@parley/model';

/** A server reads so many in one `received`; older ones are long over. */
export const MAX_RESPONSES = 32;

interface Reception {
  /** By segment, from the first one on. */
  samples: number[];
  playedMs: number;
  /** `response.done` came, and with it all there is to hear. */
  isDone: boolean;
  /** Heard to its end, or cut: nothing of it will sound any more. */
  isSilent: boolean;
}

/** Where a piece of audio belongs in its response. */
export interface AudioPlace {
  segment: number;
  /** Of the segment. */
  firstSample: number;
}

/**
 * What has arrived of each response, and how much of it was heard: what a client that resumes its session has to say
 * (PROTOCOL.md, "Resuming a session"). It also keeps audio that comes twice from being played twice.
 */
export class ReceivedAudio {
  private readonly receptions = new Map<ResponseId, Reception>();
  private isReported = false;

  begun(responseId: ResponseId): void {
    this.reception(responseId);
  }

  /** Counts a piece and returns what of it is new: all, its end, or nothing. */
  take(responseId: ResponseId, { segment, firstSample }: AudioPlace, pcm: Uint8Array): Uint8Array {
    const { samples } = this.reception(responseId);
    while (samples.length <= segment) samples.push(0);
    // Segments come one after the other: what belongs to an earlier one is here already.
    const had = segment === samples.length - 1 ? (samples[segment] ?? 0) : Number.POSITIVE_INFINITY;
    const end = firstSample + samplesOfBytes(pcm.length);
    if (end <= had) return new Uint8Array();
    samples[segment] = end;
    return pcm.subarray(Math.max(0, had - firstSample) * SAMPLE_BYTES);
  }

  /** More is to come of a response that has begun and will be heard. */
  get isUnderWay(): boolean {
    return [...this.receptions.values()].some(({ isDone, isSilent }) => !isDone && !isSilent);
  }

  done(responseId: ResponseId): void {
    this.reception(responseId).isDone = true;
  }

  /** `isEnded`: all of it was heard that there will ever be. */
  heard(responseId: ResponseId, playedMs: number, isEnded: boolean): void {
    this.isReported = true;
    const reception = this.receptions.get(responseId);
    if (reception === undefined) return;
    reception.playedMs = Math.max(reception.playedMs, playedMs);
    if (isEnded) reception.isSilent = true;
  }

  /** These were interrupted: what was not heard of them by now never will be. */
  cut(responseIds: readonly ResponseId[]): void {
    for (const id of responseIds) {
      const reception = this.receptions.get(id);
      if (reception !== undefined) reception.isSilent = true;
    }
  }

  /** The newest response and every other one that is not finished with, in order. Report the playback right before. */
  statement(): WireReceived[] {
    const newest = [...this.receptions.keys()].at(-1);
    return [...this.receptions]
      .filter(([id, reception]) => id === newest || !this.isFinished(reception))
      .map(([id, reception]) => ({
        response_id: id,
        samples: [...reception.samples],
        played_ms: this.playedMs(reception),
        done: reception.isDone,
      }));
  }

  private reception(responseId: ResponseId): Reception {
    const found = this.receptions.get(responseId);
    if (found !== undefined) return found;
    this.forget();
    const reception: Reception = { samples: [], playedMs: 0, isDone: false, isSilent: false };
    this.receptions.set(responseId, reception);
    return reception;
  }

  /** Makes room for a newer response. */
  private forget(): void {
    for (const [id, { isDone, isSilent }] of this.receptions) if (isDone && isSilent) this.receptions.delete(id);
    for (const id of this.receptions.keys()) {
      if (this.receptions.size < MAX_RESPONSES) return;
      this.receptions.delete(id);
    }
  }

  private isFinished(reception: Reception): boolean {
    const isAudible = this.playedMs(reception) < msOfSamples(total(reception)) && !reception.isSilent;
    return reception.isDone && !isAudible;
  }

  /** Of an application that never reports, what it was given counts as heard. */
  private playedMs(reception: Reception): number {
    return this.isReported ? reception.playedMs : msOfSamples(total(reception));
  }
}

const total = ({ samples }: Reception): number => samples.reduce((sum, count) => sum + count, 0);
