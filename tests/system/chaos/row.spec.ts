import type { JudgedTurn } from './crowd';
import { rowOf, spreadOf, type Row, type Run } from './row';
import type { Moment } from './moment';
import type { Hit, Strike } from './strike';

const MUST = { turns: 4, strikes: 2, gapP50Ms: 400, gapP99Ms: 1_500 };

const turn = (turnId: string, more: Partial<JudgedTurn> = {}): JudgedTurn => {
  const heard = { firstSampleMs: 3_000, gapMs: 100, aheadMs: 200, pieces: [] };
  return { turnId, talk: 1, interrupted: false, faults: [], ...heard, ...more };
};
const strike = (...hits: [string, Moment][]): Strike => ({
  target: 'tts 1',
  hits: hits.map(([turnId, moment]): Hit => ({ turnId, moment, counts: true })),
});

const GOOD: Run = {
  name: 'tts',
  title: 'a case',
  must: MUST,
  talks: 14,
  strikes: [
    strike(['turn-1', 'before-first-token'], ['turn-2', 'generating']),
    strike(['turn-3', 'playing'], ['turn-4', 'playing'], ['turn-1', 'playing']),
  ],
  judged: ['turn-1', 'turn-2', 'turn-3', 'turn-4', 'turn-5'].map((turnId) => turn(turnId)),
  resumes: [{ ms: 50, tries: 1 }],
  complaints: new Map(),
  isSmall: false,
};

/** The good run, one turn of which is another. */
const missesWith = (other: JudgedTurn, more: Partial<Run> = {}): Row['misses'] =>
  rowOf({ ...GOOD, ...more, judged: GOOD.judged.map((each) => (each.turnId === other.turnId ? other : each)) }).misses;

