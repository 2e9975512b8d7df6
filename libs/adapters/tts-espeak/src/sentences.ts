/** The engine is synchronous and answers at about 6 characters a ms: this bounds what one sentence blocks and buffers. */
const MAX_SENTENCE_CHARS = 400;

export interface Sentence {
  text: string;
  /** Index of its first UTF-16 unit in the whole text. */
  start: number;
}

const sentenceSegmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' });
const wordSegmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** Pieces with something to say, in order: sentences, and parts of those that are too long. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  for (const { segment, index } of sentenceSegmenter.segment(text)) {
    for (const part of partsOf(segment)) {
      if (/[\p{L}\p{N}]/u.test(part.text)) sentences.push({ text: part.text, start: index + part.start });
    }
  }
  return sentences;
}

function partsOf(text: string): Sentence[] {
  if (text.length <= MAX_SENTENCE_CHARS) return [{ text, start: 0 }];
  const parts: Sentence[] = [];
  let start = 0;
  for (const { segment, index } of wordSegmenter.segment(text)) {
    if (index + segment.length - start <= MAX_SENTENCE_CHARS || index === start) continue;
    parts.push({ text: text.slice(start, index), start });
    start = index;
  }
  parts.push({ text: text.slice(start), start });
  return parts;
}

export interface EscapedSentence {
  ssml: string;
  /** For each code point of `ssml`, the index of the UTF-16 unit of the sentence it stands for. */
  origin: number[];
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['&', '&amp;'],
  // Two of them begin a phoneme input.
  ['[', '('],
  [']', ')'],
]);

/** The engine reads its input as SSML and would swallow whatever looks like a tag. */
export function escapeSentence(text: string): EscapedSentence {
  let ssml = '';
  const origin: number[] = [];
  let index = 0;
  for (const char of text) {
    const written = ENTITIES.get(char) ?? char;
    ssml += written;
    for (const _ of written) origin.push(index);
    index += char.length;
  }
  return { ssml, origin };
}
