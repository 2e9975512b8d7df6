import type { ObservationOf } from './observation';
import { Outages } from './outages';
import { StoreJudge } from './store-judge';

/** One session whose store holds outputs up to 3. */
function judging() {
  const outages = new Outages();
  const judge = new StoreJudge(outages);
  const failures: string[] = [];
  const fail = (_invariant: string, message: string): void => void failures.push(message);
  const state = Buffer.from(JSON.stringify({ outSeq: 3, engine: { recentTurnIds: ['turn_1'], history: [] } }));
  judge.stored({ kind: 'stored', atMs: 0, process: 'orc', sessionId: 'sess_1', epoch: 1, rev: 2, state }, fail);
  const fault = (kind: string, phase: ObservationOf<'fault'>['phase'], atMs: number): void =>
    outages.observe({ kind: 'fault', atMs, fault: `store ${kind} orchestrator-0`, outage: 'severe', phase });
  const hears = (outSeq: number, type: string, atMs: number): void =>
    judge.received('sess_1', { type, event_id: `event_1_${outSeq}`, turn_id: 'turn_1' }, atMs, fail);
  return { fault, hears, failures, finish: () => judge.finish('sess_1', fail) };
}

const TEXT = 'response.output_audio_transcript.delta';

describe('output that is not in the store', () => {
  it('is refused where the store is well, and where it is only slow', () => {
    const { fault, hears, failures } = judging();
    hears(3, TEXT, 500);
    hears(4, TEXT, 500);
    fault('slow', 'begins', 1_000);
    hears(5, 'response.done', 2_000);
    expect(failures).toEqual([`${TEXT} left before its write`, 'response.done left before its write']);
  });

  it('may be what a response leads to while the store is away, and a little longer', () => {
    const { fault, hears, failures } = judging();
    fault('refusing', 'begins', 1_000);
    hears(4, TEXT, 2_000);
    hears(5, 'parley.state', 2_000);
    fault('refusing', 'ends', 3_000);
    hears(6, 'response.done', 4_400);
    expect(failures).toEqual([]);
    hears(7, 'parley.state', 4_600);
    expect(failures).toEqual(['parley.state left before its write']);
  });

  it.each([
    'parley.turn.accepted',
    'response.created',
    'response.function_call_arguments.done',
    'parley.response.interrupted',
    'session.updated',
    'error',
  ])('may not be %s, whatever the store does', (type) => {
    const { fault, hears, failures } = judging();
    fault('answers-lost', 'begins', 1_000);
    hears(4, type, 2_000);
    expect(failures).toEqual([`${type} left before its write`]);
  });

  it('is refused in the end where nobody has written it', () => {
    const { fault, hears, failures, finish } = judging();
    finish();
    fault('refusing', 'begins', 1_000);
    hears(4, TEXT, 2_000);
    finish();
    expect(failures).toEqual(['output 4 of sess_1 was never written']);
  });
});
