import { SAMPLES_PER_MS, type WordTiming } from '@parley/model';

/** One segment as it was spoken so far. */
export interface SpokenSegment {
  /** As in the transcript, white space included. */
  text: string;
  /** Samples written to the client. */
  samples: number;
  /** `samples` is the segment's total. */
  last: boolean;
  /** Empty when the voice gave none. */
  words: readonly WordTiming[];
}

/** Samples and characters of the segments delivered to their end, as a measure of how fast the voice speaks. */
export interface VoiceRate {
  samples: number;
  characters: number;
}

/** About 17 characters a second: English at a usual pace, until the voice has shown its own. */
export const FIRST_SAMPLES_PER_CHARACTER = 1440;

export const spokenCharacters = (text: string): number => text.trimEnd().length;

export const samplesPerCharacter = (rate: VoiceRate): number =>
  rate.characters > 0 ? rate.samples / rate.characters : FIRST_SAMPLES_PER_CHARACTER;

/**
 * The text a listener has heard when `playedSamples` of a response were played (PROTOCOL.md, "Heard text"): whole played
 * segments plus the whole words of the one under way that end at or before the position. Never more than was played.
 */
export function heardText(segments: readonly SpokenSegment[], playedSamples: number, rate: VoiceRate): string {
  let remaining = playedSamples;
  let heard = '';
  for (const segment of segments) {
    if (segment.last && remaining >= segment.samples) {
      heard += segment.text;
      remaining -= segment.samples;
      continue;
    }
    if (remaining > 0) heard += heardOfSegment(segment, remaining, rate);
    break;
  }
  return heard.trimEnd();
}

function heardOfSegment(segment: SpokenSegment, played: number, rate: VoiceRate): string {
  if (segment.words.length > 0) return heardByTimings(segment, played);
  const characters = spokenCharacters(segment.text);
  const total = segment.last ? segment.samples : Math.max(segment.samples, characters * samplesPerCharacter(rate));
  return wholeWords(segment.text, Math.floor((characters * played) / total));
}

function heardByTimings(segment: SpokenSegment, played: number): string {
  let end = 0;
  for (const word of segment.words) {
    // Stretches of timings may have come in any order.
    if (word.endMs * SAMPLES_PER_MS <= played) end = Math.max(end, word.charEnd);
  }
  if (end === 0) return '';
  // The punctuation that closes a heard word was heard with it.
  const closing = /^[^\s\p{L}\p{N}]*/u.exec(segment.text.slice(end))?.[0] ?? '';
  return segment.text.slice(0, end) + closing;
}

/** Scripts without spaces between words: each character counts as one. */
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+/gu;

/** The longest beginning of `text` that is made of whole words and no longer than `characters`. */
function wholeWords(text: string, characters: number): string {
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    const wordEnd = match.index + match[0].length;
    if (wordEnd > characters) break;
    end = wordEnd;
  }
  return text.slice(0, end);
}
