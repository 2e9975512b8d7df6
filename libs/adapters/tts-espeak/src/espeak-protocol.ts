import type { PhonemeTiming, WordTiming } from '@parley/model';

/** To the thread: speak one sentence. They are spoken one after the other in order of arrival. */
export interface SentenceOrder {
  id: number;
  text: string;
  /** Where the engine does not know it, `ownVoice` speaks. */
  voice: string;
  ownVoice: string;
  /** 1 is the voice's own. */
  speed: number;
  /** One cell in shared memory: not 0 means that nobody listens any more. It is seen in the middle of a synthesis. */
  cancelled: Int32Array<SharedArrayBuffer>;
}

/** Positions in ms from the sentence's first sample, characters in UTF-16 units of the sentence. */
export interface SentenceTimings {
  words: WordTiming[];
  phonemes: PhonemeTiming[];
}

/** From the thread. `spoken` and `unknown-voice` end a sentence; a cancelled one ends as spoken. */
export type ThreadMessage =
  | { kind: 'ready' }
  /** The optional package is not installed. */
  | { kind: 'missing' }
  /** PCM16LE mono 24 kHz, whole samples, transferred. */
  | { kind: 'audio'; id: number; pcm: Uint8Array<ArrayBuffer> }
  | { kind: 'spoken'; id: number; timings: SentenceTimings }
  /** Not even its own. */
  | { kind: 'unknown-voice'; id: number };
