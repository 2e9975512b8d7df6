/** Positions are milliseconds from the segment's first sample. */
export interface WordTiming {
  /** The word as it stands in the segment's text. */
  word: string;
  /** Index of the word's first character in the segment's raw text (UTF-16 units). */
  charStart: number;
  /** Index after its last character. */
  charEnd: number;
  startMs: number;
  endMs: number;
}

export interface PhonemeTiming {
  /** IPA; '' is a pause. */
  phoneme: string;
  startMs: number;
  durationMs: number;
}

/** Oculus-15 viseme set (Meta OVRLipSync reference), the de-facto standard of web avatars. */
export const VISEMES = ['sil', 'PP', 'FF', 'TH', 'DD', 'kk', 'CH', 'SS', 'nn', 'RR', 'aa', 'E', 'I', 'O', 'U'] as const;
export type VisemeName = (typeof VISEMES)[number];

export interface Viseme {
  viseme: VisemeName;
  startMs: number;
  durationMs: number;
}
