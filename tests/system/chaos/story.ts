/**
 * What clients ask and what the model answers: each sentence names its talk and turn, so that it occurs once in a whole run
 * and whatever quotes it tells where it belongs.
 */

export interface Place {
  /** Number of the conversation, over all gateways. */
  talk: number;
  turn: number;
}

const LINES = [
  (tag: string) => `Story ${tag} begins in a harbour.`,
  (tag: string) => `In story ${tag} a grey boat comes home with the tide.`,
  (tag: string) => `Its captain in story ${tag} has lost her only map.`,
  (tag: string) => `A boy in story ${tag} draws her another one in the sand.`,
  (tag: string) => `The sea takes the map of story ${tag} before the evening.`,
  (tag: string) => `So story ${tag} ends as it began, in a small harbour.`,
];

const PLACE = /\bstory (\d+)-(\d+)\b/i;

const tagOf = ({ talk, turn }: Place): string => `${talk}-${turn}`;

export const turnIdOf = (place: Place): string => `turn-${tagOf(place)}`;

export const questionOf = (place: Place): string => `Please tell me story ${tagOf(place)}`;

/** The last so many sentences, of 28 characters and more: each becomes a segment of its own. */
export const answerOf = (place: Place, sentences: number): string =>
  LINES.slice(-sentences)
    .map((line) => line(tagOf(place)))
    .join(' ');

/** The talk and turn that a text belongs to. */
export function placeOf(text: string): Place | undefined {
  const match = PLACE.exec(text);
  return match ? { talk: Number(match[1]), turn: Number(match[2]) } : undefined;
}
