import type { StoreKind } from '../support/servers';
import { PROVIDERS, type ProviderHabits, type Replicas } from './scene';
import { cutLines, killOne, restartNext, stopOwner, takeAway, type Aim, type Stage, type Strike } from './strike';

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
  'rolling-restart',
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
  /** Of every client that comes back: until its session is there again. */
  resumeMs?: number;
  /** Complaints that are no misses: nobody could do better while what the row takes away is away. */
  excused?: readonly string[];
}

export interface Case {
  title: string;
  must: Requirement;
  /** Conversations at a time. */
  talks: number;
  providers?: Partial<ProviderHabits>;
  /** Processes of each kind. */
  replicas: Replicas;
  /** Of all processes. */
  env?: Readonly<Record<string, string>>;
  store: StoreKind;
  /** Through lines of ours, which can be cut. */
  overLines: boolean;
  /** A client learns of a lost line only by asking when it hears nothing; see Talk. */
  patienceMs: number | undefined;
  /** Between two strikes, once everything is up again: from the first to the second, by chance. */
  pauseMs: readonly [number, number];
  /** `done`: how many there were before. */
  strike(stage: Stage, done: number): Promise<Strike | undefined>;
}

const GAP = { gapP50Ms: 400, gapP99Ms: 1_500 };
/** The longest gap is all that the row about a stopped owner bounds. */
const STOPPED_GAP = { gapP50Ms: 4_000, gapP99Ms: 4_000 };
const TWO: Replicas = { gateway: 2, orchestrator: 2, tts: 2 };
const PLAIN = { talks: 14, replicas: TWO, store: 'single', overLines: false, patienceMs: undefined } as const;
/** In a deploy one process of a kind carries everybody. */
const ROOM = { PARLEY_MAX_VOICE_JOBS: '200', PARLEY_MAX_SESSIONS: '400', PARLEY_MAX_CONNECTIONS: '400' };
/**
 * Where a hundred are killed: of four of a kind one can be, while the one before is not back yet. Each turn is struck as often as
 * one of half as many would be by kills that are twice as far apart.
 */
const FOUR = { talks: 28, env: ROOM, pauseMs: [1_300, 2_300] } as const;
/** A model that is asked again needs a second to its next word: what three of such kills in a row strike says nothing of one. */
const FAR_APART = [2_300, 3_300] as const;
/**
 * Of those that take away what all turns stand on. Without it nobody can say who owns a new session, so whoever knocks is refused, and
 * knocks again. Only a first connection ends a talk with these words: one that resumes tries on, and says that it could not.
 */
const OUTAGES = { turns: 10, strikes: 10, excused: ['refused with 503 unavailable'] };

export const CASES: Record<StrikeName, Case> = {
  orchestrator: {
    title: '`kill -9` of an orchestrator',
    must: { turns: 500, strikes: 100, ...GAP },
    ...PLAIN,
    ...FOUR,
    pauseMs: FAR_APART,
    replicas: { ...TWO, orchestrator: 4 },
    strike: (stage) => killOne(stage, 'orchestrator'),
  },
  tts: {
    title: '`kill -9` of a voice worker',
    must: { turns: 500, strikes: 100, ...GAP },
    ...PLAIN,
    ...FOUR,
    replicas: { ...TWO, tts: 4 },
    strike: (stage) => killOne(stage, 'tts'),
  },
  gateway: {
    title: '`kill -9` of a gateway',
    must: { turns: 200, strikes: 50, ...GAP },
    ...PLAIN,
    // Who loses one goes to the other at the first try.
    pauseMs: [2_500, 4_000],
    strike: (stage) => killOne(stage, 'gateway'),
  },
  'link-reset': {
    title: 'client link cut by a reset',
    must: { turns: 100, strikes: 10, ...GAP },
    ...PLAIN,
    overLines: true,
    pauseMs: [3_000, 4_500],
    strike: (stage) => cutLines(stage, 'reset'),
  },
  'link-blackhole': {
    title: 'client link gone without a word',
    must: { turns: 100, strikes: 10, ...GAP },
    ...PLAIN,
    overLines: true,
    patienceMs: 150,
    pauseMs: [3_500, 5_000],
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
    pauseMs: [0, 2_000],
    strike: (stage) => takeAway(stage, 'store'),
  },
  'nats-down': {
    title: 'NATS down 10 s',
    must: OUTAGES,
    ...PLAIN,
    // An answer stands still meanwhile: with short pauses alone one is struck again and again, until its client gives up.
    pauseMs: [3_500, 5_000],
    strike: (stage) => takeAway(stage, 'bus'),
  },
  'rolling-restart': {
    title: 'rolling restart of every service, 100 conversations under way',
    must: { turns: 300, strikes: 18, resumeMs: 2_000 },
    ...PLAIN,
    talks: 100,
    // Clients and providers are one process, which is to be the last to be late.
    providers: { chunkMs: 100 },
    env: ROOM,
    pauseMs: [0, 1_000],
    strike: restartNext,
  },
};

