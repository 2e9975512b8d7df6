import type { Viseme, VisemeName } from '@parley/model';
import { layOut, type WeightedViseme } from './viseme-line';

/** A vowel is held about twice as long as a consonant. */
const VOWEL = 2;
const CONSONANT = 1;
/** A mark inside a sentence is a short pause, one at its end a longer one. */
const SHORT_PAUSE = 2;
const LONG_PAUSE = 4;

const VOWELS: readonly VisemeName[] = ['aa', 'E', 'I', 'O', 'U'];
/** What is spoken where the writing does not say how: shapes that differ, in a fixed order. */
const ANY_VOWELS: readonly VisemeName[] = ['aa', 'E', 'O', 'I', 'aa', 'U'];
const ANY_CONSONANTS: readonly VisemeName[] = ['DD', 'kk', 'nn', 'SS', 'PP', 'RR', 'CH', 'FF'];

/** Latin letters, the longest match first; sounds of several languages that use them alike. */
const LATIN: readonly (readonly [string, readonly VisemeName[]])[] = [
  ['sch', ['CH']],
  ['tsch', ['DD', 'CH']],
  ['th', ['TH']],
  ['sh', ['CH']],
  ['ch', ['CH']],
  ['ph', ['FF']],
  ['wh', ['U']],
  ['ck', ['kk']],
  ['ng', ['nn']],
  ['qu', ['kk', 'U']],
  ['oo', ['U']],
  ['ee', ['I']],
  ['ea', ['I']],
  ['ie', ['I']],
  ['ou', ['aa', 'U']],
  ['ow', ['O', 'U']],
  ['eu', ['O', 'I']],
  ['ai', ['E', 'I']],
  ['ay', ['E', 'I']],
  ['a', ['aa']],
  ['æ', ['aa']],
  ['e', ['E']],
  ['œ', ['E']],
  ['ø', ['E']],
  ['i', ['I']],
  ['ı', ['I']],
  ['y', ['I']],
  ['o', ['O']],
  ['u', ['U']],
  ['w', ['U']],
  ['ł', ['U']],
  ['b', ['PP']],
  ['p', ['PP']],
  ['m', ['PP']],
  ['f', ['FF']],
  ['v', ['FF']],
  ['þ', ['TH']],
  ['ð', ['TH']],
  ['d', ['DD']],
  ['đ', ['DD']],
  ['t', ['DD']],
  ['c', ['kk']],
  ['g', ['kk']],
  ['h', ['kk']],
  ['k', ['kk']],
  ['q', ['kk']],
  ['x', ['kk', 'SS']],
  ['j', ['CH']],
  ['s', ['SS']],
  ['ß', ['SS']],
  ['z', ['SS']],
  ['l', ['nn']],
  ['n', ['nn']],
  ['r', ['RR']],
];
const LONGEST = 4;
const LATIN_RULES = new Map(LATIN);

/** A character that stands for a syllable, or for a whole word as a digit does. */
const SYLLABIC = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Yi}\p{sc=Ethiopic}\p{N}]/u;

/**
 * Mouth shapes for a text whose sounds are not known, in proportion to its letters over [startMs, endMs]: enough for a
 * mouth that moves with the speech. Empty when nothing in the text is spoken.
 */
export function visemesOfText(text: string, startMs: number, endMs: number): Viseme[] {
  const shapes = shapesOfText(text);
  return shapes.some(({ viseme }) => viseme !== 'sil') ? layOut(shapes, startMs, endMs - startMs) : [];
}

function shapesOfText(text: string): WeightedViseme[] {
  const shapes: WeightedViseme[] = [];
  // Composed Korean syllables stay whole; marks on Latin letters come off.
  const letters = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .normalize('NFC');
  let letterNumber = 0;
  for (let at = 0; at < letters.length;) {
    const latin = latinAt(letters, at);
    if (latin !== undefined) {
      shapes.push(...latin.visemes.map(weighted));
      at += latin.length;
      continue;
    }
    const char = String.fromCodePoint(letters.codePointAt(at) ?? 0);
    shapes.push(...shapesOfChar(char, letterNumber));
    if (/\p{L}/u.test(char)) letterNumber++;
    else if (/\s/.test(char)) letterNumber = 0;
    at += char.length;
  }
  return shapes;
}

function latinAt(letters: string, at: number): { visemes: readonly VisemeName[]; length: number } | undefined {
  for (let length = LONGEST; length > 0; length--) {
    const visemes = LATIN_RULES.get(letters.slice(at, at + length));
    if (visemes !== undefined) return { visemes, length };
  }
  return undefined;
}

/** `letterNumber`: its place in its word; letters of an unknown alphabet are taken as consonant and vowel in turn. */
function shapesOfChar(char: string, letterNumber: number): WeightedViseme[] {
  const code = char.codePointAt(0) ?? 0;
  if (SYLLABIC.test(char)) return [anyConsonant(code), anyVowel(code)];
  if (/\p{L}/u.test(char)) return [letterNumber % 2 === 0 ? anyConsonant(code) : anyVowel(code)];
  if (/[.!?…。！？؟।\n]/u.test(char)) return [{ viseme: 'sil', weight: LONG_PAUSE }];
  if (/[,;:，、；：،–—]/u.test(char)) return [{ viseme: 'sil', weight: SHORT_PAUSE }];
  return [];
}

const weighted = (viseme: VisemeName): WeightedViseme => ({
  viseme,
  weight: VOWELS.includes(viseme) ? VOWEL : CONSONANT,
});

const anyConsonant = (code: number): WeightedViseme => weighted(ANY_CONSONANTS[code % ANY_CONSONANTS.length] ?? 'DD');
const anyVowel = (code: number): WeightedViseme => weighted(ANY_VOWELS[code % ANY_VOWELS.length] ?? 'aa');
