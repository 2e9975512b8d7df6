import type { ProviderFailure } from './errors';
import type { Incarnation, ResponseId, SessionId, WorkerId } from './ids';
import type { PhonemeTiming, WordTiming } from './timings';

/** What names one rendering of one response. Attempts compare as (epoch, attempt). */
export interface VoiceJobKey {
  sessionId: SessionId;
  epoch: number;
  lane: number;
  ordinal: number;
  attempt: number;
}

/** `tts.open`, a request to the queue group: binds a response to the worker that answers. */
export interface VoiceOpen extends VoiceJobKey {
  responseId: ResponseId;
  /** Where failures are reported (`owner.<incarnation>.voice`). */
  owner: Incarnation;
  voice: string | null;
  /** 0.25 to 1.5; 1 is the voice's own. */
  speed: number;
  /** Publish phoneme/text timings for a local face. */
  lipSync: boolean;
}

export type VoiceOpenReply =
  | { kind: 'accepted'; worker: WorkerId }
  | { kind: 'full' }
  /** This worker can speak nothing at all (no voice configured or installed). */
  | { kind: 'unavailable'; message: string };

/** Where a rendering of a segment begins: what is before it was delivered by an earlier one. */
export interface SegmentPosition {
  /** From the segment's first sample. */
  sample: number;
  /** UTF-16 index into the segment's text: the end of the last whole word that ends at or before that sample. */
  character: number;
}

export const SEGMENT_START: SegmentPosition = { sample: 0, character: 0 };

/** Orders to the bound worker on `tts.<worker>`, in order; each is a request, so a dead worker is noticed at once. */
export type VoiceOrder =
  | (VoiceJobKey & { kind: 'segment'; segment: number; text: string; from: SegmentPosition })
  /** No further segment will come. */
  | (VoiceJobKey & { kind: 'end'; segments: number })
  | (VoiceJobKey & { kind: 'cancel' })
  /**
   * A new owner goes on with what the worker speaks for one that is gone (`of`), under its own numbers. `segments`: so many are
   * stored; what was ordered beyond them is none of the answer.
   */
  | (VoiceJobKey & { kind: 'adopt'; of: Rendering; owner: Incarnation; segments: number });

/** A rendering among those of one response; they compare as (epoch, attempt). */
export type Rendering = Pick<VoiceJobKey, 'epoch' | 'attempt'>;

/** `unknown-job`: the worker does not hold it (restarted, superseded, or cancelled). */
export type VoiceOrderReply = { kind: 'ok' } | { kind: 'unknown-job' };

/** worker → owner, a request repeated until acknowledged. */
export interface VoiceFailed extends VoiceJobKey {
  segment: number;
  failure: ProviderFailure;
}

/** `session.<id>.timings`: what the voice knows of one stretch of a segment. */
export interface SegmentTimings extends VoiceJobKey {
  segment: number;
  /** Raw text of the stretch (the whole segment when the voice knows its timings). */
  text: string;
  /** The stretch in ms from the segment's first sample. */
  startMs: number;
  endMs: number;
  words: WordTiming[];
  /** Empty when the voice gives none: the face then falls back to proportions of the text. */
  phonemes: PhonemeTiming[];
}
