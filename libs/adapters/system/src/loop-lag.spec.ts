import type { TimersPort } from '@parley/ports';
import { lagOf, loopLagOver } from './loop-lag';

describe('the lag of the event loop', () => {
  it.each<[string, number[], number]>([
    ['is nothing without anything late', Array.from({ length: 50 }, () => 20), 0],
    ['is nothing after one pause of a tenth of the second', [...Array.from({ length: 45 }, () => 20), 120], 0],
    [
      'is what the tenth waits when the loop stood still for half of it',
      [...Array.from({ length: 25 }, () => 20), 520],
      398,
    ],
    [
      'follows turns that are all long: each of 70 ms makes a tenth wait for 61 and more',
      Array.from({ length: 11 }, () => 90),
      61,
    ],
    ['is nothing before anything was seen', [], 0],
  ])('%s', (_what, gaps, lagMs) => {
    expect(lagOf(gaps)).toBeCloseTo(lagMs, 5);
  });

  it('is what arrivals at every moment would have met', () => {
    const gaps = [20, 300, 22, 45, 20, 180, 90, 20, 20, 120];
    const waits = gaps.flatMap((gap) =>
      Array.from({ length: gap * 100 }, (_, index) => Math.max(0, gap - 20 - index / 100)),
    );
    const sorted = waits.sort((a, b) => b - a);
    expect(lagOf(gaps)).toBeCloseTo(sorted[Math.floor(sorted.length / 10)] ?? NaN, 1);
  });
});

describe('watching it', () => {
  let nowMs: number;
  let run: (() => void) | undefined;
  const timers: TimersPort = {
    after: () => () => undefined,
    every: (_periodMs, callback) => {
      run = callback;
      return () => (run = undefined);
    },
  };
  /** The timer runs after so many ms. */
  const pass = (...gaps: number[]): void => {
    for (const gap of gaps) {
      nowMs += gap;
      run?.();
    }
  };
  const seconds = (count: number): void => pass(...Array.from({ length: count * 50 }, () => 20));

  beforeEach(() => {
    nowMs = 5_000;
  });

  it('tells of the last second four times a second, and of nothing older', () => {
    const lag = loopLagOver({ nowMs: () => nowMs, wallMs: () => 0 }, timers);
    const told: number[] = [];
    lag.watch((lagMs) => told.push(Math.round(lagMs)));
    seconds(2);
    expect(told.length).toBeGreaterThanOrEqual(7);
    expect(new Set(told)).toEqual(new Set([0]));
    told.length = 0;
    pass(600);
    expect(told).toEqual([480]);
    told.length = 0;
    seconds(2);
    expect(told.slice(0, 3).every((lagMs) => lagMs > 400)).toBe(true);
    expect(told.slice(-4)).toEqual([0, 0, 0, 0]);
  });

  it('takes one timer for all who listen, and none when nobody does', () => {
    const lag = loopLagOver({ nowMs: () => nowMs, wallMs: () => 0 }, timers);
    const told: string[] = [];
    const ends = ['a', 'b'].map((name) => lag.watch(() => told.push(name)));
    const timer = run;
    pass(250);
    expect(told).toEqual(['a', 'b']);
    ends[0]?.();
    expect(run).toBe(timer);
    pass(250);
    expect(told).toEqual(['a', 'b', 'b']);
    ends[1]?.();
    expect(run).toBeUndefined();
  });
});
