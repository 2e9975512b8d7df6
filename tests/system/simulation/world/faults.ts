import type { Observation, Outage } from '../checker/observation';
import { LLM_MODES, type LlmMode } from './scripted-llm';
import type { LinkFaultKind, Station } from './faulty-bus';
import type { StoreFaultKind } from './faulty-store';
import { TTS_MODES, type TtsMode } from './scripted-tts';
import { streamOf, type Dice } from './streams';
import type { Strikes } from './strikes';
import type { Role, World } from './world';

/** One way in which things go wrong. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  /** How bad it is where it is to happen. */
  readonly outage: (world: World, place: string) => Outage;
  /** A process, without a word. */
  readonly kills?: true;
  readonly lastsMs: { from: number; to: number };
  /** What cannot have two faults at a time; undefined: nothing here to break. */
  place(world: World, dice: Dice): string | undefined;
  /** Breaks it, and returns its repair. */
  begin(world: World, dice: Dice, place: string): () => void | Promise<void>;
}

const EVERYWHERE = 'everywhere';
const none = (): Outage => 'none';
const severe = (): Outage => 'severe';
const loss = (world: World, place: string): Outage => (world.hasOther(place) ? 'loss' : 'severe');

const linkFault = (kind: Exclude<LinkFaultKind, 'partition'>, weight: number): Fault => ({
  ...{ name: `bus ${kind}`, weight, outage: severe, lastsMs: { from: 500, to: 6_000 } },
  place: (world, dice) => (dice.chance(0.5) ? EVERYWHERE : dice.pick(world.slotNames)),
  begin: ({ network }, _dice, place) => {
    const concerns = ({ slot }: Station): boolean => place === EVERYWHERE || slot === place;
    const fault = { kind, hits: (from: Station, to: Station) => concerns(from) || concerns(to) };
    network.add(fault);
    return () => network.remove(fault);
  },
});

const partition: Fault = {
  ...{ name: 'bus partition', weight: 3, outage: severe, lastsMs: { from: 500, to: 8_000 } },
  place: (world, dice) => dice.pick(world.slotNames),
  begin: ({ network, slotNames }, dice, place) => {
    const other = dice.pick(slotNames.filter((slot) => slot !== place));
    const isBetween = (from: Station, to: Station): boolean =>
      (from.slot === place && to.slot === other) || (from.slot === other && to.slot === place);
    const fault = { kind: 'partition' as const, hits: isBetween };
    network.add(fault);
    return () => network.remove(fault);
  },
};

const linkLost: Fault = {
  ...{ name: 'bus link lost', weight: 3, outage: severe, lastsMs: { from: 100, to: 8_000 } },
  place: (world, dice) => dice.pick(world.slotNames),
  begin: (world, _dice, place) => {
    const bus = world.busOf(place);
    bus?.disconnect();
    return () => bus?.reconnect();
  },
};

const storeFault = (kind: StoreFaultKind): Fault => ({
  ...{ name: `store ${kind}`, weight: kind === 'slow' ? 4 : 2, outage: severe, lastsMs: { from: 500, to: 7_000 } },
  place: (_world, dice) => (dice.chance(0.5) ? 'store' : dice.pick(['orchestrator-0', 'orchestrator-1'])),
  begin: ({ storeTrouble }, _dice, place) => {
    const fault = { kind, hits: (slot: string) => place === 'store' || slot === place };
    storeTrouble.add(fault);
    return () => storeTrouble.remove(fault);
  },
});

/** An owner whose store is away until it is killed: what it sent meanwhile no successor knows. */
const diesUnwritten: Fault = {
  ...{ name: 'store refusing until killed', weight: 1.5, outage: severe, lastsMs: { from: 300, to: 5_000 } },
  place: (_world, dice) => dice.pick(['orchestrator-0', 'orchestrator-1']),
  begin: (world, _dice, place) => {
    const fault = { kind: 'refusing' as const, hits: (slot: string) => slot === place };
    world.storeTrouble.add(fault);
    return () => {
      world.kill(place);
      world.storeTrouble.remove(fault);
      return world.respawn(place);
    };
  },
};

const llmFault = (mode: Exclude<LlmMode, 'well'>): Fault => ({
  ...{ name: `llm ${mode}`, weight: 1.2, outage: none, lastsMs: { from: 3_000, to: 10_000 } },
  place: () => 'llm',
  begin: ({ model }) => {
    model.mode = mode;
    return () => {
      model.mode = 'well';
    };
  },
});

const ttsFault = (mode: Exclude<TtsMode, 'well'>): Fault => ({
  ...{ name: `tts ${mode}`, weight: 1.2, outage: none, lastsMs: { from: 3_000, to: 10_000 } },
  place: () => 'tts',
  begin: ({ voice }) => {
    voice.mode = mode;
    return () => {
      voice.mode = 'well';
    };
  },
});

