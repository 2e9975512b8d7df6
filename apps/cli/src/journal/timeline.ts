import { describeProblem, type Origin, type Replay, type ReplayedEpoch, type ReplayedStep } from '@parley/replay';
import { moment, plural } from './format';
import { describeEffects, describeInput } from './wording';

/** A replay for people: what came in when, what the engine ordered, and where the two do not go together. */
export function timelineOf(sessionId: string, { epochs, problems, turns }: Replay): string[] {
  const steps = epochs.reduce((sum, epoch) => sum + epoch.steps.length, 0);
  const startMs = epochs[0]?.firstStoredAtMs ?? 0;
  const counts = [plural(epochs.length, 'epoch'), plural(steps, 'step'), plural(turns, 'turn')].join(', ');
  const judged = epochs.flatMap((epoch) => epoch.steps).filter(({ verdict }) => verdict !== 'unjudged').length;
  const verdict =
    problems.length === 0
      ? `fits: ${plural(steps, 'step')} replayed, no difference, none missing`
      : `does not fit: ${plural(problems.length, 'problem')}; ${judged} of ${plural(steps, 'step')} could be judged`;
  return [
    `session ${sessionId}: ${counts}`,
    ...epochs.flatMap((epoch) => ['', ...linesOf(epoch, startMs)]),
    '',
    ...problems.map((problem) => `! ${describeProblem(problem)}`),
    verdict,
  ];
}

function linesOf(epoch: ReplayedEpoch, startMs: number): string[] {
  const owner = epoch.owner ?? 'an unknown owner';
  const began = `epoch ${epoch.epoch}, ${owner}, ${moment(epoch.firstStoredAtMs)} UTC: ${describeOrigin(epoch.origin)}`;
  const lines = [began];
  let next = 1;
  for (const group of groupsOf(epoch.steps)) {
    if (group.first.step > next) lines.push(`! ${' '.repeat(11)} ${range(next, group.first.step - 1)}  MISSING`);
    lines.push(lineOf(group, startMs));
    next = group.last.step + 1;
  }
  return lines;
}

interface Group {
  first: ReplayedStep;
  last: ReplayedStep;
  count: number;
}

/** Steps of one kind behind one another of which nothing came are one line: the words of an answer, reports. */
function groupsOf(steps: readonly ReplayedStep[]): Group[] {
  const groups: Group[] = [];
  for (const step of steps) {
    const group = groups.at(-1);
    if (group && belongs(group.last, step)) Object.assign(group, { last: step, count: group.count + 1 });
    else groups.push({ first: step, last: step, count: 1 });
  }
  return groups;
}

const belongs = (before: ReplayedStep, step: ReplayedStep): boolean =>
  step.input.kind === before.input.kind &&
  step.input.kind !== 'client' &&
  step.verdict === before.verdict &&
  step.verdict !== 'differs' &&
  step.step === before.step + 1 &&
  step.effects.length === 0 &&
  before.effects.length === 0;

function lineOf({ first, last, count }: Group, startMs: number): string {
  const mark = first.verdict === 'fits' ? ' ' : first.verdict === 'differs' ? '!' : '?';
  const at = `+${((first.storedAtMs - startMs) / 1000).toFixed(3)} s`.padStart(11);
  const what = count === 1 ? describeInput(first.input) : `${first.input.kind} ×${count}`;
  const ordered = first.effects.length === 0 ? '' : ` → ${describeEffects(first.effects)}`;
  return `${mark} ${at} ${range(first.step, last.step)}  ${what}${ordered}${first.verdict === 'differs' ? '  DIFFERS' : ''}`;
}

const range = (first: number, last: number): string => (first === last ? `${first}` : `${first}–${last}`).padStart(9);

function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'new':
      return 'a new session';
    case 'taken-over': {
      const { epoch, step, lostSteps } = origin;
      const lost = lostSteps === 0 ? '' : `; ${plural(lostSteps, 'later step')} had not been stored`;
      return `taken over after step ${step} of epoch ${epoch}${lost}`;
    }
    case 'unknown':
      return 'what it began with is not known';
  }
}
