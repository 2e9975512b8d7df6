export type { Origin, ReplayedEpoch, ReplayedStep } from './epoch-run';
export { describeProblem, type Problem } from './problems';
export { replay, type Replay } from './replay';
