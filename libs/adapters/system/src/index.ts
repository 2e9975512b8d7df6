import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { ClockPort, RandomPort, SystemPorts, TimersPort } from '@parley/ports';

/** The one place on the server that reads the clock, sets timers and draws random numbers. */
const clock: ClockPort = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
};

const timers: TimersPort = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    return () => clearInterval(timer);
  },
};

const random: RandomPort = {
  fraction: () => Math.random(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};

export const systemPorts: SystemPorts = {
  clock,
  timers,
  random,
  schedule: (callback) => void setImmediate(callback),
};
