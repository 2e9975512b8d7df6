/**
 * Cuts a growing answer into speakable segments. The segments of an answer, joined, are the answer: white space after
 * a sentence belongs to the segment before it. The first segment is cut as early as possible, because the time to the
 * first audio is what a listener feels; later ones are merged when short, because a voice needs some context.
 */

/** Sentences shorter than this are spoken together with the next one (not the first, see above). */
const MIN_CHARS = 20;
/** A voice's request stays short enough to be cancelled cheaply, and audio comes while the model still writes. */
const MAX_CHARS = 240;
/** When a sentence is too long it is cut at a clause, but not before this many characters. */
const MIN_CLAUSE_CHARS = 60;

/** Scripts that write no space after these. */
const WIDE_TERMINATORS = '。！？｡';
const WIDE_CLAUSES = '，、；：';
/** Latin, Arabic, Urdu, Devanagari. */
const TERMINATORS = '.!?…؟۔।॥';
const CLAUSES = ',;:—–،؛';
const CLOSERS = '"\'”“’‘»)]}』」';
/** As many as one sentence can have; a longer row of marks is not looked through for each of them. */
const MAX_CLOSERS = 8;
/** A full stop after these ends no sentence. Lower case; initials and the like of "e.g." are handled apart. */
const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st vs etc cf approx no fig dept est inc ltd co jr sr bzw ca nr usw'.split(' '),
);

const FENCE = '```';
/** A block of code is never spoken, so it is kept in one piece; a model that forgets to close it must not silence itself. */
const MAX_FENCED_CHARS = 4_000;

const isSpace = (char: string | undefined): boolean => char !== undefined && /\s/.test(char);

/** Takes the complete segments from the front of `text`; `first`: nothing of this answer was cut before. */
export function takeSegments(text: string, first: boolean): { segments: string[]; rest: string } {
  const segments: string[] = [];
  let rest = text;
  for (;;) {
    const end = segmentEnd(rest, first && segments.length === 0 ? 1 : MIN_CHARS);
    if (end === undefined) return { segments, rest };
    segments.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
}

/** Index after the first segment of `text`, white space included; undefined while it is not complete. */
function segmentEnd(text: string, minChars: number): number | undefined {
  const fence = text.indexOf(FENCE);
  const limit = Math.min(text.length, MAX_CHARS, fence < 0 ? MAX_CHARS : fence);
  for (let i = 0; i < limit; i++) {
    const end = sentenceEnd(text, i);
    if (end !== undefined && text.slice(0, end).trim().length >= minChars) return end;
  }
  if (fence >= 0 && fence < MAX_CHARS) return fencedEnd(text, fence);
  return text.length > MAX_CHARS ? forcedEnd(text) : undefined;
}

/** The end of the line on which the block of code that begins at `fence` is closed. */
function fencedEnd(text: string, fence: number): number | undefined {
  const close = text.indexOf(FENCE, fence + FENCE.length);
  const newline = close < 0 ? -1 : text.indexOf('\n', close);
  if (newline >= 0) return skipSpace(text, newline);
  return text.length > fence + MAX_FENCED_CHARS ? fence + MAX_FENCED_CHARS : undefined;
}

/** If a sentence ends with the character at `i`: the index after it and its white space. */
function sentenceEnd(text: string, i: number): number | undefined {
  const char = text.charAt(i);
  if (char === '\n') return skipSpace(text, i);
  if (WIDE_TERMINATORS.includes(char)) return skipSpace(text, skipClosers(text, i + 1));
  if (!TERMINATORS.includes(char)) return undefined;
  const after = skipClosers(text, i + 1);
  // A terminator at the very end may be "3." of "3.5": wait for what follows.
  if (!isSpace(text[after])) return undefined;
  if (char === '.' && isAbbreviation(text, i)) return undefined;
  return skipSpace(text, after);
}

function isAbbreviation(text: string, dot: number): boolean {
  const word = /[\p{L}\p{N}.]+$/u.exec(text.slice(0, dot))?.[0].toLowerCase() ?? '';
  if (ABBREVIATIONS.has(word)) return true;
  const startsText = text.slice(0, dot).trim() === word;
  // Initials ("J. Smith", "the U.S. economy", "e.g."), or the number of a list item ("1. Wash").
  return /^\p{L}(\.\p{L})*$/u.test(word) ? word !== 'i' : startsText && /^\d{1,3}$/.test(word);
}

function skipClosers(text: string, from: number): number {
  let i = from;
  while (i < text.length && i < from + MAX_CLOSERS && (CLOSERS + TERMINATORS).includes(text.charAt(i))) i++;
  return i;
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (isSpace(text[i])) i++;
  return i;
}

/** A sentence too long for one request: after a clause, else between words, else anywhere but inside a character. */
function forcedEnd(text: string): number {
  for (let i = MAX_CHARS; i > MIN_CLAUSE_CHARS; i--) {
    const before = text.charAt(i - 1);
    if (WIDE_CLAUSES.includes(before) || (isSpace(text[i]) && CLAUSES.includes(before))) return skipSpace(text, i);
  }
  for (let i = MAX_CHARS; i > 0; i--) if (isSpace(text[i])) return skipSpace(text, i);
  const code = text.charCodeAt(MAX_CHARS - 1);
  return code >= 0xd800 && code <= 0xdbff ? MAX_CHARS - 1 : MAX_CHARS;
}
