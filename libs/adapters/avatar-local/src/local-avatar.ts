import type { SegmentTimings, Viseme, WordTiming } from '@parley/model';
import type { AvatarPort } from '@parley/ports';
import { visemesOfPhonemes, visemesOfText } from '@parley/speech-text';

/** A pause between two words that is worth closing the mouth for. */
const MIN_PAUSE_MS = 80;

/** The face that the client draws: from phonemes if the voice knows them, else from its words, else from the text. */
export const createLocalAvatar = (): AvatarPort => ({
  animate: (timings) => inside(shapesOf(timings), timings.startMs, timings.endMs),
});

function shapesOf({ phonemes, words, text, startMs, endMs }: SegmentTimings): Viseme[] {
  if (phonemes.length > 0) return visemesOfPhonemes(phonemes);
  if (words.length > 0) return visemesOfWords(words);
  return visemesOfText(text, startMs, endMs);
}

function visemesOfWords(words: readonly WordTiming[]): Viseme[] {
  const visemes: Viseme[] = [];
  let lastEndMs: number | undefined;
  for (const { word, startMs, endMs } of words) {
    if (lastEndMs !== undefined && startMs - lastEndMs >= MIN_PAUSE_MS) {
      visemes.push({ viseme: 'sil', startMs: lastEndMs, durationMs: startMs - lastEndMs });
    }
    visemes.push(...visemesOfText(word, startMs, endMs));
    lastEndMs = endMs;
  }
  return visemes;
}

/** Cut to the stretch, in order and without overlaps, whatever the voice said. */
function inside(visemes: readonly Viseme[], startMs: number, endMs: number): Viseme[] {
  const cut: Viseme[] = [];
  let from = startMs;
  for (const { viseme, startMs: wanted, durationMs } of visemes) {
    const start = Math.max(from, wanted);
    const end = Math.min(endMs, wanted + durationMs);
    if (end <= start) continue;
    cut.push({ viseme, startMs: start, durationMs: end - start });
    from = end;
  }
  return cut;
}
