import type { Observation } from '../checker/observation';
import { BROKEN_JOB, CUT_OFF, KILLS, type Fault, type Trouble } from './faults';
import type { Moment, SeenSession, Sight } from './sight';
import type { Strikes } from './strikes';
import { streamOf, type Dice } from './streams';
import type { World } from './world';

type Prey = 'orchestrator' | 'tts' | 'gateway' | 'link of tts' | 'voice job';

const FAULT_OF: Record<Prey, Fault> = { ...KILLS, 'link of tts': CUT_OFF, 'voice job': BROKEN_JOB };

/** Whom to lose of the answer that comes to this moment, and how long after it did at most. */
interface Chase {
  readonly prey: readonly Prey[];
  readonly moment: Moment;
  readonly withinMs: number;
}

const CHASES: readonly Chase[] = [
  { prey: ['orchestrator'], moment: 'before-first-token', withinMs: 80 },
  { prey: ['orchestrator'], moment: 'between-tokens', withinMs: 60 },
  { prey: ['orchestrator'], moment: 'audio-flowing', withinMs: 600 },
  { prey: ['orchestrator'], moment: 'generated-and-playing', withinMs: 1_500 },
  { prey: ['tts'], moment: 'between-tokens', withinMs: 100 },
  { prey: ['tts'], moment: 'audio-flowing', withinMs: 600 },
  { prey: ['tts'], moment: 'generated-and-playing', withinMs: 1_500 },
  { prey: ['gateway'], moment: 'before-first-token', withinMs: 80 },
  { prey: ['gateway'], moment: 'between-tokens', withinMs: 100 },
  { prey: ['gateway'], moment: 'audio-flowing', withinMs: 600 },
  { prey: ['gateway'], moment: 'generated-and-playing', withinMs: 1_500 },
  { prey: ['link of tts'], moment: 'between-tokens', withinMs: 300 },
  { prey: ['link of tts'], moment: 'audio-flowing', withinMs: 300 },
  { prey: ['voice job'], moment: 'between-tokens', withinMs: 200 },
  { prey: ['voice job'], moment: 'audio-flowing', withinMs: 200 },
  { prey: ['orchestrator', 'tts'], moment: 'between-tokens', withinMs: 100 },
  { prey: ['orchestrator', 'tts'], moment: 'audio-flowing', withinMs: 600 },
  { prey: ['orchestrator', 'gateway'], moment: 'audio-flowing', withinMs: 600 },
];
const isProcess = (prey: Prey): boolean => prey === 'orchestrator' || prey === 'tts' || prey === 'gateway';

/** Of these the successor is killed as well: before anybody has heard of it, or when it has gone on. */
const SECOND_PROBABILITY = 0.4;
const FIRST_MS = 1_500;
const COUNT = { from: 4, to: 7 };
const PATIENCE_MS = 12_000;
const REST_MS = { from: 0, to: 3_000 };
const GONE_MS = { from: 200, to: 3_000 };
/** So soon that there is somebody to take over from the one that takes over. */
const SOON_MS = { from: 40, to: 80 };

/**
 * The bad luck of a seed in which nothing goes wrong but that processes die while another of their kind lives, one after the other
 * and each in a chosen moment of an answer: every answer has to survive it (G6).
 */
export class Hunter implements Trouble {
  private readonly dice: Dice;
  private readonly onSeen = new Set<() => void>();

  constructor(
    private readonly world: World,
    private readonly sight: Sight,
    private readonly strikes: Strikes,
    seed: number,
  ) {
    this.dice = streamOf(seed, 'hunter');
  }

  observe(_seen: Observation): void {
    for (const look of [...this.onSeen]) look();
  }

  async run(): Promise<void> {
    const { dice, world } = this;
    await this.pass(FIRST_MS);
    for (let left = dice.integer(COUNT.from, COUNT.to); left > 0; left--) {
      const chase = dice.pick(CHASES);
      const met = await this.meet((session) => session.momentAt(world.system.nowMs) === chase.moment);
      if (met) {
        await this.pass(dice.between(0, chase.withinMs));
        await this.kill(chase.prey, met);
      }
      await this.pass(dice.between(REST_MS.from, REST_MS.to));
    }
  }

  private async kill(prey: readonly Prey[], session: SeenSession): Promise<void> {
    const { dice } = this;
    if (!prey.every(isProcess)) return void (await Promise.all(this.strike(prey, session)));
    if (!dice.chance(SECOND_PROBABILITY)) {
      await Promise.all(this.strike(prey, session, GONE_MS));
      return;
    }
    const first = this.strike(prey, session, SOON_MS);
    const duringTakeover = dice.chance(0.6);
    await this.meet((each) => {
      if (each !== session) return false;
      const moment = session.momentAt(this.world.system.nowMs);
      return (moment === 'during-takeover') === duringTakeover && session.epochs.stored > 1;
    });
    await this.pass(duringTakeover ? 0 : dice.between(0, 300));
    await Promise.all(first);
    await Promise.all(this.strike(['orchestrator'], session, GONE_MS));
  }

  private carrierOf(session: SeenSession, role: Prey): string | undefined {
    if (role === 'orchestrator') return session.owner;
    return role === 'gateway' ? session.gateway : this.sight.voiceOf(session);
  }

  /** Kills those who carry the answer now; ends when their successors have come. */
  private strike(prey: readonly Prey[], session: SeenSession, lastsMs?: typeof GONE_MS): Promise<void>[] {
    return prey.flatMap((role) => {
      const process = this.carrierOf(session, role);
      const place = this.world.slotOf(process);
      if (place === undefined || !this.world.hasOther(place)) return [];
      return [this.strikes.strike(FAULT_OF[role], place, this.dice, lastsMs)];
    });
  }

  /** The first session of which this holds; undefined when none comes. */
  private meet(isIt: (session: SeenSession) => boolean): Promise<SeenSession | undefined> {
    return new Promise((resolve) => {
      const end = (met: SeenSession | undefined): void => {
        cancel();
        this.onSeen.delete(look);
        resolve(met);
      };
      const look = (): void => {
        for (const session of this.sight.sessions) if (isIt(session)) return end(session);
      };
      const cancel = this.world.system.timers.after(PATIENCE_MS, () => end(undefined));
      this.onSeen.add(look);
    });
  }

  private pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.system.timers.after(ms, resolve));
  }
}
