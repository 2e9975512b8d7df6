import type { Requirement, StrikeName } from './cases';
import type { JudgedTurn } from './crowd';
import type { FaultKind } from './judge';
import { isAudible, MOMENTS, WEIGHED_MOMENTS, type Moment } from './moment';
import type { Misdeeds, Strike } from './strike';
import type { Resume } from './talk';

/** Each of the three moments that matter is to hold so much of all hits. */
const LEAST_SHARE = 0.2;
/** A client that holds more bridges a gap by itself, and nothing is measured. */
const MOST_AHEAD_MS = 500;

export interface Spread {
  p50: number;
  p99: number;
  max: number;
}

/** A turn that counts: hit once or more. */
export interface CountedTurn {
  turnId: string;
  moments: Moment[];
  firstSampleMs: number | undefined;
  gapMs: number;
  faults: { kind: FaultKind; detail: string }[];
}

/** What one case came to. Times in ms. */
export interface Row {
  case: StrikeName;
  title: string;
  must: Requirement;
  /** Conversations at a time. */
  talks: number;
  strikes: number;
  turns: number;
  /** What counted turns were in the middle of, at each strike on them. */
  moments: Record<Moment, number>;
  completed: number;
  duplicates: number;
  stale: number;
  /** Counted turns with each kind of fault. */
  faults: Partial<Record<FaultKind, number>>;
  gapMs: Spread;
  /** Of the counted turns that were hit while they were audible: those before have no gap to show, and make the others look small. */
  audibleGapMs: Spread;
  /** From the question to the first sample: of the counted turns that were hit in between, and of those that nothing had hit. */
  firstSampleMs: { undisturbed: Spread; struck: Spread };
  /** Turns that nothing had hit, for comparison. */
  undisturbed: { turns: number; faulty: number; gapMs: Spread };
  interrupted: { turns: number; faulty: number };
  /** `again`: not at the first try. */
  resumed: { times: number; again: number; ms: Spread };
  /** The most that a client held of a turn. What a delay anywhere had held up comes at once, and shows in the longest only. */
  aheadMs: { undisturbed: Spread; struck: Spread };
  afterWaking: Misdeeds | undefined;
  /** What the row must be and is not. */
  misses: string[];
  complaints: Record<string, number>;
  counted: CountedTurn[];
  /** Of the others those with a fault. */
  besides: CountedTurn[];
}

export interface Run {
  name: StrikeName;
  title: string;
  must: Requirement;
  talks: number;
  strikes: readonly Strike[];
  judged: readonly JudgedTurn[];
  resumes: readonly Resume[];
  complaints: ReadonlyMap<string, number>;
  /** The split over moments is a matter of many turns, and gaps one of a quiet machine. */
  isSmall: boolean;
}

const DUPLICATES: readonly FaultKind[] = ['accepted-twice', 'answered-twice', 'sample-twice', 'sentence-twice'];

export function rowOf(run: Run): Row {
  const moments = momentsByTurn(run.strikes);
  const heard = run.judged.filter(({ interrupted }) => !interrupted);
  const hit = heard.filter(({ turnId }) => moments.has(turnId));
  const calm = heard.filter(({ turnId }) => !moments.has(turnId));
  const interrupted = run.judged.filter((turn) => turn.interrupted);
  const entryOf = ({ turnId, firstSampleMs, gapMs, faults }: JudgedTurn): CountedTurn => {
    return { turnId, moments: moments.get(turnId) ?? [], firstSampleMs, gapMs, faults };
  };
  const counted = hit.map(entryOf);
  const row: Omit<Row, 'misses'> = {
    case: run.name,
    title: run.title,
    must: run.must,
    talks: run.talks,
    strikes: run.strikes.length,
    turns: counted.length,
    moments: split(counted),
    completed: counted.filter(({ faults }) => faults.length === 0).length,
    duplicates: countWith(run.judged, DUPLICATES),
    stale: countWith(run.judged, ['stale']),
    faults: faultCounts(counted),
    gapMs: longestGaps(counted),
    audibleGapMs: longestGaps(counted.filter((turn) => turn.moments.some(isAudible))),
    firstSampleMs: {
      undisturbed: firstSamples(calm),
      struck: firstSamples(counted.filter((turn) => !turn.moments.every(isAudible))),
    },
    undisturbed: { turns: calm.length, faulty: faulty(calm), gapMs: longestGaps(calm) },
    interrupted: { turns: interrupted.length, faulty: faulty(interrupted) },
    resumed: {
      times: run.resumes.length,
      again: run.resumes.filter(({ tries }) => tries > 1).length,
      ms: spreadOf(run.resumes.map(({ ms }) => ms)),
    },
    aheadMs: { undisturbed: farthestAhead(calm), struck: farthestAhead(hit) },
    afterWaking: misdeedsOf(run.strikes),
    complaints: Object.fromEntries(run.complaints),
    counted,
    besides: run.judged.filter((turn) => !hit.includes(turn) && turn.faults.length > 0).map(entryOf),
  };
  return { ...row, misses: missesOf(row, run.isSmall) };
}

function momentsByTurn(strikes: readonly Strike[]): Map<string, Moment[]> {
  const moments = new Map<string, Moment[]>();
  for (const { turnId, moment } of strikes.flatMap(({ hits }) => hits)) {
    moments.set(turnId, [...(moments.get(turnId) ?? []), moment]);
  }
  return moments;
}

