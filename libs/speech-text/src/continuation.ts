/**
 * What is new in a continued answer. A model that is asked to go on with an answer continues it, or starts over, or repeats
 * its last sentence first; the listener must hear nothing twice and miss nothing. So what it writes is compared word by
 * word with what was spoken: as long as it may still be a repetition that runs up to the end of the spoken text it is held
 * back, and only what follows such a repetition is handed on.
 */

/** Scripts that write no space between words: there, each character counts as a word. */
const WIDE =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}\\p{scx=Tibetan}';
const WORD = new RegExp(`[${WIDE}]\\p{M}*|[^\\s${WIDE}]+`, 'gu');
const IS_WIDE = new RegExp(`^[${WIDE}]`, 'u');
/** Whatever marks stand around it. */
const WIDE_START = new RegExp(`^[^\\p{L}\\p{N}]*[${WIDE}]`, 'u');
const WIDE_END = new RegExp(`[${WIDE}][^\\p{L}\\p{N}]*$`, 'u');
/** What is compared: quotes, punctuation, marks of emphasis and pictures are not. */
const CORE = /[\p{L}\p{N}\p{M}\p{Sm}\p{Sc}]/u;
const NOT_CORE = /[^\p{L}\p{N}\p{M}\p{Sm}\p{Sc}]+/gu;
const AFTER_CORE = /[^\p{L}\p{N}\p{M}\p{Sm}\p{Sc}]*$/u;
const SENTENCE_END = /[.!?…؟۔।॥。！？｡\n]/;

/** Shorter ones happen by chance ("very, very"), except from the beginning of a sentence. */
const MIN_WORDS = 3;
/** About three words of Chinese or Japanese. */
const MIN_WIDE_CHARS = 8;
/** More than this and twice the spoken text is not held back, whatever it is: white space or a word without an end. */
const MAX_EXTRA_CHARS = 256;

interface Word {
  /** Case, punctuation and the like folded; never ''. */
  key: string;
  isWide: boolean;
  /** Index in its text after the last character that is compared. */
  end: number;
  startsSentence: boolean;
}

/** Hands on what is new in an answer that continues `spoken`, which is not inside a word at its end. */
export class ContinuationTrim {
  private readonly said: readonly Word[];
  /** What is held back; undefined once it is known what is new. */
  private held: string | undefined = '';
  private readonly splitter = new WordSplitter();
  private readonly search: OverlapSearch;

  constructor(private readonly spoken: string) {
    this.said = wordsOf(spoken);
    this.search = new OverlapSearch(this.said);
  }

  /** What is new in the next piece and in what was held back; '' while a repetition is possible. */
  push(text: string): string {
    if (this.held === undefined) return text;
    this.held += text;
    for (const word of this.splitter.push(text)) {
      if (!this.search.push(word)) return this.decide(this.search.overlaps());
    }
    return this.held.length > 2 * this.spoken.length + MAX_EXTRA_CHARS ? this.decide([]) : '';
  }

  /** What is left when the model has written all: what was held back too, unless it repeats the last of the spoken text, or breaks off in a repetition. */
  end(): string {
    if (this.held === undefined) return '';
    for (const word of this.splitter.end()) {
      if (!this.search.push(word)) return this.decide(this.search.overlaps());
    }
    if (this.breaksOff()) {
      this.held = undefined;
      return '';
    }
    return this.decide(this.search.overlaps());
  }

  /** All that was written stands in the spoken text: from its beginning, or up to the middle of a sentence. A whole sentence elsewhere may be a refrain. */
  private breaksOff(): boolean {
    const { start, end } = this.search.place;
    if (!isLong(this.said.slice(start, end))) return false;
    return start === 0 || this.said[end]?.startsSentence === false;
  }

  /** The longest acceptable of these numbers of words is what was repeated. */
  private decide(overlaps: Iterable<number>): string {
    const held = this.held ?? '';
    this.held = undefined;
    for (const length of overlaps) {
      if (!this.isRepetition(this.said.length - length, length)) continue;
      const rest = held.slice(this.search.endOf(length));
      const tail = this.spoken.slice(this.said.at(-1)?.end ?? 0);
      return joined(this.spoken, withoutTail(rest, tail));
    }
    return joined(this.spoken, held);
  }

  private isRepetition(from: number, length: number): boolean {
    return this.said[from]?.startsSentence === true || isLong(this.said.slice(from, from + length));
  }
}

function isLong(words: readonly Word[]): boolean {
  const wide = words.filter(({ isWide }) => isWide).length;
  return words.length - wide >= MIN_WORDS || wide >= MIN_WIDE_CHARS;
}

/**
 * Finds the written words in the spoken ones, the leftmost place first: Knuth, Morris and Pratt's search with a pattern that
 * grows. Each step goes on in either text, so all of it is linear.
 */
class OverlapSearch {
  private readonly written: Word[] = [];
  /** For each number of first written words: how many of these are also the last of them (all excluded). */
  private readonly borders: number[] = [0];
  /** The spoken words before this one have been looked at. */
  private at = 0;
  /** The first written words that stand right before it. */
  private matched = 0;

