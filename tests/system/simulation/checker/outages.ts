import type { ObservationOf } from './observation';

/** A session that lost its owner, or what was on the way to it, has found its way back by then. */
export const RECOVERY_MS = 8_000;

/** Faults of some kinds: how many there are, and when the last of them ended. */
class Trouble {
  private active = 0;
  private lastEndMs = Number.NEGATIVE_INFINITY;

  /** With what is still to come of it so long after it. */
  isUnderWay(nowMs: number, afterMs: number): boolean {
    return this.active > 0 || nowMs <= this.lastEndMs + afterMs;
  }

  observe({ atMs, phase }: ObservationOf<'fault'>): void {
    this.active += phase === 'begins' ? 1 : -1;
    this.lastEndMs = atMs;
  }

  get recoveredMs(): number {
    return this.active > 0 ? Number.POSITIVE_INFINITY : this.lastEndMs + RECOVERY_MS;
  }
}

/** Of the store: calls that fail. One that is only slow is not away. */
const STORE_AWAY = /^store (refusing|answers-lost) /;
/** An owner tries again every 200 ms, at a store that may be slow by now. */
const STORE_BACK_MS = 1_500;

/** When something was away, and what may be said of what happened meanwhile. */
export class Outages {
  /** Bus, store or a process. */
  private readonly any = new Trouble();
  /** All that an answer need not survive: more than one process of a kind, and what providers do. */
  private readonly excusing = new Trouble();
  private readonly store = new Trouble();

  observe(fault: ObservationOf<'fault'>): void {
    if (STORE_AWAY.test(fault.fault)) this.store.observe(fault);
    if (fault.outage !== 'none') this.any.observe(fault);
    if (fault.outage !== 'loss') this.excusing.observe(fault);
  }

  /** Owners may not have reached the store, or not know that they have. */
  storeIsAway(nowMs: number): boolean {
    return this.store.isUnderWay(nowMs, STORE_BACK_MS);
  }

  /** From when on the bounds of G2 count again. */
  get recoveredMs(): number {
    return this.any.recoveredMs;
  }

  /** Nothing was away since, nor shortly before. */
  calmSince(atMs: number): boolean {
    return this.recoveredMs <= atMs;
  }

  /** Since then, and shortly before, nothing went wrong but that processes died of which there was another (G6). */
  survivableSince(atMs: number): boolean {
    return this.excusing.recoveredMs <= atMs;
  }
}
