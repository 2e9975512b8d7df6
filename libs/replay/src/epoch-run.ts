import {
  effectsHash,
  STEP_THREW,
  type JournalEntry,
  type JournalOpening,
  type JournalStep,
  type TurnPolicy,
} from '@parley/model';
import { step, type Effect, type EngineInput, type EngineState } from '@parley/turn-engine';
import type { Problem } from './problems';

/** An entry with the time of its storing. */
export interface StoredEntry {
  storedAtMs: number;
  entry: JournalEntry;
}

/** What an owner began with. `lostSteps`: those that the one before had taken since, which nobody but it had heard of. */
export type Origin =
  | { kind: 'new' }
  | { kind: 'taken-over'; epoch: number; step: number; lostSteps: number }
  /** Not to be told, for want of entries. */
  | { kind: 'unknown' };

export interface ReplayedStep {
  step: number;
  storedAtMs: number;
  nowMs: number;
  input: { kind: string };
  /** `unjudged`: a step before it is missing, so the engine's state is not known. */
  verdict: 'fits' | 'differs' | 'unjudged';
  /** What the engine orders now; nothing where it is unjudged or threw. */
  effects: readonly Effect[];
}

export interface ReplayedEpoch {
  epoch: number;
  /** The process; undefined where the entry that says so is missing. */
  owner: string | undefined;
  firstStoredAtMs: number;
  lastStoredAtMs: number;
  origin: Origin;
  steps: readonly ReplayedStep[];
}

export interface EpochRun {
  replayed: ReplayedEpoch;
  problems: Problem[];
  /** The engine's state after each step, from step 0, as far as no step is missing. */
  states: EngineState[];
  /** Nothing is missing between the opening and the last entry, and nothing differs. */
  isSound: boolean;
}

/** The engine in the middle of an epoch. */
interface Machine {
  state: EngineState;
  policy: TurnPolicy;
}

/** `own`: all entries of one epoch, at least one. `earlier`: the epochs before it. */
export function replayEpoch(own: readonly StoredEntry[], earlier: readonly EpochRun[]): EpochRun {
  const problems: Problem[] = [];
  const steps: ReplayedStep[] = [];
  const states: EngineState[] = [];
  let opening: JournalOpening | undefined;
  let machine: Machine | undefined;
  let next = 0;
  for (const { storedAtMs, entry } of own) {
    const { epoch } = entry;
    if (entry.step < next) {
      problems.push({ kind: 'repeated', epoch, step: entry.step });
      continue;
    }
    if (entry.step > next) {
      problems.push({ kind: 'missing', epoch, from: next, to: entry.step - 1 });
      machine = undefined;
    }
    next = entry.step + 1;
    if (entry.kind === 'opened') {
      opening = entry;
      machine = machineOf(entry);
      states.push(machine.state);
      continue;
    }
    const { verdict, effects, hash } = machine ? take(machine, entry) : UNJUDGED;
    if (machine) states.push(machine.state);
    if (verdict === 'differs') {
      problems.push({ kind: 'differs', epoch, step: entry.step, recorded: entry.effects, replayed: hash });
    }
    steps.push({ step: entry.step, storedAtMs, nowMs: entry.nowMs, input: entry.input, verdict, effects });
  }
  const origin = opening ? originOf(opening, earlier) : ({ kind: 'unknown' } as const);
  if (opening) problems.unshift(...problemsOf(opening, origin, earlier));
  const times = own.map(({ storedAtMs }) => storedAtMs);
  const replayed = {
    epoch: own[0]?.entry.epoch ?? 0,
    owner: opening?.owner,
    firstStoredAtMs: times[0] ?? 0,
    lastStoredAtMs: times.at(-1) ?? 0,
    origin,
    steps,
  };
  return {
    replayed,
    problems,
    states,
    isSound: machine !== undefined && steps.every(({ verdict }) => verdict === 'fits'),
  };
}

interface Taken {
  verdict: ReplayedStep['verdict'];
  effects: readonly Effect[];
  hash: string;
}

const UNJUDGED: Taken = { verdict: 'unjudged', effects: [], hash: '' };

// What the engine's owner wrote is what its engine takes; one that takes something else shows by what it does.
const machineOf = ({ engine }: JournalOpening): Machine => ({
  state: engine.state as EngineState,
  policy: engine.policy as TurnPolicy,
});

/** A step that throws leaves the state as it was, as it did in the owner. */
function take(machine: Machine, { input, nowMs, effects: recorded }: JournalStep): Taken {
  let effects: readonly Effect[] = [];
  let hash = STEP_THREW;
  try {
    const result = step(machine.state, input as EngineInput, nowMs, machine.policy);
    hash = effectsHash(result.effects);
    effects = result.effects;
    machine.state = result.state;
  } catch {
    // The owner's may have thrown as well: then the two agree.
  }
  return { verdict: hash === recorded ? 'fits' : 'differs', effects, hash };
}

/** Which step of an earlier epoch led to the state that this one began with; the latest, if there are several. */
function originOf({ rev, engine }: JournalOpening, earlier: readonly EpochRun[]): Origin {
  if (rev === 0) return { kind: 'new' };
  const loaded = canonical(engine.state);
  for (const { replayed, states } of [...earlier].reverse()) {
    const at = states.findLastIndex((state) => canonical(state) === loaded);
    if (at === -1) continue;
    const last = replayed.steps.at(-1)?.step ?? 0;
    return { kind: 'taken-over', epoch: replayed.epoch, step: at, lostSteps: last - at };
  }
  return { kind: 'unknown' };
}

function problemsOf({ epoch, rev }: JournalOpening, origin: Origin, earlier: readonly EpochRun[]): Problem[] {
  if (origin.kind !== 'unknown') return [];
  if (earlier.length === 0) return [{ kind: 'begins-late', epoch, rev }];
  // Otherwise it may be the state of a step that is missing or differs, which is said already.
  return earlier.every(({ isSound }) => isSound) ? [{ kind: 'torn', epoch }] : [];
}

/** The same for states that differ in the order of their fields alone, as one that went through the store's parser does. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
