/** Words alone: transcripts differ in case, punctuation and space from one moment to the next. */
export const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]/gu, '')
    .split(/\s+/)
    .filter((word) => word !== '');

/** Words that only show that the user listens, and nothing else. No words are none. */
export function isBackchannel(text: string, backchannels: readonly string[]): boolean {
  const words = wordsOf(text);
  const known = new Set(backchannels.flatMap(wordsOf));
  return words.length > 0 && words.every((word) => known.has(word));
}
