import type { Draft } from './draft';

/** Responses out of band: each has a lane of its own, from 1 on. */

/** Of one session at a time: each is a request to the model, and a voice worker's. */
export const MAX_ASIDES = 8;

/**
 * A lane for another one; undefined: there are enough. What finished last on each lane may be owed to a client that comes
 * back, so those are taken last, and the one longest ago is forgotten then.
 */
export function freeLane(draft: Draft): number | undefined {
  const { asides, finishedAsides } = draft.state;
  const free = Array.from({ length: MAX_ASIDES }, (_, index) => index + 1).filter(
    (lane) => !asides.some((each) => each.lane === lane),
  );
  const unused = free.find((lane) => !finishedAsides.some((each) => each.lane === lane));
  if (unused !== undefined) return unused;
  const oldest = finishedAsides.find(({ lane }) => free.includes(lane));
  if (!oldest) return undefined;
  draft.set({ finishedAsides: finishedAsides.filter((each) => each !== oldest) });
  return oldest.lane;
}
