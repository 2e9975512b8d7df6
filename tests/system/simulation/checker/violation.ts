/** What must hold, by promise. Each is judged from outside; `docs/simulation.md` says how. */
export const INVARIANTS = [
  'G1 stale-output',
  'G1 fence-at-once',
  'G1 commit-after-interrupt',
  'G2 stuck',
  'G2 unanswered',
  'G2 turn-ends',
  'G2 next-turn',
  'G3 turn-twice',
  'G3 call-twice',
  'G4 heard-position',
  'G4 heard-text',
  'G4 context',
  'G4 tool-result',
  'G5 speaking-until-drained',
  'G5 silent-at-once',
  'G6 dropped',
  'G6 survives',
  'G6 transcript',
  'G6 whole',
  'G6 said-twice',
  'G6 samples',
  'G6 heard-whole',
  'order events',
  'order terminal-once',
  'order samples',
  'order event-ids',
  'store written-first',
  'store fenced-writer',
  'store readable',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly message: string;
}

export type Fail = (invariant: Invariant, message: string) => void;
