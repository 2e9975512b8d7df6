/** What a turn is in the middle of. `first-token`: the model has begun, and nothing is heard yet. */
export const MOMENTS = ['before-first-token', 'first-token', 'generating', 'playing'] as const;
export type Moment = (typeof MOMENTS)[number];

/** Of these three the issue wants a fifth each; the other one is a second long. */
export const WEIGHED_MOMENTS = ['before-first-token', 'generating', 'playing'] as const satisfies readonly Moment[];

/** Of these moments the one that was met least. */
export function rarestOf(met: readonly Moment[]): Moment {
  const times = (moment: Moment): number => met.filter((each) => each === moment).length;
  return WEIGHED_MOMENTS.reduce<Moment>(
    (rarest, moment) => (times(moment) < times(rarest) ? moment : rarest),
    WEIGHED_MOMENTS[0],
  );
}

/** The client has heard something of the answer, and is to hear more. */
export const isAudible = (moment: Moment): boolean => moment === 'generating' || moment === 'playing';

/** What provider and client know of a turn that is not over. */
export interface TurnSight {
  /** When the model's first token left or was to leave, of each time it was asked; ms on `nowMs`'s clock. */
  firstTokensMs: readonly number[];
  /** The model has written everything. */
  generated: boolean;
  /** The client has received a sample. */
  audible: boolean;
}

export function momentOf({ firstTokensMs, generated, audible }: TurnSight, nowMs: number): Moment {
  if (!firstTokensMs.some((atMs) => atMs <= nowMs)) return 'before-first-token';
  if (!audible) return 'first-token';
  return generated ? 'playing' : 'generating';
}
