import { createHash } from 'node:crypto';
import { FAULTS } from '../world/faults';
import type { SeedResult } from '../run-seed';

/** What many seeds came to. */
export class Totals {
  seeds = 0;
  /** Of all that was seen in all of them. */
  private readonly hash = createHash('sha1');
  private sessions = 0;
  private turns = 0;
  private virtualMs = 0;
  private sessionMs = 0;
  private readonly faults = new Map<string, number>(FAULTS.map(({ name }) => [name, 0]));
  private readonly hits = new Map<string, number>();
  private readonly touched = new Map<string, number>();
  private readonly acts = new Map<string, number>();
  private readonly errors = new Map<string, number>();

  add(result: SeedResult): void {
    this.seeds++;
    this.hash.update(result.hash);
    this.sessions += result.sessions;
    this.turns += result.turns;
    this.virtualMs += result.virtualMs;
    this.sessionMs += result.sessionMs;
    addTo(this.faults, result.faults);
    addTo(this.hits, result.hits);
    addTo(this.touched, result.touched);
    addTo(this.acts, result.acts);
    addTo(this.errors, result.errors);
  }

  /** Kinds of faults of which there was none, and moments that no kill hit. */
  get missing(): string[] {
    return [...this.faults, ...this.hits].filter(([, count]) => count === 0).map(([name]) => name);
  }

  /** For the given CPU time. */
  summary(cpuSeconds: number) {
    const { seeds, sessions, turns } = this;
    const faults = sumOf(this.faults);
    const sessionSeconds = this.sessionMs / 1_000;
    const perSeed = (value: number): number => round(value / seeds);
    const perCpuSecond = (value: number): number => round(value / cpuSeconds);
    return {
      seeds,
      hash: this.hash.copy().digest('hex'),
      perSeed: {
        virtualSeconds: perSeed(this.virtualMs / 1_000),
        sessions: perSeed(sessions),
        turns: perSeed(turns),
        faults: perSeed(faults),
      },
      perCpuSecond: {
        seeds: perCpuSecond(seeds),
        sessionSeconds: perCpuSecond(sessionSeconds),
        faults: perCpuSecond(faults),
      },
      faults: Object.fromEntries(this.faults),
      hits: Object.fromEntries(this.hits),
      touched: Object.fromEntries(this.touched),
      acts: Object.fromEntries(this.acts),
      errors: Object.fromEntries(this.errors),
    };
  }
}

function addTo(total: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [name, count] of more) total.set(name, (total.get(name) ?? 0) + count);
}

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, each) => sum + each, 0);
const round = (value: number): number => Math.round(value * 10) / 10;
