/** Of the time that a planned stop has, what running turns get to end; the rest is for those that go on elsewhere. */
const TURNS_SHARE = 0.75;

/** For a stop that must be over within `deadlineMs`: how long turns may run on, in ms. */
export const turnsMs = (deadlineMs: number): number => deadlineMs * TURNS_SHARE;
