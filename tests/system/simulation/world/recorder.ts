import { createHash } from 'node:crypto';
import type { VirtualSystem } from '@parley/harness';
import type { Observation } from '../checker/observation';

/** Lines are hashed in bundles: a call of the hash costs more than a line. */
const LINES_A_BUNDLE = 512;

type Unstamped<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** Everything that was seen from outside, in order: hashed, and handed to whoever judges or prints it. */
export class Recorder {
  private readonly hash = createHash('sha1');
  private lines: string[] = [];

  constructor(
    readonly system: VirtualSystem,
    private readonly listeners: readonly ((observation: Observation) => void)[],
  ) {}

  record(unstamped: Unstamped<Observation>): void {
    const observation = { atMs: this.system.nowMs, ...unstamped } as Observation;
    this.hashed(observation);
    if (this.lines.length >= LINES_A_BUNDLE) this.flush();
    for (const listener of this.listeners) listener(observation);
  }

  /** Of all lines so far; nothing can be recorded after it. */
  digest(): string {
    this.flush();
    return this.hash.digest('hex');
  }

  private hashed(observation: Observation): void {
    if (observation.kind === 'passed') return;
    if (observation.kind !== 'stored') return void this.lines.push(JSON.stringify(observation));
    const { state, ...rest } = observation;
    this.lines.push(JSON.stringify(rest));
    this.flush();
    this.hash.update(state);
  }

  private flush(): void {
    this.hash.update(this.lines.join('\n'));
    this.lines = [];
  }
}
