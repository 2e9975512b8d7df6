import { fieldsOf } from '../../support/fields';
import { runSeed } from '../run-seed';
import { INSTRUCTIONS } from '../world/world';
import { Checker } from './checker';
import type { Observation, ObservationOf } from './observation';
import { INVARIANTS, type Invariant } from './violation';

/** Good traces; a case takes whichever has what it needs. */
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);
const TIMEOUT_MS = 120_000;

type Trace = readonly Observation[];
/** Traces with one event removed, doubled, moved or told otherwise. */
type Spoil = (trace: Trace) => Generator<Observation[]>;

const isReceived = (seen: Observation | undefined, type: string): seen is ObservationOf<'received'> =>
  seen?.kind === 'received' && seen.event.type === type;
const isSent = (seen: Observation | undefined, type: string): seen is ObservationOf<'sent'> =>
  seen?.kind === 'sent' && seen.event.type === type;
const without = (trace: Trace, index: number): Observation[] => trace.filter((_, each) => each !== index);
/** `seen` once more, behind `index` and at its time. */
const inserted = (trace: Trace, index: number, seen: Observation): Observation[] => {
  const atMs = trace[index]?.atMs ?? 0;
  return [...trace.slice(0, index + 1), { ...seen, atMs }, ...trace.slice(index + 1)];
};
const responseOf = (seen: Observation): unknown =>
  seen.kind === 'audio'
    ? seen.responseId
    : seen.kind === 'received'
      ? (seen.event['response_id'] ?? fieldsOf(seen.event['response'])['id'])
      : undefined;
const connectionOf = (seen: Observation | undefined): string | undefined =>
  seen !== undefined && 'connection' in seen ? seen.connection : undefined;

/** Removes each event that is one of these. */
const removing = (isIt: (seen: Observation, index: number, trace: Trace) => boolean): Spoil =>
  function* (trace) {
    for (const [index, seen] of trace.entries()) if (isIt(seen, index, trace)) yield without(trace, index);
  };
/** Tells each event that is one of these twice. */
const doubling = (isIt: (seen: Observation) => boolean): Spoil =>
  function* (trace) {
    for (const [index, seen] of trace.entries()) if (isIt(seen)) yield inserted(trace, index, seen);
  };
/** Tells each event that is one of these otherwise. */
const changing = (change: (seen: Observation) => Observation | undefined): Spoil =>
  function* (trace) {
    for (const [index, seen] of trace.entries()) {
      const changed = change(seen);
      if (changed) yield without(inserted(trace, index, changed), index);
    }
  };
/** Moves each event that is one of these behind the next one (of the same connection) that is one of those. */
const delaying = (
  isIt: (seen: Observation) => boolean,
  isThere: (seen: Observation, moved: Observation) => boolean,
): Spoil =>
  function* (trace) {
    for (const [index, seen] of trace.entries()) {
      if (!isIt(seen)) continue;
      const there = trace.findIndex((each, at) => at > index && isThere(each, seen));
      if (there > 0) yield without(inserted(trace, there, seen), index);
    }
  };
const ofSame = (each: Observation, moved: Observation): boolean => connectionOf(each) === connectionOf(moved);

