import type { JournalRecord } from '@parley/ports';
import { busSchemas, decodeEnvelope } from '@parley/schemas';
import { replayEpoch, type EpochRun, type ReplayedEpoch, type StoredEntry } from './epoch-run';
import type { Problem } from './problems';

export interface Replay {
  epochs: readonly ReplayedEpoch[];
  /** In the order of the epochs. None: the engine does again exactly what was done. */
  problems: readonly Problem[];
  /** Responses that were begun, as far as the steps could be judged. */
  turns: number;
}

/** Has the engine take every recorded step again and compares. An entry is taken as it is: what an input is, the engine says. */
export function replay(records: readonly JournalRecord[]): Replay {
  const problems: Problem[] = [];
  const entries: StoredEntry[] = [];
  for (const [index, { storedAtMs, payload }] of records.entries()) {
    const decoded = decodeEnvelope(busSchemas.journal, payload);
    if (decoded.ok) entries.push({ storedAtMs, entry: decoded.body });
    else problems.push({ kind: 'unreadable', entry: index + 1, reason: decoded.reason });
  }
  const runs: EpochRun[] = [];
  for (const own of byEpoch(entries)) runs.push(replayEpoch(own, runs));
  return {
    epochs: runs.map(({ replayed }) => replayed),
    problems: [...problems, ...runs.flatMap((run) => run.problems)],
    turns: runs.reduce((sum, { replayed }) => sum + turnsOf(replayed), 0),
  };
}

/** An owner that was only slow may have gone on for a moment beside its successor, so they can be mixed. */
function byEpoch(entries: readonly StoredEntry[]): StoredEntry[][] {
  const epochs = new Map<number, StoredEntry[]>();
  for (const stored of entries) {
    const own = epochs.get(stored.entry.epoch);
    if (own === undefined) epochs.set(stored.entry.epoch, [stored]);
    else own.push(stored);
  }
  return [...epochs].sort(([a], [b]) => a - b).map(([, own]) => own);
}

const turnsOf = ({ steps }: ReplayedEpoch): number =>
  steps
    .flatMap(({ effects }) => effects)
    .filter((effect) => effect.kind === 'emit' && effect.output.kind === 'announce').length;
