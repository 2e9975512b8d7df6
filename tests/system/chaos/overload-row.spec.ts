import type { JudgedTurn } from './crowd';
import { overloadRowOf, type OverloadRun, type Refusal } from './overload-row';

const FROM_MS = 1_000;
const SPEAKING = { p50: 10, max: 10 };
const REFUSED: Refusal = { status: 503, code: 'capacity', retryAfterS: 4 };

/** An answer of 200 pieces, each so late, which begins at that time. */
const turn = (turnId: string, atMs: number, lateMs: number, more: Partial<JudgedTurn> = {}): JudgedTurn => ({
  ...{ turnId, talk: 1, interrupted: false, faults: [], firstSampleMs: 500, gapMs: 0, aheadMs: 0 },
  pieces: Array.from({ length: 200 }, (_, index) => ({ atMs: atMs + index, lateMs })),
  ...more,
});
const crowd = (judged: JudgedTurn[], refusals: Refusal[] = []): OverloadRun['crowds'][number] => {
  return { judged, refusals, complaints: new Map() };
};
const run = (...crowds: OverloadRun['crowds']): OverloadRun => ({
  title: 'too many',
  must: { lateRatio: 1.5, lateSlackMs: 0, ownLagMs: 100, speakingShare: 0.8 },
  capacity: 10,
  offered: 30,
  atCapacity: { fromMs: FROM_MS, toMs: 2_000, speaking: SPEAKING, ownLagMs: 5 },
  overloaded: { fromMs: 3_000, toMs: 4_000, speaking: SPEAKING, ownLagMs: 5 },
  crowds,
});
const BEFORE = turn('turn-1', FROM_MS, 40);
const REFUSALS = Array.from({ length: 20 }, () => REFUSED);
const GOOD = run(crowd([BEFORE, turn('turn-2', 3_000, 60)]), crowd([], REFUSALS));

it('a row is as it must be when those who speak are hardly later and the others were told `capacity`', () => {
  const row = overloadRowOf(GOOD);
  expect(row.misses).toEqual([]);
  expect(row).toMatchObject({
    atCapacity: { turns: 1, pieces: 200, lateMs: { p99: 40 } },
    overloaded: { turns: 1, pieces: 200, lateMs: { p99: 60 } },
    turnedAway: { properly: 20, otherwise: [] },
    turns: 2,
  });
});

it('only what came within a stretch of time counts for it, and what came early is not late', () => {
  const early = turn('turn-3', 3_000, -500);
  const between = turn('turn-4', 2_500, 9_999);
  const row = overloadRowOf(run(crowd([BEFORE, between, early]), crowd([], REFUSALS)));
  expect(row.overloaded).toMatchObject({ pieces: 200, lateMs: { p50: 0, p99: 0, max: 0 } });
  expect(row.misses).toEqual([]);
});

it('it is not with pieces later than one and a half times what they were, or with what is allowed beyond', () => {
  const late = run(crowd([BEFORE, turn('turn-2', 3_000, 61)]), crowd([], REFUSALS));
  expect(overloadRowOf(late).misses).toEqual(['p99 61 ms late, 40 ms at capacity']);
  expect(
    overloadRowOf({ ...late, must: { lateRatio: 1.5, lateSlackMs: 21, ownLagMs: 100, speakingShare: 0.8 } }).misses,
  ).toEqual([]);
});

it.each<[string, Refusal, string]>([
  ['another status', { ...REFUSED, status: 500 }, '500 capacity 4'],
  ['another code', { ...REFUSED, code: 'unavailable' }, '503 unavailable 4'],
  ['no time to come again', { ...REFUSED, retryAfterS: undefined }, '503 capacity undefined'],
  ['one too far away', { ...REFUSED, retryAfterS: 11 }, '503 capacity 11'],
])('it is not when somebody was refused with %s', (_what, refusal, said) => {
  const row = overloadRowOf(run(...GOOD.crowds, crowd([], [refusal])));
  expect(row.turnedAway.otherwise).toEqual([said]);
  expect(row.misses).toEqual(['1 refused otherwise']);
});

it('it is not when not everybody without a place was refused', () => {
  const [first] = GOOD.crowds;
  if (!first) throw new Error('nobody spoke');
  expect(overloadRowOf(run(first, crowd([], REFUSALS.slice(1)))).misses).toEqual(['only 19 refused with `capacity`']);
});

it('it is not when more spoke than there is room for, or so few that there was no load', () => {
  const speaking = (p50: number, max: number): string[] =>
    overloadRowOf({ ...GOOD, overloaded: { ...GOOD.overloaded, speaking: { p50, max } } }).misses;
  expect(speaking(10, 11)).toEqual(['overloaded: 11 spoke, more than 10']);
  expect(speaking(7, 10)).toEqual(['overloaded: only 7 of 10 spoke']);
});

it('it is not when clients and providers were late themselves', () => {
  const { misses } = overloadRowOf({ ...GOOD, atCapacity: { ...GOOD.atCapacity, ownLagMs: 101 } });
  expect(misses).toEqual(['atCapacity: clients and providers were 101 ms late themselves']);
});

it('it is not with a talk that was lost or an event out of order', () => {
  const complaining = { ...crowd([]), complaints: new Map([['the session could not be resumed', 2]]) };
  expect(overloadRowOf(run(...GOOD.crowds, complaining)).misses).toEqual(['2 × the session could not be resumed']);
});

it('it is not when nobody was heard, or a turn is not whole', () => {
  expect(overloadRowOf(run(crowd([BEFORE]), crowd([], REFUSALS))).misses).toEqual(['overloaded: only 0 pieces heard']);
  const faults: JudgedTurn['faults'] = [{ kind: 'stale', detail: '' }];
  const faulty = turn('turn-9', 9_000, 0, { faults });
  expect(overloadRowOf(run(...GOOD.crowds, crowd([faulty]))).misses).toEqual(['1 turns not whole']);
});
