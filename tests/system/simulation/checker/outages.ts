import type { ObservationOf } from './observation';

/** A session that lost its owner, or what was on the way to it, has found its way back by then. */
export const RECOVERY_MS = 8_000;

/** When something was away that G2's bounds do not count: bus, store, or a process. */
export class Outages {
  private active = 0;
  private lastEndMs = Number.NEGATIVE_INFINITY;

  observe({ atMs, outage, phase }: ObservationOf<'fault'>): void {
    if (!outage) return;
    this.active += phase === 'begins' ? 1 : -1;
    this.lastEndMs = atMs;
  }

  get isActive(): boolean {
    return this.active > 0;
  }

  /** From when on the bounds count again. */
  get recoveredMs(): number {
    return this.isActive ? Number.POSITIVE_INFINITY : this.lastEndMs + RECOVERY_MS;
  }

  /** Nothing was away since, nor shortly before. */
  calmSince(atMs: number): boolean {
    return this.recoveredMs <= atMs;
  }
}
