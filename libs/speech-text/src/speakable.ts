import { GROUP, type MappedText, mappedText, NOTHING, replaceMapped, type Replacement, SPACE } from './mapped-text';

type Rule = readonly [pattern: RegExp, replacement: Replacement];

const NEWLINE: Replacement = { kind: 'literal', text: '\n' };

/**
 * In order: what one rule leaves is what the next one sees. A segment may be a piece of a larger markdown construct, so
 * a mark without its partner goes too.
 */
const RULES: readonly Rule[] = [
  // Blocks of code are for the eye. An opened block that is not closed here goes to the end; a fence without a language
  // and without a partner may just as well be the closing one, so only the mark goes.
  [/^[ \t]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?\n?[ \t]*\1[^\n]*$/dgm, NEWLINE],
  [/^[ \t]*(?:`{3,}|~{3,})[ \t]*[\p{L}\p{N}][^\n`]*(?:\n[\s\S]*|$)/dgmu, NOTHING],
  [/^[ \t]*(?:`{3,}|~{3,})[ \t]*$/dgm, NOTHING],
  // Links and images: their words stay.
  [/!?\[([^\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)/dg, GROUP],
  [/\[([^\]\n]+)\]\[[^\]\n]*\]/dg, GROUP],
  [/^[ \t]*\[[^\]\n]+\]:[^\n]*/dgm, NOTHING],
  [/<(?:https?|mailto|tel):[^>\s]*>/dgi, NOTHING],
  [
    /(?:\b[a-z][a-z0-9+.-]*:\/\/|\bwww\.)[^\s<>"'`*\])}，。！？、；：）】》」』।؟،]*[^\s<>"'`*\])}，。！？、；：）】》」』।؟،.!?,;:_~]/dgi,
    NOTHING,
  ],
  [/<(?:br|\/?p|\/?div|\/?li)(?: [^<>\n]*)?\/?>/dgi, NEWLINE],
  [/<\/?[a-z][^<>\n]*>|<!--[\s\S]*?-->/dgi, NOTHING],
  // Marks at the beginning of a line: quotes, headings, rules, tables, bullets, boxes.
  [/^[ \t]*(?:>[ \t]?)+/dgm, NOTHING],
  [/^[ \t]*#{1,6}[ \t]+([^\n]*?)(?:[ \t]+#+)?[ \t]*$/dgm, GROUP],
  [/^[ \t]*(?:(?:[-*_=][ \t]*){3,}|\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+)$/dgm, NOTHING],
  [/^[ \t]*[-*+•‣◦▪–—][ \t]+/dgm, NOTHING],
  [/^([ \t]*(?:\d{1,3}[.)][ \t]+)?)\[[ xX]\][ \t]+/dgm, GROUP],
  [/[ \t]*\|[ \t]*/dg, SPACE],
  // Emphasis and inline code. A star between spaces or digits is a product, an underline inside a word joins words.
  [/`+/dg, NOTHING],
  [/~~/dg, NOTHING],
  [/\\([\\`*_{}[\]()#+\-.!|~<>])/dg, GROUP],
  [/(\d\*(?=\d)|\s\*(?=\s))|\*+/dg, GROUP],
  [/(?<=[\p{L}\p{N}])_+(?=[\p{L}\p{N}])/dgu, SPACE],
  [/_+/dg, NOTHING],
  // Pictures. The joiner U+200D goes only between pictures: Indic and Arabic scripts need it.
  [
    /(?:\p{Extended_Pictographic}[\uFE0E\uFE0F\p{Emoji_Modifier}]*(?:\u200D\p{Extended_Pictographic}[\uFE0E\uFE0F\p{Emoji_Modifier}]*)*[\u{E0020}-\u{E007F}]*|[\u{1F1E6}-\u{1F1FF}]+|\p{Emoji_Modifier})/dgu,
    NOTHING,
  ],
  [/[\uFE0E\uFE0F\u20E3\uFEFF\u200B]|(?![\n\t])\p{Cc}/dgu, NOTHING],
  [/\(\s*\)|\[\s*\]/dg, NOTHING],
  // Space: a line's end is a pause, any other run is one space; none before a closing mark that lost its word.
  [/[^\S\n]*\n\s*/dg, NEWLINE],
  [/[^\S\n]+/dg, SPACE],
  [/ +(?=[.,;:!?…](?:\s|$))/dg, NOTHING],
  [/^\s+|\s+$/dg, NOTHING],
];

const SPOKEN = /[\p{L}\p{N}]/u;

/** Text for a voice, with where it came from. */
export interface SpeakableText {
  /** What a voice should say; '' when nothing can be said. */
  text: string;
  /** Index in the raw text of each UTF-16 unit of `text`. */
  origin: readonly number[];
}

/** `speakable` with the raw index of each character, so that a voice's timings can be told in raw positions. */
export function mapSpeakable(raw: string): SpeakableText {
  const mapped = RULES.reduce<MappedText>(
    (text, [pattern, replacement]) => replaceMapped(text, pattern, replacement),
    mappedText(raw),
  );
  return SPOKEN.test(mapped.text) ? mapped : { text: '', origin: [] };
}

/**
 * What a voice should say of a piece of an answer: markdown marks, code blocks, addresses and pictures removed, white
 * space folded, a line's end kept as '\n'. '' when no letter or digit is left.
 */
export const speakable = (raw: string): string => mapSpeakable(raw).text;
