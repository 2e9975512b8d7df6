import type { Dice } from './streams';

const WORDS = (
  'the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but not ' +
  'what all were we when your can said there use an each which she do how their if will up other about out many then ' +
  'them these so some her would make like him into time has look two more write go see number no way could people my'
).split(' ');

/** `words` words, the first with a capital, and a full stop. */
export function sentence(dice: Dice, words: number): string {
  const chosen = Array.from({ length: words }, () => dice.pick(WORDS));
  const text = chosen.join(' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Sentences of an answer, at least and at most. */
export interface AnswerLength {
  readonly from: number;
  readonly to: number;
}

/** What the model says to call number `call`: its first word names the call, so that it is known wherever it turns up. */
export function answerTo(call: number, dice: Dice, { from, to }: AnswerLength): string {
  const sentences = Array.from({ length: dice.integer(from, to) }, () => sentence(dice, dice.integer(2, 8)));
  return [`Answer${call}`, ...sentences].join(' ');
}

/** How a model goes on with an answer of which it is shown the beginning. */
export const CONTINUATION_HABITS = ['continues', 'starts-over', 'repeats-last-sentence'] as const;
export type ContinuationHabit = (typeof CONTINUATION_HABITS)[number];

/** What a model of this habit writes behind `given`, the beginning of `answer`. */
export function restOf(answer: string, given: string, habit: ContinuationHabit): string {
  switch (habit) {
    case 'continues':
      return answer.slice(given.length);
    case 'starts-over':
      return answer;
    case 'repeats-last-sentence':
      return answer.slice(/^.*\. (?=\S)/.exec(given)?.[0].length ?? 0);
  }
}

/** The call whose answer begins `text`; undefined for anything else. */
export function callOf(text: string): number | undefined {
  const found = /^Answer(\d+)\b/.exec(text);
  return found ? Number(found[1]) : undefined;
}