  constructor(private readonly said: readonly Word[]) {}

  /** Whether all that was written may be a repetition, or the beginning of one. */
  push(word: Word): boolean {
    this.written.push(word);
    this.addBorder();
    while (this.matched < this.written.length && this.at < this.said.length) this.compare();
    return this.matched === this.written.length;
  }

  /** Where all that was written stands in the spoken words, after a `push` that was true. */
  get place(): { start: number; end: number } {
    return { start: this.at - this.matched, end: this.at };
  }

  /** Numbers of first written words that are also the last spoken ones, from the longest on. */
  *overlaps(): Generator<number, void> {
    while (this.at < this.said.length) this.compare();
    for (let length = this.matched; length > 0; length = this.borders[length] ?? 0) yield length;
  }

  /** Index in the written text after the first `length` words. */
  endOf(length: number): number {
    return this.written[length - 1]?.end ?? 0;
  }

  private compare(): void {
    if (this.said[this.at]?.key === this.written[this.matched]?.key) {
      this.matched++;
      this.at++;
    } else if (this.matched > 0) {
      this.matched = this.borders[this.matched] ?? 0;
    } else {
      this.at++;
    }
  }

  private addBorder(): void {
    const last = this.written.length - 1;
    if (last === 0) {
      this.borders.push(0);
      return;
    }
    const key = this.written[last]?.key;
    let border = this.borders[last] ?? 0;
    while (border > 0 && this.written[border]?.key !== key) border = this.borders[border] ?? 0;
    this.borders.push(this.written[border]?.key === key ? border + 1 : 0);
  }
}

/** Splits a growing text into words; one at the very end may still grow. */
class WordSplitter {
  /** What may be the beginning of a word. */
  private open = '';
  private openAt = 0;
  private startsSentence = true;
  private followsSpace = false;

  push(text: string): Word[] {
    this.open += text;
    return this.take((end) => end < this.open.length);
  }

  end(): Word[] {
    return this.take(() => true);
  }

  private take(isWhole: (end: number) => boolean): Word[] {
    const words: Word[] = [];
    let from = 0;
    for (let match = nextWord(this.open, 0); match !== null; match = nextWord(this.open, from)) {
      const { 0: raw, index } = match;
      if (!isWhole(index + raw.length)) break;
      this.note(this.open.slice(from, index));
      from = index + raw.length;
      const word = this.wordOf(raw, this.openAt + index);
      if (word !== undefined) words.push(word);
      this.note(raw.slice(raw.search(AFTER_CORE)));
    }
    this.open = this.open.slice(from);
    this.openAt += from;
    return words;
  }

  private wordOf(raw: string, at: number): Word | undefined {
    const key = raw.normalize('NFKC').toLowerCase().replace(NOT_CORE, '');
    if (key === '') return undefined;
    this.note(raw.slice(0, raw.search(CORE)));
    const isWide = IS_WIDE.test(raw);
    // Where words have no space between them, a space is between sentences: Thai has no other sign.
    const startsSentence = this.startsSentence || (isWide && this.followsSpace);
    this.startsSentence = false;
    this.followsSpace = false;
    return { key, isWide, end: at + raw.search(AFTER_CORE), startsSentence };
  }

  private note(between: string): void {
    this.startsSentence ||= SENTENCE_END.test(between);
    this.followsSpace ||= /\s/.test(between);
  }
}

/** Not `matchAll`, which makes a pattern of its own for each piece of text. */
function nextWord(text: string, from: number): RegExpExecArray | null {
  WORD.lastIndex = from;
  return WORD.exec(text);
}

function wordsOf(text: string): Word[] {
  const splitter = new WordSplitter();
  return [...splitter.push(text), ...splitter.end()];
}

/**
 * What follows a repetition without the marks that were spoken with it: of `tail`, what stands after the last spoken word.
 * Where the model ends the sentence with other marks this time, these go as well.
 */
function withoutTail(rest: string, tail: string): string {
  let from = 0;
  for (const mark of tail.replace(/\s+/g, '')) {
    const at = rest.length - rest.slice(from).trimStart().length;
    if (!rest.startsWith(mark, at)) return rest.slice(from).replace(/^[\p{Pe}\p{Pf}\p{Po}]+/u, '');
    from = at + mark.length;
  }
  return rest.slice(from);
}

const WORD_OR_SENTENCE_END = /[\p{L}\p{N}\p{M}.!?…,;:)\]}”’»"'؟۔،؛।॥]$/u;
const WORD_START = /^[\p{L}\p{N}\p{M}\p{Ps}\p{Pi}]/u;

/** `text` so that it can follow `spoken`: words do not run together, and there is no white space twice. */
function joined(spoken: string, text: string): string {
  if (spoken === '' || /\s$/.test(spoken)) return text.trimStart();
  const isApart = !WORD_OR_SENTENCE_END.test(spoken) || !WORD_START.test(text);
  const isWide = WIDE_END.test(spoken) || WIDE_START.test(text);
  return isApart || isWide ? text : ` ${text}`;
}
