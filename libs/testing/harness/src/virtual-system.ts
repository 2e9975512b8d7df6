import { InvariantError } from '@parley/model';
import type { CancelTimer, ClockPort, LoopLagPort, RandomPort, SystemPorts, TimersPort } from '@parley/ports';
import { seededRandom } from './seeded-random';

interface Timer {
  dueMs: number;
  /** Among timers of one instant the one armed first runs first. */
  order: number;
  callback: () => void;
  state: 'armed' | 'cancelled' | 'fired';
}

/** A Friday noon: any fixed date does, as long as two runs have the same. */
const WALL_START_MS = Date.UTC(2027, 0, 1, 12);
/** More timers than this without time going on is code that re-arms itself with delay 0 for ever. */
const MAX_STEPS_PER_INSTANT = 200_000;

/**
 * Time, timers and randomness that exist only when a test says so. Time stands still until `advanceBy` or `runUntil`
 * is awaited; these run due timers one by one in order and let everything that follows from each (promises, work with
 * delay 0) settle before the next, so one seed gives one course of events. Real input and output is not waited for.
 */
export class VirtualSystem implements SystemPorts {
  readonly clock: ClockPort = {
    nowMs: () => this.currentMs,
    wallMs: () => WALL_START_MS + this.currentMs,
  };
  readonly timers: TimersPort = {
    after: (delayMs, callback) => this.arm(delayMs, callback),
    every: (periodMs, callback) => this.armPeriodic(periodMs, callback),
  };
  readonly random: RandomPort;
  readonly loopLag: LoopLagPort = {
    watch: (listener) => {
      const own = (lagMs: number): void => listener(lagMs);
      this.lagListeners.add(own);
      return () => void this.lagListeners.delete(own);
    },
  };

  private currentMs = 0;
  private armed = 0;
  private running = false;
  /** A binary heap, soonest first; a cancelled timer stays in it until it surfaces. */
  private readonly heap: Timer[] = [];
  private live = 0;
  private readonly lagListeners = new Set<(lagMs: number) => void>();

  constructor(seed = 1) {
    this.random = seededRandom(seed);
  }

  get nowMs(): number {
    return this.currentMs;
  }

  /** Timers armed and not yet fired or cancelled; a periodic one counts as one. Zero after a clean stop. */
  get pendingTimers(): number {
    return this.live;
  }

  /** Runs `callback` in this instant, after what runs now and in order: what `setImmediate` is to real time. */
  readonly schedule = (callback: () => void): void => {
    this.arm(0, callback);
  };

  /** What observers of the event loop say now. Virtual time is never late by itself. */
  reportLag(lagMs: number): void {
    for (const listener of [...this.lagListeners]) listener(lagMs);
  }

  /** The lag is that for so long, as told at its beginning and at its end. */
  async stayAtLag(lagMs: number, forMs: number): Promise<void> {
    this.reportLag(lagMs);
    await this.advanceBy(forMs);
    this.reportLag(lagMs);
  }

  /** Lets `ms` pass. With 0 everything settles that needs no time. Rejects with what a timer's callback threw. */
  async advanceBy(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new InvariantError(`time cannot advance by ${ms} ms`);
    const targetMs = this.currentMs + ms;
    await this.alone(async () => {
      await inMacrotasks(() => this.step(targetMs));
      this.currentMs = targetMs;
    });
  }

  /**
   * Lets as much time pass as `promise` needs to settle, and returns its result. Rejects when nothing is left that
   * could settle it, or after `limitMs` of virtual time.
   */
  async runUntil<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const limit = this.currentMs + limitMs;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.alone(() =>
      inMacrotasks(() => {
        if (settled) return false;
        if (this.step(limit)) return true;
        throw new InvariantError(
          this.live === 0
            ? `nothing is left that could settle this promise, at ${this.currentMs} ms`
            : `the promise did not settle within ${limitMs} ms of virtual time`,
        );
      }),
    );
    return promise;
  }

  private steps = 0;

  /** Runs the next timer due at or before `targetMs`; false when there is none. */
  private step(targetMs: number): boolean {
    const next = this.takeDue(targetMs);
    if (next === undefined) return false;
    if (next.dueMs > this.currentMs) {
      this.currentMs = next.dueMs;
      this.steps = 0;
    } else if (++this.steps > MAX_STEPS_PER_INSTANT) {
      throw new InvariantError(`more than ${MAX_STEPS_PER_INSTANT} timers at ${this.currentMs} ms`);
    }
    next.callback();
    return true;
  }

  private async alone(work: () => Promise<void>): Promise<void> {
    if (this.running) throw new InvariantError('virtual time is already being advanced: await the first call');
    this.running = true;
    this.steps = 0;
    try {
      await work();
    } finally {
      this.running = false;
    }
  }

  private arm(delayMs: number, callback: () => void): CancelTimer {
    if (Number.isNaN(delayMs)) throw new InvariantError('a timer needs a delay');
    const timer: Timer = {
      dueMs: this.currentMs + Math.max(0, delayMs),
      order: this.armed++,
      callback,
      state: 'armed',
    };
    this.push(timer);
    return () => {
      if (timer.state === 'armed') this.live--;
      timer.state = 'cancelled';
    };
  }

  private armPeriodic(periodMs: number, callback: () => void): CancelTimer {
    if (!(periodMs > 0)) throw new InvariantError('a periodic timer needs a period');
    let cancelled = false;
    const rearm = (): void => {
      cancelNext = this.arm(periodMs, fire);
    };
    const fire = (): void => {
      // Armed before the callback runs: cancelling inside it must find the next one.
      rearm();
      callback();
      if (cancelled) cancelNext();
    };
    let cancelNext = this.arm(periodMs, fire);
    return () => {
      cancelled = true;
      cancelNext();
    };
  }

  private takeDue(targetMs: number): Timer | undefined {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined) return undefined;
      const isCancelled = first.state === 'cancelled';
      if (!isCancelled && first.dueMs > targetMs) return undefined;
      this.pop();
      if (isCancelled) continue;
      first.state = 'fired';
      this.live--;
      return first;
    }
  }

  private push(timer: Timer): void {
    this.live++;
    this.heap.push(timer);
    let child = this.heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.swapIfLater(parent, child)) return;
      child = parent;
    }
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const child = right < this.heap.length && this.isLater(left, right) ? right : left;
      if (child >= this.heap.length || !this.swapIfLater(parent, child)) return;
      parent = child;
    }
  }

  private swapIfLater(parent: number, child: number): boolean {
    if (!this.isLater(parent, child)) return false;
    const above = this.heap[parent];
    const below = this.heap[child];
    if (above === undefined || below === undefined) return false;
    this.heap[parent] = below;
    this.heap[child] = above;
    return true;
  }

  private isLater(a: number, b: number): boolean {
    const first = this.heap[a];
    const second = this.heap[b];
    if (first === undefined || second === undefined) return false;
    return first.dueMs > second.dueMs || (first.dueMs === second.dueMs && first.order > second.order);
  }
}

/** So many macrotasks go into one turn of the event loop: a turn costs more than a step. */
const STEPS_A_TURN = 32;

/**
 * Calls `step` until it is false, each time in a macrotask of its own: all promise reactions, however deep, run before
 * the next one does. Rejects with what it throws.
 */
const inMacrotasks = (step: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let isOver = false;
    const once = (): void => {
      if (isOver) return;
      try {
        if (step()) return;
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      isOver = true;
    };
    const turn = (): void => {
      if (isOver) return;
      for (let n = 0; n < STEPS_A_TURN; n++) setImmediate(once);
      setImmediate(turn);
    };
    turn();
  });
