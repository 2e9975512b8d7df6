import type { MemoryBus } from '@parley/adapter-bus-memory';
import type { VirtualSystem } from '@parley/harness';
import type { CancelTimer, SystemPorts } from '@parley/ports';
import type { Station } from './faulty-bus';
import { streamOf, type Dice } from './streams';

/** Monotonic clocks of two hosts have nothing to do with one another. */
const MAX_CLOCK_OFFSET_MS = 1_000_000;
/** A host that nobody sets the time of. */
const MAX_WALL_SKEW_MS = 10 * 60_000;

/** No timer takes no time: what is left of a rounding error must not be waited for again and again. */
const MIN_DELAY_MS = 0.01;

/**
 * One run of one process: clock, timers, ids and links of its own. Killed, nothing of it ever runs again: its timers do
 * not fire, its waits do not end, its links are cut without a word.
 */
export class SimulatedProcess implements Station {
  readonly system: SystemPorts;
  readonly dice: Dice;
  private alive = true;
  private readonly periodic = new Set<CancelTimer>();
  private readonly deathbed: (() => void)[] = [];

  constructor(
    readonly slot: string,
    readonly number: number,
    private readonly world: VirtualSystem,
    readonly bus: MemoryBus,
    seed: number,
  ) {
    this.dice = streamOf(seed, `${slot}/${number}`);
    const offsetMs = this.dice.between(0, MAX_CLOCK_OFFSET_MS);
    const skewMs = streamOf(seed, `${slot}/${number}/wall`).between(-MAX_WALL_SKEW_MS, MAX_WALL_SKEW_MS);
    const { clock, timers, schedule } = world;
    const ifAlive = (callback: () => void) => (): void => {
      if (this.alive) callback();
    };
    this.system = {
      clock: { nowMs: () => clock.nowMs() + offsetMs, wallMs: () => clock.wallMs() + skewMs },
      timers: {
        after: (delayMs, callback) => timers.after(Math.max(MIN_DELAY_MS, delayMs), ifAlive(callback)),
        every: (periodMs, callback) => {
          const cancel = timers.every(periodMs, callback);
          this.periodic.add(cancel);
          return cancel;
        },
      },
      random: this.dice.port,
      loopLag: world.loopLag,
      schedule: (callback) => schedule(ifAlive(callback)),
    };
  }

  get name(): string {
    return `${this.slot}/${this.number}`;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Ends after `ms`, at once when `signal` aborts, and never when the process dies. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.system.timers.after(ms, () => {
        signal?.removeEventListener('abort', end);
        resolve();
      });
      const end = (): void => {
        cancel();
        resolve();
      };
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  /** Called when this process dies: what it held elsewhere (sockets) ends then. */
  onDeath(callback: () => void): void {
    this.deathbed.push(callback);
  }

  /** As SIGKILL. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const cancel of this.periodic) cancel();
    this.bus.kill();
    for (const callback of this.deathbed) callback();
  }
}
