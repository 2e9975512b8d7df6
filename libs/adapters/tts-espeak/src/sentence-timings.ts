import type { PhonemeTiming, WordTiming } from '@parley/model';
import type { EspeakEvent } from '@echogarden/espeak-ng-emscripten';
import type { SentenceTimings } from './espeak-protocol';
import type { EscapedSentence } from './sentences';

/** '(en)', '(fr-be)': the engine switches the language for a word. Not a sound. */
const LANGUAGE_SWITCH = /^\(.*\)$/;

/** What the engine told about one sentence of `endMs` ms, as timings. */
export function sentenceTimings(
  text: string,
  { origin }: EscapedSentence,
  events: readonly EspeakEvent[],
  endMs: number,
): SentenceTimings {
  const phonemes = phonemesOf(events, endMs);
  return { words: wordsOf(text, origin, events, phonemes, endMs), phonemes };
}

function phonemesOf(events: readonly EspeakEvent[], endMs: number): PhonemeTiming[] {
  const sounds = events.filter((event) => event.type === 'phoneme' && !LANGUAGE_SWITCH.test(String(event.id)));
  return sounds.flatMap((event, index) => {
    const startMs = event.audio_position;
    const durationMs = Math.min(sounds[index + 1]?.audio_position ?? endMs, endMs) - startMs;
    return durationMs > 0 ? [{ phoneme: String(event.id), startMs, durationMs }] : [];
  });
}

function wordsOf(
  text: string,
  origin: readonly number[],
  events: readonly EspeakEvent[],
  phonemes: readonly PhonemeTiming[],
  endMs: number,
): WordTiming[] {
  const words: WordTiming[] = [];
  for (const event of events) {
    if (event.type !== 'word') continue;
    const span = spanOf(text, origin, event);
    const before = words.at(-1);
    if (before !== undefined && span !== undefined && span.charStart < before.charEnd) {
      // "3.50" is several words to the engine, with positions inside each other: one word to the reader.
      before.endMs = endMs;
      continue;
    }
    if (before !== undefined) before.endMs = Math.min(before.endMs, event.audio_position);
    // A mark that is spoken ("&") is no word, but ends the one before.
    if (span === undefined) continue;
    words.push({ ...span, startMs: event.audio_position, endMs });
  }
  const timed = words
    .map((word) => ({ ...word, endMs: beforePause(word, phonemes) }))
    .filter((word) => word.endMs > word.startMs);
  return timed.flatMap((word, index) => withSwallowed(text, word, timed[index + 1]?.charStart ?? text.length));
}

/** The engine speaks some phrases as one ("a while") and tells their first word only: they share its time by length. */
function withSwallowed(text: string, word: WordTiming, until: number): WordTiming[] {
  const swallowed = [...text.slice(word.charEnd, until).matchAll(/[\p{L}\p{N}][\p{L}\p{N}\p{M}'’]*/gu)].map(
    (match) => ({
      word: match[0],
      charStart: word.charEnd + match.index,
      charEnd: word.charEnd + match.index + match[0].length,
    }),
  );
  const all = [word, ...swallowed];
  const characters = all.reduce((sum, each) => sum + each.word.length, 0);
  const msPerCharacter = (word.endMs - word.startMs) / characters;
  let { startMs } = word;
  return all.map((each) => {
    const timing = { ...each, startMs, endMs: startMs + each.word.length * msPerCharacter };
    startMs = timing.endMs;
    return timing;
  });
}

function spanOf(
  text: string,
  origin: readonly number[],
  event: EspeakEvent,
): Omit<WordTiming, 'startMs' | 'endMs'> | undefined {
  const charStart = origin[event.text_position - 1];
  if (charStart === undefined) return undefined;
  const reach = origin[event.text_position - 1 + event.word_length] ?? text.length;
  // The engine counts a mark behind the word now and then ("3.50.").
  const word = text.slice(charStart, reach).replace(/[^\p{L}\p{N}\p{M}]+$/u, '');
  return word === '' ? undefined : { word, charStart, charEnd: charStart + word.length };
}

/** A word ends where the pause behind it begins, if there is one before the next word. */
function beforePause(word: WordTiming, phonemes: readonly PhonemeTiming[]): number {
  const sounds = phonemes.filter(
    ({ phoneme, startMs }) => phoneme !== '' && startMs >= word.startMs && startMs < word.endMs,
  );
  const last = sounds.at(-1);
  return last === undefined ? word.endMs : Math.min(word.endMs, last.startMs + last.durationMs);
}