describe('a row', () => {
  it('is as it must be when every turn that was hit is whole', () => {
    const row = rowOf(GOOD);
    expect(row.misses).toEqual([]);
    expect(row).toMatchObject({ turns: 4, strikes: 2, completed: 4, undisturbed: { turns: 1 } });
  });

  it('counts a turn once, and what it was in the middle of at each strike', () => {
    expect(rowOf(GOOD).turns).toBe(4);
    expect(rowOf(GOOD).moments).toEqual({ 'before-first-token': 1, 'first-token': 0, generating: 1, playing: 3 });
  });

  it('misses what it must be with a turn that is not whole, doubled or stale', () => {
    const faulty = (kind: 'sample-missing' | 'sample-twice' | 'stale'): string[] =>
      missesWith(turn('turn-2', { faults: [{ kind, detail: '' }] }));
    expect(faulty('sample-missing')).toEqual(['1 turns not whole']);
    expect(faulty('sample-twice')).toEqual(['1 turns not whole', '1 with something twice']);
    expect(faulty('stale')).toEqual(['1 turns not whole', '1 with something stale']);
  });

  it('misses it with a gap too long', () => {
    expect(missesWith(turn('turn-3', { gapMs: 1_501 }))).toEqual(['gap p99 1501 ms', 'gap while audible p99 1501 ms']);
    const slow = GOOD.judged.map((each) => ({ ...each, gapMs: 401 }));
    expect(rowOf({ ...GOOD, judged: slow }).misses).toEqual(['gap p50 401 ms', 'gap while audible p50 401 ms']);
  });

  it('misses it with a gap too long at the median of those that were heard when they were hit, whatever the others dilute', () => {
    const strikes = [
      strike(['turn-1', 'before-first-token'], ['turn-2', 'first-token']),
      strike(['turn-3', 'generating'], ['turn-4', 'playing'], ['turn-5', 'before-first-token']),
    ];
    const judged = GOOD.judged.map((each) => {
      return ['turn-3', 'turn-4'].includes(each.turnId) ? { ...each, gapMs: 401 } : each;
    });
    const row = rowOf({ ...GOOD, strikes, judged: [...judged, turn('turn-6')], isSmall: true });
    expect(row.gapMs.p50).toBe(100);
    expect(row.misses).toEqual(['gap while audible p50 401 ms']);
  });

  it('misses it when the first sample of those that were hit before comes later than undisturbed and a gap', () => {
    // Hit before its first sample, and once more.
    expect(missesWith(turn('turn-1', { firstSampleMs: 4_500 }))).toEqual([]);
    const late = ['first sample p99 4501 ms, undisturbed 3000 ms'];
    expect(missesWith(turn('turn-1', { firstSampleMs: 4_501 }))).toEqual(late);
    expect(missesWith(turn('turn-2', { firstSampleMs: 4_501 }))).toEqual([]);
    const unbound = { must: { turns: 4, strikes: 2 } };
    expect(missesWith(turn('turn-1', { firstSampleMs: 14_501 }), unbound)).toEqual([]);
  });

  it('has no first sample of a turn that was never heard', () => {
    const judged = [turn('turn-1', { firstSampleMs: undefined }), turn('turn-5', { firstSampleMs: 2_000 })];
    const none = { p50: 0, p99: 0, max: 0 };
    const undisturbed = { p50: 2_000, p99: 2_000, max: 2_000 };
    expect(rowOf({ ...GOOD, judged }).firstSampleMs).toEqual({ undisturbed, struck: none });
  });

  it('misses it with a session that came back too late', () => {
    const must = { turns: 4, strikes: 2, resumeMs: 2_000 };
    const resumes = (ms: number): Run['resumes'] => [
      { ms: 50, tries: 1 },
      { ms, tries: 1 },
    ];
    expect(rowOf({ ...GOOD, must, resumes: resumes(2_000) }).misses).toEqual([]);
    expect(rowOf({ ...GOOD, must, resumes: resumes(2_001) }).misses).toEqual(['a session resumed after 2001 ms']);
  });

  it('misses it with a fault in a turn that nothing had hit, or that was interrupted', () => {
    const faults = [{ kind: 'stale', detail: '' }] as const;
    expect(missesWith(turn('turn-5', { faults: [...faults] }))).toEqual([
      '1 with something stale',
      '1 undisturbed turns not whole',
    ]);
    const interrupted = turn('turn-6', { interrupted: true, faults: [...faults] });
    expect(rowOf({ ...GOOD, judged: [...GOOD.judged, interrupted] }).misses).toEqual([
      '1 with something stale',
      '1 interrupted turns wrong',
    ]);
  });

  it('misses it when clients had so much in hand that no gap could show', () => {
    expect(missesWith(turn('turn-5', { aheadMs: 501 }))).toEqual(['clients held 501 ms']);
  });

  it('bounds neither gaps nor what clients hold where everything is taken away from all', () => {
    const must = { turns: 4, strikes: 2 };
    expect(missesWith(turn('turn-5', { aheadMs: 900, gapMs: 12_000 }), { must })).toEqual([]);
    expect(missesWith(turn('turn-3', { gapMs: 12_000 }), { must })).toEqual([]);
    expect(missesWith(turn('turn-3', { faults: [{ kind: 'not-accepted', detail: '' }] }), { must })).toEqual([
      '1 turns not whole',
    ]);
  });

  it('misses it with too few turns, strikes, or one of the three moments', () => {
    expect(rowOf({ ...GOOD, must: { ...MUST, turns: 5, strikes: 3 } }).misses).toEqual([
      '4 turns of 5',
      '2 strikes of 3',
    ]);
    const strikes = [strike(['turn-1', 'generating'], ['turn-2', 'generating']), strike(['turn-3', 'playing'])];
    const must = { ...MUST, turns: 3 };
    expect(rowOf({ ...GOOD, strikes, must }).misses).toEqual(['only 0 of 3 hits before-first-token']);
    expect(rowOf({ ...GOOD, strikes, must, isSmall: true }).misses).toEqual([]);
  });

  it('misses it when one try was not enough to resume', () => {
    const resumes = [{ ms: 400, tries: 2 }];
    expect(rowOf({ ...GOOD, resumes }).misses).toEqual(['1 sessions resumed at a second try only']);
  });

  it('misses it with each talk that was lost and each event out of order, but for what the row excuses', () => {
    const complaints = new Map([
      ['the session was not resumed', 2],
      ['response.done resp_… comes twice', 1],
      ['refused with 503 unavailable', 3],
    ]);
    const lost = ['2 × the session was not resumed', '1 × response.done resp_… comes twice'];
    expect(rowOf({ ...GOOD, complaints }).misses).toEqual([...lost, '3 × refused with 503 unavailable']);
    const must = { ...MUST, excused: ['refused with 503 unavailable'] };
    expect(rowOf({ ...GOOD, complaints, must }).misses).toEqual(lost);
  });

  it('misses it when an owner that woke up did anything', () => {
    const [first, second] = GOOD.strikes;
    if (!first || !second) throw new Error('no strikes');
    const strikes = [{ ...first, afterWaking: { doubleWrites: 1, ordersObeyed: 2 } }, second];
    expect(rowOf({ ...GOOD, strikes }).misses).toEqual(['1 double writes', '2 orders of a former owner obeyed']);
  });
});

it('a spread is of nearest ranks', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(spreadOf(values)).toEqual({ p50: 100, p99: 198, max: 200 });
  expect(spreadOf([7])).toEqual({ p50: 7, p99: 7, max: 7 });
  expect(spreadOf([])).toEqual({ p50: 0, p99: 0, max: 0 });
});