const placeOf = (role: Role) => (world: World, dice: Dice) => {
  const slots = world.slotNames.filter((slot) => slot.startsWith(role));
  return slots.length === 0 ? undefined : dice.pick(slots);
};

const kill = (role: Role, weight: number): Fault => ({
  ...{ name: `kill ${role}`, weight, outage: loss, kills: true, lastsMs: { from: 200, to: 6_000 } },
  place: placeOf(role),
  begin: (world, _dice, place) => {
    world.kill(place);
    return () => world.respawn(place);
  },
});

/** In order, as a rolling deploy does it; the fault ends when the old process is gone. */
const deploy = (role: Role, weight: number): Fault => ({
  ...{ name: `deploy ${role}`, weight, outage: severe, lastsMs: { from: 1, to: 2 } },
  place: placeOf(role),
  begin: (world, dice, place) => {
    const replaced = world.replace(place, dice.between(500, 15_000));
    return () => replaced;
  },
});

/** Of those that carry an answer and have successors. */
export const KILLS = { orchestrator: kill('orchestrator', 4), tts: kill('tts', 3), gateway: kill('gateway', 3) };

/** A voice worker that is taken for lost, and comes back when another one speaks: not so soon that nobody has noticed. */
export const CUT_OFF: Fault = { ...linkLost, outage: loss, lastsMs: { from: 400, to: 1_500 } };

/** The next rendering breaks, and no other. */
export const BROKEN_JOB: Fault = {
  ...{ name: 'tts throws', weight: 0, outage: loss, lastsMs: { from: 400, to: 1_500 } },
  place: () => 'tts',
  begin: ({ voice }) => {
    voice.next = 'throws';
    return () => {
      voice.next = undefined;
    };
  },
};

/** All that goes wrong. */
export const FAULTS: readonly Fault[] = [
  linkFault('delay', 5),
  linkFault('drop', 4),
  linkFault('duplicate', 3),
  linkFault('reorder', 3),
  partition,
  linkLost,
  ...(['slow', 'refusing', 'answers-lost'] as const).map(storeFault),
  diesUnwritten,
  ...LLM_MODES.map(llmFault),
  ...TTS_MODES.map(ttsFault),
  KILLS.gateway,
  KILLS.orchestrator,
  KILLS.tts,
  kill('avatar', 1),
  deploy('gateway', 1),
  deploy('orchestrator', 2),
  deploy('tts', 1),
  deploy('avatar', 1),
];

const FIRST_MS = 1_500;
const LAST_MS = 30_000;
const COUNT = { from: 5, to: 10 };

const AIMED_PROBABILITY = 0.5;
const AIM_PATIENCE_MS = 4_000;

/** Whatever makes things go wrong. */
export interface Trouble {
  observe(seen: Observation): void;
  /** Resolves when the last fault is repaired. */
  run(): Promise<void>;
}

/** The bad luck of one seed: which faults, when, where and for how long. */
export class BadLuck implements Trouble {
  private readonly onSaid: (() => void)[] = [];
  private readonly dice: Dice;

  constructor(
    private readonly world: World,
    private readonly strikes: Strikes,
    seed: number,
  ) {
    this.dice = streamOf(seed, 'faults');
  }

  observe(seen: Observation): void {
    if (seen.kind !== 'sent' || seen.event.type === 'parley.playback') return;
    for (const tell of this.onSaid.splice(0)) tell();
  }

  async run(): Promise<void> {
    const count = this.dice.integer(COUNT.from, COUNT.to);
    const starts = Array.from({ length: count }, () => this.dice.between(FIRST_MS, LAST_MS)).sort((a, b) => a - b);
    const possible = FAULTS.filter((fault) => fault.place(this.world, this.dice) !== undefined);
    await Promise.all(starts.map((atMs) => this.strike(this.dice.weighted(possible), atMs)));
  }

  private async strike(fault: Fault, atMs: number): Promise<void> {
    const { world, strikes, dice } = this;
    await this.until(atMs);
    if (dice.chance(AIMED_PROBABILITY)) await this.aim();
    const place = fault.place(world, dice);
    if (place === undefined || strikes.isBroken(place)) return;
    await strikes.strike(fault, place, dice);
  }

  /** Right after somebody has said something: what is then under way is what can be lost. */
  private async aim(): Promise<void> {
    const { timers } = this.world.system;
    await new Promise<void>((resolve) => {
      const cancel = timers.after(AIM_PATIENCE_MS, resolve);
      this.onSaid.push(() => {
        cancel();
        resolve();
      });
    });
    // Most races are over within a write, some within a repetition.
    await this.until(this.world.system.nowMs + this.dice.between(0, this.dice.pick([1, 5, 400])));
  }

  private until(atMs: number): Promise<void> {
    const { nowMs, timers } = this.world.system;
    return new Promise((resolve) => void timers.after(atMs - nowMs, resolve));
  }
}
