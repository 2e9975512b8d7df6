import type { PhonemeTiming, ProviderFailure, WordTiming } from '@parley/model';

export interface TtsRequest {
  /** Speakable text, not empty. */
  text: string;
  /** Undefined: the adapter's configured voice. */
  voice: string | undefined;
  /** Absent or 1: the voice's own. */
  speed?: number;
}

/** Exactly one of `finished` and `failed` ends the stream, unless the caller aborted: then it ends without either. */
export type TtsEvent =
  /** PCM16LE mono 24 kHz, whole samples, not empty; the buffer belongs to the receiver. */
  | { kind: 'audio'; pcm: Uint8Array }
  /**
   * Timings of a stretch, ms from the first sample of this synthesis; may come before, with or after its audio.
   * `charStart`/`charEnd` index the request's text. In order, not overlapping.
   */
  | { kind: 'timings'; words: WordTiming[]; phonemes: PhonemeTiming[] }
  | { kind: 'finished' }
  | { kind: 'failed'; failure: ProviderFailure };

/**
 * A voice. Never throws for a provider's fault. A consumer that does not ask for the next event holds the provider
 * back (backpressure), at most one buffer is read ahead. After an abort nothing more is yielded and the provider's
 * connection or worker is released. A stream without a byte for `stallTimeoutMs` (while being asked) ends as failed
 * with kind `timeout`; one without any sample as `empty_answer`.
 */
export interface TtsPort {
  readonly timings: 'phonemes' | 'words' | 'none';
  /** The same text gives the same samples, so a rendering can be entered in the middle. */
  readonly deterministic: boolean;
  /** Undefined when this voice can speak; else why not (one sentence that names the fix). */
  unavailable(): Promise<string | undefined>;
  synthesize(request: TtsRequest, signal: AbortSignal): AsyncIterable<TtsEvent>;
  close(): Promise<void>;
}