const CASES: Record<Invariant, Spoil> = {
  'G1 stale-output': delaying(
    (seen) => seen.kind === 'audio',
    (each, moved) => isReceived(each, 'parley.response.interrupted') && responseOf(each) === responseOf(moved),
  ),
  'G1 fence-at-once': delaying(
    (seen) => seen.kind === 'audio',
    (each, moved) => isSent(each, 'parley.interrupt') && ofSame(each, moved),
  ),
  'G1 commit-after-interrupt': function* (trace) {
    const interrupt = trace.find((seen) => isSent(seen, 'parley.interrupt'));
    for (const [index, seen] of trace.entries()) {
      const next = trace.findIndex(
        (each, at) => at > index && isSent(each, 'parley.transcript.final') && ofSame(each, seen),
      );
      if (!interrupt || !isSent(seen, 'parley.transcript.speculative') || next < 0) continue;
      yield inserted(trace, next - 1, { ...interrupt, connection: seen.connection });
    }
  },
  'G2 stuck': removing((seen) => isReceived(seen, 'parley.state') && seen.event['state'] === 'listening'),
  'G2 unanswered': removing((seen) => isReceived(seen, 'parley.policy.updated')),
  'G2 turn-ends': removing((seen) => isReceived(seen, 'response.done')),
  'G2 next-turn': removing((seen) => isReceived(seen, 'response.created')),
  'G3 turn-twice': doubling((seen) => isReceived(seen, 'parley.turn.accepted')),
  'G3 call-twice': doubling((seen) => isReceived(seen, 'response.function_call_arguments.done')),
  'G4 heard-position': removing(
    (seen, index, trace) => isSent(seen, 'parley.playback') && isSent(trace[index + 1], 'parley.interrupt'),
  ),
  'G4 heard-text': removing((seen) => isReceived(seen, 'response.output_audio_transcript.delta')),
  'G4 context': removing((seen) => isSent(seen, 'parley.transcript.final')),
  'G4 tool-result': removing(
    (seen) =>
      isSent(seen, 'conversation.item.create') && fieldsOf(seen.event['item'])['type'] === 'function_call_output',
  ),
  'G5 speaking-until-drained': function* (trace) {
    for (const [index, seen] of trace.entries()) {
      if (!isReceived(seen, 'parley.state') || seen.event['state'] !== 'listening') continue;
      const done = trace.findLastIndex(
        (each, at) => at < index && isReceived(each, 'response.done') && ofSame(each, seen),
      );
      if (done > 0) yield inserted(without(trace, index), done, seen);
    }
  },
  'G5 silent-at-once': removing(
    (seen, index, trace) =>
      isReceived(seen, 'parley.state') && isReceived(trace[index - 1], 'parley.response.interrupted'),
  ),
  'G6 dropped': function* (trace) {
    const index = trace.findLastIndex((seen) => seen.kind === 'received');
    const connection = connectionOf(trace[index]) ?? '';
    yield inserted(trace, index, { kind: 'closed', connection, code: 1011, by: 'server', atMs: 0 });
  },
  'G6 survives': changing((seen) =>
    isReceived(seen, 'response.done')
      ? { ...seen, event: { ...seen.event, response: { ...fieldsOf(seen.event['response']), status: 'failed' } } }
      : undefined,
  ),
  'G6 transcript': removing((seen) => isReceived(seen, 'response.output_audio_transcript.delta')),
  'G6 whole': removing((seen) => isReceived(seen, 'response.output_audio_transcript.delta')),
  'G6 said-twice': doubling((seen) => isReceived(seen, 'response.output_audio_transcript.delta')),
  // Samples that were heard before, under the number of the next ones.
  'G6 samples': changing((seen) =>
    seen.kind === 'audio' && seen.sound !== null && seen.sound.sampleIndex > 0
      ? { ...seen, sound: { ...seen.sound, sampleIndex: seen.sound.sampleIndex - 1 } }
      : undefined,
  ),
  'G6 heard-whole': removing((seen) => seen.kind === 'audio' && (seen.last || seen.segment === null)),
  'order events': removing((seen) => isReceived(seen, 'response.content_part.done')),
  'order terminal-once': doubling((seen) => isReceived(seen, 'response.done')),
  'order samples': removing((seen) => seen.kind === 'audio' && seen.segment !== null && !seen.last),
  'order event-ids': doubling((seen) => isReceived(seen, 'parley.pong') || isReceived(seen, 'session.updated')),
  'store written-first': removing((seen) => seen.kind === 'stored'),
  'store fenced-writer': doubling((seen) => seen.kind === 'stored'),
  'store readable': function* (trace) {
    const index = trace.findIndex((seen) => seen.kind === 'stored');
    const stored = trace[index];
    if (stored?.kind !== 'stored') return;
    yield without(inserted(trace, index, { ...stored, state: stored.state.subarray(1) }), index);
  },
};

function judge(trace: Trace): Set<Invariant> {
  const checker = new Checker(INSTRUCTIONS);
  for (const seen of trace) checker.observe(seen);
  return new Set(checker.violations.map(({ invariant }) => invariant));
}

describe('of a good trace', () => {
  const traces: Observation[][] = [];

  beforeAll(async () => {
    for (const seed of SEEDS) {
      const trace: Observation[] = [];
      const { violations } = await runSeed(seed, { onObservation: (seen) => trace.push(seen) });
      expect(violations).toEqual([]);
      traces.push(trace.slice(0, trace.findIndex(({ kind }) => kind === 'settled') + 1));
    }
  }, TIMEOUT_MS);

  it('nothing is refused', () => {
    for (const trace of traces) expect([...judge(trace)]).toEqual([]);
  });

  it.each(INVARIANTS)(
    'one event removed, doubled, moved or told otherwise is refused as %s',
    (invariant) => {
      for (const trace of traces)
        for (const spoilt of CASES[invariant](trace)) if (judge(spoilt).has(invariant)) return;
      throw new Error('no spoilt trace was refused');
    },
    TIMEOUT_MS,
  );
});
