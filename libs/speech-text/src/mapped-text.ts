/** Text together with where each of its UTF-16 units stood in the text it was made from. */
export interface MappedText {
  text: string;
  /** Index in the original of each unit; one entry per unit of `text`. */
  origin: readonly number[];
}

export const mappedText = (text: string): MappedText => ({
  text,
  origin: Array.from({ length: text.length }, (_, index) => index),
});

/** What stands for a match: a literal, or the match's own first group (nothing if it took no part), which keeps its origins. */
export type Replacement = { kind: 'literal'; text: string } | { kind: 'group' };

export const NOTHING: Replacement = { kind: 'literal', text: '' };
export const SPACE: Replacement = { kind: 'literal', text: ' ' };
export const GROUP: Replacement = { kind: 'group' };

/**
 * `String.replaceAll` that keeps the origins. `pattern` needs the flags `g` and `d`; a literal gets the origin of the
 * match's beginning.
 */
export function replaceMapped(source: MappedText, pattern: RegExp, replacement: Replacement): MappedText {
  let text = '';
  const origin: number[] = [];
  let from = 0;
  const keep = (start: number, end: number): void => {
    text += source.text.slice(start, end);
    for (let at = start; at < end; at++) origin.push(source.origin[at] ?? 0);
  };
  for (const match of source.text.matchAll(pattern)) {
    keep(from, match.index);
    from = match.index + match[0].length;
    if (replacement.kind === 'group') {
      const group = match.indices?.[1];
      if (group !== undefined) keep(group[0], group[1]);
      continue;
    }
    text += replacement.text;
    for (let n = 0; n < replacement.text.length; n++) origin.push(source.origin[match.index] ?? 0);
  }
  if (from === 0) return source;
  keep(from, source.text.length);
  return { text, origin };
}
