import type { ChatMessage } from './observation';

/** Whatever is said in a simulation begins with a name, so that it is recognised wherever it turns up. */

/** The name in "Question c0.1t3 …". */
export const askerOf = (text: string): string => /^question (\S+)/i.exec(text)?.[1] ?? '';

/** The name in "Said_c0.1t3 …": one word, so that it is heard whole or not at all. */
export const dictatedOf = (text: string): string | undefined => /^Said_(\S+)/.exec(text)?.[1];

/** The model's call whose answer begins `text`; undefined for anything else. */
export const callOf = (text: string): number | undefined => {
  const found = /^Answer(\d+)\b/.exec(text);
  return found ? Number(found[1]) : undefined;
};

export const newestQuestion = (messages: readonly ChatMessage[]): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';
