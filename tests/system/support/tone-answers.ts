import type { FakeProviders } from '@parley/fakes';

export interface ToneAnswer {
  /** In the question and in each sentence of the answer. */
  word: string;
  hz: number;
  text: string;
}

/** Speech of 60 ms a character: the first and last would sound for half a minute, the second for four seconds. */
export const RIVER: ToneAnswer = {
  word: 'river',
  hz: 440,
  text: sentences('river', [
    'The _ comes down from the hills, and it is never in a hurry.',
    'In spring the _ brings stones and branches along with it.',
    'Boats used to go up the _ as far as the old mill.',
    'Children still learn to swim where the _ is wide and slow.',
    'Nobody has ever counted the bridges over the _ from end to end.',
    'At night you hear the _ before you can see it.',
    'Where the _ meets the sea the water tastes of salt.',
    'And every drop of the _ was once a cloud above the hills.',
  ]),
};
export const MOUNTAIN: ToneAnswer = {
  word: 'mountain',
  hz: 760,
  text: sentences('mountain', ['The _ is old.', 'Snow stays on top of the _ in every summer.']),
};
export const FOREST: ToneAnswer = {
  word: 'forest',
  hz: 1200,
  text: sentences('forest', [
    'The _ begins behind the last house of the village.',
    'Nobody knows all paths of the _, and some lead nowhere.',
    'Foxes live in the _, and so do owls and a few old stories.',
    'In autumn the _ smells of rain and of mushrooms.',
    'People of the _ never lock their doors.',
    'Far inside the _ there is a lake without a name.',
    'In winter the _ is so quiet that you hear the snow.',
    'Whoever has seen the _ once comes back to it.',
  ]),
};
const ANSWERS = [RIVER, MOUNTAIN, FOREST];

/** What asks for this answer. */
export const questionFor = ({ word }: ToneAnswer): string => `Tell me about the ${word}`;

/** The fakes answer each question with its text, streamed like a quick model's, and speak it in its own tone. */
export function answerInTones(llm: FakeProviders, voice: FakeProviders): void {
  llm.chatRule(({ text }) => ({ kind: 'answer', text: answerIn(text).text, firstTokenDelayMs: 150, tokenDelayMs: 15 }));
  voice.setDefaultSpeech({ kind: 'voice', toneHz: (text) => answerIn(text).hz });
}

function answerIn(text: string): ToneAnswer {
  const found = ANSWERS.find(({ word }) => text.includes(word));
  if (found === undefined) throw new Error(`of no known answer: ${text}`);
  return found;
}

function sentences(word: string, patterns: readonly string[]): string {
  return patterns.map((pattern) => pattern.replace('_', word)).join(' ');
}
