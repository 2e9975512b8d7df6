import type { Fault } from './faults';
import type { Recorder } from './recorder';
import type { Sight } from './sight';
import type { Dice } from './streams';
import type { World } from './world';

/** Faults under way: one at a time in each place, told to whoever looks on, and counted. */
export class Strikes {
  /** Faults that were begun, by name. */
  readonly counts = new Map<string, number>();
  private readonly broken = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly recorder: Recorder,
    private readonly sight: Sight,
  ) {}

  isBroken(place: string): boolean {
    return this.broken.has(place);
  }

  /** Ends when the fault is repaired. */
  async strike(fault: Fault, place: string, dice: Dice, { from, to } = fault.lastsMs): Promise<void> {
    const { world, recorder } = this;
    if (this.broken.has(place)) return;
    this.broken.add(place);
    this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
    const seen = { kind: 'fault', fault: `${fault.name} ${place}`, outage: fault.outage(world, place) } as const;
    recorder.record({ ...seen, phase: 'begins' });
    const process = world.processOf(place);
    if (fault.kills && process !== undefined) this.sight.killed(process, world.system.nowMs);
    const repair = fault.begin(world, dice, place);
    await new Promise<void>((resolve) => void world.system.timers.after(dice.between(from, to), resolve));
    await repair();
    this.broken.delete(place);
    recorder.record({ ...seen, phase: 'ends' });
  }
}
