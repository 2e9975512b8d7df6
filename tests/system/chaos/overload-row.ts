import type { JudgedTurn } from './crowd';
import { spreadOf, type Spread } from './row';

/** What the row must be. */
export interface Requirement {
  /** The 99th percentile of the lateness, as a multiple of that at capacity. */
  lateRatio: number;
  /** So many ms more than that at capacity will do as well. */
  lateSlackMs: number;
  /** Above this lag of clients and providers the row would be about the machine's other work. */
  ownLagMs: number;
  /** Of the capacity: with fewer who speak it would be about a load that was not there. */
  speakingShare: number;
}

/** A stretch of time, by performance.now(), and how many conversations there were in it. */
export interface Load {
  fromMs: number;
  toMs: number;
  speaking: { p50: number; max: number };
  /** The longest lag of the process that is clients, model and voice: what it adds itself. */
  ownLagMs: number;
}

/** What was heard in such a stretch. */
export interface HeardUnderLoad {
  speaking: Load['speaking'];
  ownLagMs: number;
  turns: number;
  pieces: number;
  /** Of a piece that came before its time: nothing. */
  lateMs: Spread;
}

/** Those who were not let in. */
export interface TurnedAway {
  /** With 503, `capacity`, and a time to come again of 1 to 10 s. */
  properly: number;
  otherwise: string[];
}

export interface OverloadRow {
  case: 'overload';
  title: string;
  must: Requirement;
  capacity: number;
  offered: number;
  atCapacity: HeardUnderLoad;
  overloaded: HeardUnderLoad;
  turnedAway: TurnedAway;
  turns: number;
  faulty: { turnId: string; faults: JudgedTurn['faults'] }[];
  misses: string[];
  complaints: Record<string, number>;
}

export interface OverloadRun {
  title: string;
  must: Requirement;
  capacity: number;
  offered: number;
  atCapacity: Load;
  overloaded: Load;
  crowds: readonly {
    judged: readonly JudgedTurn[];
    refusals: readonly Refusal[];
    complaints: ReadonlyMap<string, number>;
  }[];
}

export interface Refusal {
  status: number;
  code: string | undefined;
  retryAfterS: number | undefined;
}

/** With fewer the row would show nothing: nobody was heard. */
const LEAST_PIECES = 100;

export function overloadRowOf(run: OverloadRun): OverloadRow {
  const judged = run.crowds.flatMap((crowd) => crowd.judged);
  const row: Omit<OverloadRow, 'misses'> = {
    case: 'overload',
    title: run.title,
    must: run.must,
    capacity: run.capacity,
    offered: run.offered,
    atCapacity: heardUnder(run.atCapacity, judged),
    overloaded: heardUnder(run.overloaded, judged),
    turnedAway: turnedAway(run.crowds.flatMap(({ refusals }) => refusals)),
    turns: judged.length,
    faulty: judged.filter(({ faults }) => faults.length > 0).map(({ turnId, faults }) => ({ turnId, faults })),
    complaints: sumOf(run.crowds.map(({ complaints }) => complaints)),
  };
  return { ...row, misses: missesOf(row) };
}

function heardUnder({ fromMs, toMs, speaking, ownLagMs }: Load, judged: readonly JudgedTurn[]): HeardUnderLoad {
  const within = judged.map(({ pieces }) => pieces.filter(({ atMs }) => atMs >= fromMs && atMs < toMs));
  const pieces = within.flat();
  return {
    speaking,
    ownLagMs: Math.round(ownLagMs),
    turns: within.filter(({ length }) => length > 0).length,
    pieces: pieces.length,
    lateMs: spreadOf(pieces.map(({ lateMs }) => Math.max(0, lateMs))),
  };
}

function turnedAway(refusals: readonly Refusal[]): TurnedAway {
  const isProper = ({ status, code, retryAfterS = 0 }: Refusal): boolean =>
    status === 503 && code === 'capacity' && retryAfterS >= 1 && retryAfterS <= 10;
  const otherwise = refusals.filter((refusal) => !isProper(refusal));
  return {
    properly: refusals.length - otherwise.length,
    otherwise: otherwise.map(({ status, code, retryAfterS }) => `${status} ${code} ${retryAfterS}`),
  };
}

function sumOf(counts: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [what, times] of counts.flatMap((each) => [...each])) sum[what] = (sum[what] ?? 0) + times;
  return sum;
}

function missesOf(row: Omit<OverloadRow, 'misses'>): string[] {
  const { must, capacity, offered, atCapacity, overloaded } = row;
  const misses: string[] = [];
  const expect = (isMet: boolean, what: string): void => void (isMet || misses.push(what));
  for (const [name, { speaking, pieces, ownLagMs }] of Object.entries({ atCapacity, overloaded })) {
    expect(pieces >= LEAST_PIECES, `${name}: only ${pieces} pieces heard`);
    expect(speaking.p50 >= must.speakingShare * capacity, `${name}: only ${speaking.p50} of ${capacity} spoke`);
    expect(ownLagMs <= must.ownLagMs, `${name}: clients and providers were ${ownLagMs} ms late themselves`);
    expect(speaking.max <= capacity, `${name}: ${speaking.max} spoke, more than ${capacity}`);
  }
  const [before, after] = [atCapacity.lateMs.p99, overloaded.lateMs.p99];
  const mostMs = Math.max(must.lateRatio * before, before + must.lateSlackMs);
  expect(after <= mostMs, `p99 ${after} ms late, ${before} ms at capacity`);
  // Each who has no place asks once at least.
  const without = offered - capacity;
  expect(row.turnedAway.properly >= without, `only ${row.turnedAway.properly} refused with \`capacity\``);
  expect(row.turnedAway.otherwise.length === 0, `${row.turnedAway.otherwise.length} refused otherwise`);
  expect(row.faulty.length === 0, `${row.faulty.length} turns not whole`);
  for (const [complaint, times] of Object.entries(row.complaints)) expect(false, `${times} × ${complaint}`);
  return misses;
}