/** How long things take in a run. Times in ms. */
export interface Pace {
  /** Until the first conversations speak. */
  warmUpMs: number;
  /** Conversations begin one after the other within so much. */
  spreadMs: number;
  turnsPerTalk: number;
  providers: Pick<ProviderHabits, 'firstTokenMs' | 'tokenDelayMs'>;
  /** How long a bus or a store that is taken away stays away. */
  awayMs: number;
  aimMs: Aim;
  /** A case that does not come to its turns ends here, and says so. */
  timeLimitMs: number;
}

/** All rows together are to take 40 min at most. */
export const WHOLE_PACE: Pace = {
  warmUpMs: 4_000,
  spreadMs: 8_000,
  turnsPerTalk: 4,
  providers: PROVIDERS,
  awayMs: 10_000,
  // Of an outage about the length of a turn.
  aimMs: { kill: 2_000, outage: 8_000 },
  timeLimitMs: 14 * 60_000,
};

/** All rows together are to take 5 min at most; the limit is that of a machine that does other things. */
export const SMALL_PACE: Pace = {
  warmUpMs: 2_000,
  spreadMs: 3_000,
  turnsPerTalk: 3,
  // Strikes come every three seconds: within these a successor is to be beyond what its predecessor has said, or none gets on.
  providers: { firstTokenMs: 1_000, tokenDelayMs: 40 },
  awayMs: 3_000,
  // Shares of moments are not looked at.
  aimMs: { kill: 0, outage: 0 },
  timeLimitMs: 2 * 60_000,
};

/** Beyond every time after which somebody looks for another owner or voice: that an answer goes on at all. */
const SMALL_GAP_MS = 15_000;

const SMALL_PAUSES: Partial<Record<StrikeName, Case['pauseMs']>> = {
  orchestrator: [1_500, 2_500],
  'link-reset': [500, 1_000],
  'link-blackhole': [500, 1_000],
};

/**
 * A run so small that all cases together fit into a test: ten strikes where they are short, and whatever turns those hit. In such a
 * hurry, and on a machine that does other things, gaps show little: what is heard is judged as ever, and gaps by a bound of their own.
 */
export function smallOf(name: StrikeName): Case {
  const { gapP50Ms: _median, ...must } = CASES[name].must;
  // One round.
  if (name === 'rolling-restart')
    return { ...CASES[name], talks: PLAIN.talks, must: { ...must, turns: 10, strikes: 6, resumeMs: SMALL_GAP_MS } };
  if (must.gapP99Ms === undefined) return { ...CASES[name], must: { ...must, turns: 5, strikes: 1 }, pauseMs: [0, 0] };
  const strikes = name === 'stopped-owner' ? 1 : 10;
  return {
    ...CASES[name],
    talks: PLAIN.talks,
    replicas: TWO,
    must: { turns: name === 'stopped-owner' ? 1 : 10, strikes, gapP99Ms: SMALL_GAP_MS },
    pauseMs: SMALL_PAUSES[name] ?? [0, 1_000],
  };
}
