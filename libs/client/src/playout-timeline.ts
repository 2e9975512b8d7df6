import type { ResponseId } from '@parley/model';

/** A stretch of one response's audio with its place on the audio clock. All numbers are samples of 24 kHz. */
export interface Piece {
  readonly responseId: ResponseId;
  /** Position of its first sample in the response. */
  readonly firstSample: number;
  readonly samples: number;
  /** Audio-clock time at which its first sample sounds. */
  readonly startSample: number;
}

export interface HeardPosition {
  responseId: ResponseId;
  /** Samples of the response before this moment. */
  sample: number;
}

interface MutablePiece extends Piece {
  startSample: number;
}

interface Track {
  received: number;
  /** No more audio will come. */
  ended: boolean;
  /** Dropped: what was heard until then. */
  cutAtSample: number | undefined;
}

/**
 * What sounds when. Pure bookkeeping on an audio clock that counts samples and stands while the device does: pieces
 * follow one another without a gap, responses append after each other, and where the queue ran dry the clock goes on
 * while the response's position stalls. A browser schedules its sound by it; the command line only pretends to play.
 */
export class PlayoutTimeline {
  private readonly tracks = new Map<ResponseId, Track>();
  private pieces: MutablePiece[] = [];
  private freeFromSample = 0;

  /** `leadSamples`: nothing is placed sooner than so long after now, because the sound system needs notice. */
  constructor(private readonly leadSamples: number) {}

  /** Places the next `samples` of a response behind all there is. Undefined: the response was dropped. */
  append(responseId: ResponseId, samples: number, nowSample: number): Piece | undefined {
    const track = this.track(responseId);
    if (track.cutAtSample !== undefined) return undefined;
    const startSample = Math.max(this.freeFromSample, nowSample + this.leadSamples);
    const piece: MutablePiece = { responseId, firstSample: track.received, samples, startSample };
    track.received += samples;
    this.freeFromSample = startSample + samples;
    this.pieces.push(piece);
    return piece;
  }

  /** No more audio of this response will come. */
  end(responseId: ResponseId): void {
    this.track(responseId).ended = true;
  }

  /**
   * Drops what of these responses was not heard yet. What others have behind it moves up; the pieces that moved are
   * returned, with their new places.
   */
  drop(responseIds: readonly ResponseId[], nowSample: number, heardSample: number): Piece[] {
    const dropped = new Set(responseIds);
    for (const id of dropped) {
      const track = this.track(id);
      track.cutAtSample ??= this.playedSamples(id, heardSample);
    }
    this.pieces = this.pieces.filter((piece) => !dropped.has(piece.responseId));
    return this.closeUp(nowSample);
  }

  /** The sample that sounds at this time; undefined in a pause. */
  heardAt(clockSample: number): HeardPosition | undefined {
    const piece = this.pieces.findLast(({ startSample }) => startSample <= clockSample);
    if (piece === undefined || clockSample >= piece.startSample + piece.samples) return undefined;
    return { responseId: piece.responseId, sample: piece.firstSample + clockSample - piece.startSample };
  }

  /** Samples of the response heard before this time. */
  playedSamples(responseId: ResponseId, clockSample: number): number {
    const cut = this.tracks.get(responseId)?.cutAtSample;
    if (cut !== undefined) return cut;
    const piece = this.pieces.findLast((one) => one.responseId === responseId && one.startSample <= clockSample);
    return piece === undefined ? 0 : piece.firstSample + Math.min(piece.samples, clockSample - piece.startSample);
  }

  /** All of the response was heard at this time, or it was dropped: its position will not change any more. */
  finished(responseId: ResponseId, clockSample: number): boolean {
    const track = this.tracks.get(responseId);
    if (track === undefined) return false;
    if (track.cutAtSample !== undefined) return true;
    return track.ended && this.playedSamples(responseId, clockSample) === track.received;
  }

  /** Samples still to sound after this time until the response's audio so far ends, pauses included. */
  remainingSamples(responseId: ResponseId, clockSample: number): number {
    const last = this.pieces.findLast((piece) => piece.responseId === responseId);
    return last === undefined ? 0 : Math.max(0, last.startSample + last.samples - clockSample);
  }

  /** Gives up a finished response's entries. */
  forget(responseId: ResponseId): void {
    this.tracks.delete(responseId);
    this.pieces = this.pieces.filter((piece) => piece.responseId !== responseId);
  }

  private closeUp(nowSample: number): Piece[] {
    const moved: Piece[] = [];
    let freeFrom = 0;
    for (const piece of this.pieces) {
      const startSample = Math.max(freeFrom, nowSample + this.leadSamples);
      // Never later, and so never anything that sounds already.
      if (startSample < piece.startSample) {
        piece.startSample = startSample;
        moved.push(piece);
      }
      freeFrom = piece.startSample + piece.samples;
    }
    this.freeFromSample = freeFrom;
    return moved;
  }

  private track(responseId: ResponseId): Track {
    const found = this.tracks.get(responseId);
    if (found !== undefined) return found;
    const track: Track = { received: 0, ended: false, cutAtSample: undefined };
    this.tracks.set(responseId, track);
    return track;
  }
}
