import type { StoreKind } from '../support/servers';
import { cutLines, killOne, stopOwner, takeAway, type Stage, type Strike } from './strike';

/** Those that strike, and one that offers too much. */
const STRIKES = [
  'orchestrator',
  'tts',
  'gateway',
  'link-reset',
  'link-blackhole',
  'stopped-owner',
  'redis-failover',
  'redis-down',
  'nats-down',
] as const;
export const CASE_NAMES = [...STRIKES, 'overload'] as const;
export type StrikeName = (typeof STRIKES)[number];
export type CaseName = (typeof CASE_NAMES)[number];

/** What a row must be. Times in ms. */
export interface Requirement {
  turns: number;
  strikes: number;
  /** Of what every answer waits for: only that it goes on. */
  gapP50Ms?: number;
  gapP99Ms?: number;
}

export interface Case {
  title: string;
  must: Requirement;
  store: StoreKind;
  /** Through lines of ours, which can be cut. */
  overLines: boolean;
  /** A client learns of a lost line only by asking when it hears nothing; see Talk. */
  patienceMs: number | undefined;
  /** Between two strikes, once everything is up again: from the first to the second, by chance. */
  pauseMs: readonly [number, number];
  strike(stage: Stage): Promise<Strike | undefined>;
}

const GAP = { gapP50Ms: 400, gapP99Ms: 1_500 };
/** The longest gap is all that the row about a stopped owner bounds. */
const STOPPED_GAP = { gapP50Ms: 4_000, gapP99Ms: 4_000 };
const PLAIN = { store: 'single', overLines: false, patienceMs: undefined } as const;
/** Of those that take away what all turns stand on. */
const OUTAGES = { turns: 10, strikes: 10 };

export const CASES: Record<StrikeName, Case> = {
  orchestrator: {
    title: '`kill -9` of an orchestrator',
    must: { turns: 500, strikes: 100, ...GAP },
    ...PLAIN,
    pauseMs: [4_500, 6_500],
    strike: (stage) => killOne(stage, 'orchestrator'),
  },
  tts: {
    title: '`kill -9` of a voice worker',
    must: { turns: 500, strikes: 100, ...GAP },
    ...PLAIN,
    pauseMs: [4_500, 6_500],
    strike: (stage) => killOne(stage, 'tts'),
  },
  gateway: {
    title: '`kill -9` of a gateway',
    must: { turns: 200, strikes: 50, ...GAP },
    ...PLAIN,
    pauseMs: [3_500, 5_500],
    strike: (stage) => killOne(stage, 'gateway'),
  },
  'link-reset': {
    title: 'client link cut by a reset',
    must: { turns: 100, strikes: 10, ...GAP },
    store: 'single',
    overLines: true,
    patienceMs: undefined,
    pauseMs: [4_000, 6_000],
    strike: (stage) => cutLines(stage, 'reset'),
  },
  'link-blackhole': {
    title: 'client link gone without a word',
    must: { turns: 100, strikes: 10, ...GAP },
    store: 'single',
    overLines: true,
    patienceMs: 300,
    pauseMs: [5_000, 7_000],
    strike: (stage) => cutLines(stage, 'blackhole'),
  },
  'stopped-owner': {
    title: 'SIGSTOP of an owner for 10 s, then SIGCONT',
    must: { turns: 50, strikes: 5, ...STOPPED_GAP },
    ...PLAIN,
    pauseMs: [2_000, 4_000],
    strike: stopOwner,
  },
  'redis-failover': {
    title: '`kill -9` of the Redis primary under Sentinel',
    must: OUTAGES,
    ...PLAIN,
    store: 'watched',
    pauseMs: [2_000, 4_000],
    strike: (stage) => takeAway(stage, 'primary'),
  },
  'redis-down': {
    title: 'Redis down 10 s, back with nothing',
    must: OUTAGES,
    ...PLAIN,
    pauseMs: [4_000, 6_000],
    strike: (stage) => takeAway(stage, 'store'),
  },
  'nats-down': {
    title: 'NATS down 10 s',
    must: OUTAGES,
    ...PLAIN,
    pauseMs: [4_000, 6_000],
    strike: (stage) => takeAway(stage, 'bus'),
  },
};

/**
 * A run so small that all cases together fit into a test: ten strikes where they are short, and whatever turns those hit. In such a
 * hurry a turn is struck several times, and its longest gap is that of several: the median is left to the whole run.
 */
export const smallOf = (each: Case): Case => {
  const { gapP50Ms: _median, ...must } = each.must;
  if (must.gapP99Ms === undefined) return { ...each, must: { ...must, turns: 5, strikes: 1 }, pauseMs: [0, 0] };
  return {
    ...each,
    must: { ...must, turns: 10, strikes: each.strike === stopOwner ? 3 : 10 },
    pauseMs: [500, 1_500],
  };
};
