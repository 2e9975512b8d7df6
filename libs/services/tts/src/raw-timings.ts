import type { PhonemeTiming, WordTiming } from '@parley/model';
import type { SpeakableText } from '@parley/speech-text';

/** What a voice knows of a stretch, with words as they stand in the segment's raw text. */
export interface Stretch {
  text: string;
  startMs: number;
  endMs: number;
  words: WordTiming[];
  phonemes: PhonemeTiming[];
}

/** Tells a voice's timings of the speakable text in positions of the raw text; undefined when they hold nothing. */
export function rawStretch(
  raw: string,
  spoken: SpeakableText,
  timings: { words: readonly WordTiming[]; phonemes: readonly PhonemeTiming[] },
): Stretch | undefined {
  const words = timings.words.flatMap((word) => rawWord(raw, spoken, word));
  const phonemes = [...timings.phonemes];
  const starts = [...words, ...phonemes].map(({ startMs }) => startMs);
  if (starts.length === 0) return undefined;
  const ends = [...words.map(({ endMs }) => endMs), ...phonemes.map(({ startMs, durationMs }) => startMs + durationMs)];
  return { text: raw, startMs: Math.min(...starts), endMs: Math.max(...ends), words, phonemes };
}

function rawWord(raw: string, spoken: SpeakableText, word: WordTiming): WordTiming[] {
  const charStart = spoken.origin[word.charStart];
  const lastChar = spoken.origin[word.charEnd - 1];
  // A voice that counts characters in a way of its own: better no word than a wrong one.
  if (charStart === undefined || lastChar === undefined || lastChar < charStart) return [];
  return [{ ...word, word: raw.slice(charStart, lastChar + 1), charStart, charEnd: lastChar + 1 }];
}
