import type { CancelTimer, ClockPort, LoopLagPort, TimersPort } from '@parley/ports';

/** A timer of this period shows by its lateness how long the loop was busy. */
const SAMPLE_MS = 20;
const WINDOW_MS = 1_000;
const REPORT_MS = 250;
/** Of what arrives, at any moment of the window, so much waits longer than the lag. */
const SHARE_ABOVE = 0.1;

/** Watches by one timer, however many listen, and by none while nobody does. */
export function loopLagOver(clock: ClockPort, timers: TimersPort): LoopLagPort {
  const listeners = new Set<(lagMs: number) => void>();
  let stop: CancelTimer | undefined;
  const tell = (lagMs: number): void => {
    for (const listener of [...listeners]) listener(lagMs);
  };
  return {
    watch(listener) {
      const own = (lagMs: number): void => listener(lagMs);
      listeners.add(own);
      stop ??= sample(clock, timers, tell);
      return () => {
        listeners.delete(own);
        if (listeners.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
  };
}

function sample(clock: ClockPort, timers: TimersPort, tell: (lagMs: number) => void): CancelTimer {
  /** Between two runs of the timer that follow each other, with the end of each. */
  let gaps: { endMs: number; ms: number }[] = [];
  let lastMs = clock.nowMs();
  let toldMs = lastMs;
  return timers.every(SAMPLE_MS, () => {
    const nowMs = clock.nowMs();
    gaps.push({ endMs: nowMs, ms: nowMs - lastMs });
    lastMs = nowMs;
    if (nowMs - toldMs < REPORT_MS) return;
    toldMs = nowMs;
    gaps = gaps.filter(({ endMs }) => endMs > nowMs - WINDOW_MS);
    tell(lagOf(gaps.map(({ ms }) => ms)));
  });
}

/**
 * The wait in ms that a tenth of all arrivals exceeds, had they come evenly over these gaps of the timer. In a gap the loop was busy for
 * what it is longer than the period, and who came into that waited for the rest of it: longer than `x` who came in its first `busy - x`
 * ms. So the lag is the root of Σ max(0, busy - x) = share × Σ gap, and that, being convex, is the greatest of its tangents' roots.
 */
export function lagOf(gapsMs: readonly number[]): number {
  const aboveMs = SHARE_ABOVE * gapsMs.reduce((sum, gap) => sum + gap, 0);
  const busyMs = gapsMs.map((gap) => gap - SAMPLE_MS).sort((a, b) => b - a);
  let [lagMs, longestMs] = [0, 0];
  for (const [index, busy] of busyMs.entries()) {
    longestMs += busy;
    lagMs = Math.max(lagMs, (longestMs - aboveMs) / (index + 1));
  }
  return lagMs;
}
