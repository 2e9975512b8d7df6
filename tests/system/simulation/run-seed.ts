import { VirtualSystem } from '@parley/harness';
import type { LogPort } from '@parley/ports';
import { Checker } from './checker/checker';
import type { Observation } from './checker/observation';
import type { Violation } from './checker/violation';
import { Client } from './clients/client';
import { BadLuck, type Trouble } from './world/faults';
import { Hunter } from './world/hunter';
import { Recorder } from './world/recorder';
import { Sight } from './world/sight';
import { streamOf } from './world/streams';
import { Strikes } from './world/strikes';
import { INSTRUCTIONS, World } from './world/world';

export interface SeedResult {
  seed: number;
  /** Of everything that was seen from outside. */
  hash: string;
  violations: readonly Violation[];
  virtualMs: number;
  sessions: number;
  turns: number;
  /** Time of all connections, from their opening to their end. */
  sessionMs: number;
  /** Faults that were begun, by name. */
  faults: ReadonlyMap<string, number>;
  /** Answers that a kill hit, by who was killed in which moment. */
  hits: ReadonlyMap<string, number>;
  /** Single messages, calls and answers that they changed. */
  touched: ReadonlyMap<string, number>;
  acts: ReadonlyMap<string, number>;
  /** Lines of level error, which say that the code met what it holds impossible. */
  errors: ReadonlyMap<string, number>;
}

export interface SeedOptions {
  onObservation?: (observation: Observation) => void;
  log?: LogPort;
}

const TICK_MS = 500;
/** Everything must have gone wrong and been mended by then. */
const LIMIT_MS = 15 * 60_000;
/** In the others everything goes wrong that can. */
const HUNT_PROBABILITY = 0.12;
const SHORT_ANSWERS = { from: 1, to: 3 };
/** Longer than the voice looks ahead, so that there is much to lose. */
const LONG_ANSWERS = { from: 3, to: 6 };
/** After the last fault and the last act; the bounds of G2 are over then. */
const CALM_MS = 20_000;
const GOODBYE_MS = 3_000;
/** Of one client, before its last one. */
const TURNS = [1, 1, 2, 2];
const HUNTED_TURNS = [2, 3];

/** One virtual world from its start to its end. The same seed takes the same course, in any process. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const system = new VirtualSystem(seed);
  const checker = new Checker(INSTRUCTIONS);
  const counter = new Counter();
  let isOver = false;
  const listeners: ((seen: Observation) => void)[] = [
    (seen) => {
      if (!isOver) checker.observe(seen);
    },
    (seen) => counter.observe(seen),
    options.onObservation ?? (() => {}),
  ];
  const recorder = new Recorder(system, listeners);
  const errors = new Map<string, number>();
  const isHunt = streamOf(seed, 'hunt').chance(HUNT_PROBABILITY);
  const answers = isHunt ? LONG_ANSWERS : SHORT_ANSWERS;
  const world = new World(seed, recorder, countingLog(errors, options.log), answers);
  const sight = new Sight();
  const strikes = new Strikes(world, recorder, sight);
  const trouble: Trouble = isHunt ? new Hunter(world, sight, strikes, seed) : new BadLuck(world, strikes, seed);
  listeners.push(
    (seen) => sight.observe(seen),
    (seen) => trouble.observe(seen),
  );
  const clients = clientsOf(seed, world, recorder, isHunt ? HUNTED_TURNS : TURNS);
  const ticking = system.timers.every(TICK_MS, () => recorder.record({ kind: 'passed' }));

  const course = async (): Promise<void> => {
    await world.start();
    await Promise.all([trouble.run(), ...clients.map((client) => client.run())]);
    await new Promise<void>((resolve) => void system.timers.after(CALM_MS, resolve));
    await Promise.all(clients.map((client) => client.finish()));
    recorder.record({ kind: 'settled' });
    for (const client of clients) client.leave();
  };
  await runUntil(system, course(), () => checker.violations.length > 0);
  isOver = true;
  ticking();
  await system.advanceBy(GOODBYE_MS);
  for (const slot of world.slotNames) world.kill(slot);

  return {
    seed,
    hash: recorder.digest(),
    violations: checker.violations,
    virtualMs: system.nowMs,
    sessions: counter.sessions,
    turns: counter.turns,
    sessionMs: counter.sessionMs,
    faults: strikes.counts,
    hits: sight.hits,
    touched: world.touched,
    acts: sum(clients.map(({ actsDone }) => actsDone)),
    errors,
  };
}

/** Measures, and judges nothing. */
class Counter {
  sessions = 0;
  turns = 0;
  sessionMs = 0;
  private readonly connectedMs = new Map<string, number>();

  observe(seen: Observation): void {
    if (seen.kind === 'connected') {
      this.sessions++;
      this.connectedMs.set(seen.connection, seen.atMs);
    }
    if (seen.kind === 'received' && seen.event.type === 'response.created') this.turns++;
    if (seen.kind !== 'closed' && seen.kind !== 'vanished') return;
    this.sessionMs += seen.atMs - (this.connectedMs.get(seen.connection) ?? seen.atMs);
  }
}

function clientsOf(seed: number, world: World, recorder: Recorder, turns: readonly number[]): Client[] {
  const dice = streamOf(seed, 'clients');
  return Array.from(
    { length: dice.integer(2, 4) },
    (_, index) => new Client(`c${index}`, world, recorder, seed, dice.pick(turns)),
  );
}

/** A second at a time, so that a violation ends it early. */
async function runUntil(system: VirtualSystem, course: Promise<void>, isOver: () => boolean): Promise<void> {
  let outcome: { error: unknown } | 'ended' | undefined;
  course.then(
    () => (outcome = 'ended'),
    (error: unknown) => (outcome = { error }),
  );
  while (outcome === undefined && !isOver()) {
    if (system.nowMs > LIMIT_MS) throw new Error(`it did not end within ${LIMIT_MS} ms of virtual time`);
    await system.advanceBy(1_000);
  }
  if (typeof outcome === 'object') throw outcome.error;
}

function sum(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const each of counts) for (const [name, count] of each) total.set(name, (total.get(name) ?? 0) + count);
  return total;
}

function countingLog(errors: Map<string, number>, log: LogPort | undefined): LogPort {
  const counting: LogPort = {
    debug: (message, fields) => log?.debug(message, fields),
    info: (message, fields) => log?.info(message, fields),
    warn: (message, fields) => log?.warn(message, fields),
    error: (message, fields) => {
      errors.set(message, (errors.get(message) ?? 0) + 1);
      log?.error(message, fields);
    },
    child: () => counting,
  };
  return counting;
}
