import { unreachable } from '@parley/model';

/** Why a journal does not show that the engine did what it must. */
export type Problem =
  /** `from` and `to` belong to it. */
  | { kind: 'missing'; epoch: number; from: number; to: number }
  | { kind: 'differs'; epoch: number; step: number; recorded: string; replayed: string }
  /** A number that had been there already. */
  | { kind: 'repeated'; epoch: number; step: number }
  /** The owner began with a stored session of which the journal holds nothing. */
  | { kind: 'begins-late'; epoch: number; rev: number }
  /** The owner began with a state that no recorded step of an earlier one led to. */
  | { kind: 'torn'; epoch: number }
  /** `entry` counts from 1 in the order of storing. */
  | { kind: 'unreadable'; entry: number; reason: string };

/** One line, without anything of what was said. */
export function describeProblem(problem: Problem): string {
  switch (problem.kind) {
    case 'missing': {
      const { epoch, from, to } = problem;
      const what = from === to ? `step ${from} is missing` : `steps ${from} to ${to} are missing (${to - from + 1})`;
      return `epoch ${epoch}: ${what}; what follows in this epoch cannot be judged`;
    }
    case 'differs': {
      const { epoch, step, recorded, replayed } = problem;
      return `epoch ${epoch}: step ${step} differs: its effects were ${recorded}, replayed they are ${replayed}`;
    }
    case 'repeated':
      return `epoch ${problem.epoch}: step ${problem.step} was recorded more than once, or late; the first one counts`;
    case 'begins-late':
      return `epoch ${problem.epoch} began with a session that was stored ${problem.rev} times; what was before is not in the journal`;
    case 'torn':
      return `epoch ${problem.epoch} began with a state that no recorded step led to: the last steps before it are missing, or the store changed it`;
    case 'unreadable':
      return `entry ${problem.entry} cannot be read: ${problem.reason}`;
    default:
      return unreachable(problem);
  }
}
