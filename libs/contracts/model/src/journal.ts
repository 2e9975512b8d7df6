import type { Incarnation } from './ids';

/**
 * What an owner tells the journal (PROTOCOL.md, "The journal"): how it began, then every step of its engine. Inputs, state
 * and policy are the engine's own, as JSON: whoever replays them has the engine say what they are.
 */
export type JournalEntry = JournalOpening | JournalStep;

export interface JournalOpening {
  kind: 'opened';
  epoch: number;
  /** Its place among the entries of this epoch: the first. */
  step: 0;
  /** The owner's clock, as for a step. */
  nowMs: number;
  owner: Incarnation;
  /** Of the stored session that the owner began with; 0: a new one. */
  rev: number;
  /** What its first step began with. */
  engine: { state: object; policy: object };
}

export interface JournalStep {
  kind: 'stepped';
  epoch: number;
  /** From 1, without a gap. */
  step: number;
  /** As the engine got it: a monotonic clock of this owner. */
  nowMs: number;
  input: { kind: string };
  /** `effectsHash` of what the step ordered, or `STEP_THREW`. */
  effects: string;
}

/** In place of a hash: the step ended with an exception. */
export const STEP_THREW = 'threw';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a (32 bit) of their JSON, by UTF-16 units: it need only show a difference, and runs at every step of every session. */
export function effectsHash(effects: readonly object[]): string {
  const text = JSON.stringify(effects);
  let hash = FNV_OFFSET;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
