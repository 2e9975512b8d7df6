import { systemPorts } from '@parley/composition';
import type { RandomPort } from '@parley/ports';
import { Crowd } from './crowd';
import { overloadRowOf, type Load, type OverloadRow, type Requirement } from './overload-row';
import { Servers } from '../support/servers';
import { PROVIDERS, Scene } from './scene';
import { Witness } from './witness';
import { sleep } from '../support/sleep';

/** So many times the capacity is offered: those who have a place, and as many once and again who want one. */
const OFFERED = 3;
const LOOK_EVERY_MS = 100;
const TURNS_PER_TALK = 4;
/**
 * The voice speaks in real time, so that whatever holds it up makes the rest of the answer late. Its pieces are large: clients and
 * providers are one process, which is to be the last to be late.
 */
const STEADY = { ...PROVIDERS, voicePace: 1, firstTokenMs: 500, chunkMs: 100 };

export interface Overload {
  title: string;
  /** Conversations that all gateways together are told to carry. */
  capacity: number;
  /** Measured for so long at capacity, and then as long with more offered. */
  windowMs: number;
  must: Requirement;
}

export const OVERLOAD: Overload = {
  title: '3 × the capacity offered',
  capacity: 30,
  windowMs: 60_000,
  must: { lateRatio: 1.5, lateSlackMs: 0, ownLagMs: 100, speakingShare: 0.8 },
};

/** On a machine that does other things, lateness and load are a matter of luck: this one is about who is let in, and what is heard. */
export const SMALL_OVERLOAD: Overload = {
  ...OVERLOAD,
  capacity: 16,
  windowMs: 5_000,
  must: { ...OVERLOAD.must, lateSlackMs: 2_000, ownLagMs: 2_000, speakingShare: 0.5 },
};

export interface OverloadOptions {
  random: RandomPort;
  print(line: string): void;
}

/** A run at capacity, and then the same with three times as many who want to speak. */
export async function runOverload(definition: Overload, options: OverloadOptions): Promise<OverloadRow> {
  const { random, print } = options;
  const { capacity, windowMs } = definition;
  const servers = await Servers.start('single');
  const scene = await Scene.start(
    servers,
    STEADY,
    { gateway: 2, orchestrator: 2, tts: 2 },
    { PARLEY_MAX_CONNECTIONS: String(capacity / 2) },
  );
  try {
    const gateways = scene.gatewayUrls();
    const witness = new Witness(scene);
    const crowdOf = (size: number, above: number): Crowd =>
      new Crowd({
        ...{ size, above, random, patienceMs: undefined, spreadMs: windowMs / 4 },
        ...{ turnsPerTalk: TURNS_PER_TALK, sentences: STEADY.sentences },
        addressesOf: () => gateways,
        promptsOf: (turnId) => witness.promptsOf(turnId),
      });
    // Talks have numbers of their own over both crowds.
    const [speaking, knocking] = [crowdOf(capacity, 0), crowdOf((OFFERED - 1) * capacity, 1e6)];
    const crowds = [speaking, knocking];
    const watch = (): Promise<Load> => watchFor(windowMs, crowds);
    speaking.start();
    await sleep(windowMs / 4);
    const atCapacity = await watch();
    print(`at capacity: ${atCapacity.speaking.p50} speak`);
    knocking.start();
    await sleep(windowMs / 4);
    const overloaded = await watch();
    print(`${OFFERED} × offered: ${overloaded.speaking.p50} speak`);
    await Promise.all(crowds.map((crowd) => crowd.stop()));
    return overloadRowOf({
      ...{ title: definition.title, must: definition.must, capacity, offered: OFFERED * capacity },
      ...{ atCapacity, overloaded, crowds },
    });
  } finally {
    await scene.stop();
    await servers.stop();
  }
}

/** How many conversations there are at a time, by their open sockets. */
async function watchFor(ms: number, crowds: readonly Crowd[]): Promise<Load> {
  const fromMs = performance.now();
  const counts: number[] = [];
  let ownLagMs = 0;
  const unwatch = systemPorts.loopLag.watch((lagMs) => (ownLagMs = Math.max(ownLagMs, lagMs)));
  while (performance.now() < fromMs + ms) {
    counts.push(crowds.flatMap(({ talks }) => talks.filter(({ isConnected }) => isConnected)).length);
    await sleep(LOOK_EVERY_MS);
  }
  unwatch();
  return { fromMs, toMs: performance.now(), speaking: { p50: median(counts), max: Math.max(...counts) }, ownLagMs };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