function split(counted: readonly CountedTurn[]): Record<Moment, number> {
  const all = counted.flatMap(({ moments }) => moments);
  const of = (moment: Moment): number => all.filter((each) => each === moment).length;
  const [waiting, first, generating, playing] = MOMENTS;
  return {
    [waiting]: of(waiting),
    [first]: of(first),
    [generating]: of(generating),
    [playing]: of(playing),
  };
}

const countWith = (turns: readonly { faults: readonly { kind: FaultKind }[] }[], kinds: readonly FaultKind[]): number =>
  turns.filter(({ faults }) => faults.some(({ kind }) => kinds.includes(kind))).length;

const faulty = (turns: readonly { faults: readonly unknown[] }[]): number =>
  turns.filter(({ faults }) => faults.length > 0).length;

const longestGaps = (turns: readonly { gapMs: number }[]): Spread => spreadOf(turns.map(({ gapMs }) => gapMs));

/** A turn that was never heard is at fault for that. */
const firstSamples = (turns: readonly { firstSampleMs: number | undefined }[]): Spread =>
  spreadOf(turns.flatMap(({ firstSampleMs }) => firstSampleMs ?? []));

const farthestAhead = (turns: readonly JudgedTurn[]): Spread => spreadOf(turns.map(({ aheadMs }) => aheadMs));

function faultCounts(counted: readonly CountedTurn[]): Row['faults'] {
  const counts: Row['faults'] = {};
  for (const { faults } of counted) {
    for (const kind of new Set(faults.map((fault) => fault.kind))) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function misdeedsOf(strikes: readonly Strike[]): Misdeeds | undefined {
  const all = strikes.flatMap(({ afterWaking }) => (afterWaking ? [afterWaking] : []));
  if (all.length === 0) return undefined;
  const sum = (of: (each: Misdeeds) => number): number => all.reduce((total, each) => total + of(each), 0);
  return { doubleWrites: sum((each) => each.doubleWrites), ordersObeyed: sum((each) => each.ordersObeyed) };
}

/** How often counted turns were hit. */
export const hitsOf = ({ moments }: Pick<Row, 'moments'>): number =>
  Object.values(moments).reduce((sum, each) => sum + each, 0);

/** Nearest rank: of few values the 99th percentile is the largest. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function missesOf(row: Omit<Row, 'misses'>, isSmall: boolean): string[] {
  const { must, turns, gapMs, audibleGapMs, firstSampleMs, moments, afterWaking } = row;
  const { undisturbed, interrupted, complaints } = row;
  const misses: string[] = [];
  const expect = (isMet: boolean, what: string): void => void (isMet || misses.push(what));
  expect(turns >= must.turns, `${turns} turns of ${must.turns}`);
  expect(row.strikes >= must.strikes, `${row.strikes} strikes of ${must.strikes}`);
  expect(row.completed === turns, `${turns - row.completed} turns not whole`);
  expect(row.duplicates === 0, `${row.duplicates} with something twice`);
  expect(row.stale === 0, `${row.stale} with something stale`);
  const { gapP50Ms = Infinity, gapP99Ms = Infinity } = must;
  for (const [gap, { p50, p99 }] of Object.entries({ gap: gapMs, 'gap while audible': audibleGapMs })) {
    expect(p50 <= gapP50Ms, `${gap} p50 ${p50} ms`);
    expect(p99 <= gapP99Ms, `${gap} p99 ${p99} ms`);
  }
  const [struckMs, calmMs] = [firstSampleMs.struck.p99, firstSampleMs.undisturbed.p99];
  expect(struckMs <= calmMs + gapP99Ms, `first sample p99 ${struckMs} ms, undisturbed ${calmMs} ms`);
  expect(undisturbed.faulty === 0, `${undisturbed.faulty} undisturbed turns not whole`);
  expect(interrupted.faulty === 0, `${interrupted.faulty} interrupted turns wrong`);
  expect(row.resumed.again === 0, `${row.resumed.again} sessions resumed at a second try only`);
  expect(row.resumed.ms.max <= (must.resumeMs ?? Infinity), `a session resumed after ${row.resumed.ms.max} ms`);
  const { p50: aheadMs } = row.aheadMs.undisturbed;
  // Where no gap is measured it hides none: in an outage, or on a busy machine, everybody's audio gathers.
  expect(isSmall || must.gapP99Ms === undefined || aheadMs <= MOST_AHEAD_MS, `clients held ${aheadMs} ms`);
  for (const [complaint, times] of Object.entries(complaints)) {
    expect(must.excused?.includes(complaint) === true, `${times} × ${complaint}`);
  }
  expect((afterWaking?.doubleWrites ?? 0) === 0, `${afterWaking?.doubleWrites} double writes`);
  expect((afterWaking?.ordersObeyed ?? 0) === 0, `${afterWaking?.ordersObeyed} orders of a former owner obeyed`);
  const hits = hitsOf(row);
  for (const moment of isSmall ? [] : WEIGHED_MOMENTS) {
    expect(moments[moment] >= LEAST_SHARE * hits, `only ${moments[moment]} of ${hits} hits ${moment}`);
  }
  return misses;
}
