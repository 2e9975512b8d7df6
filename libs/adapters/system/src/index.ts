import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { ClockPort, RandomPort, SystemPorts, TimersPort } from '@parley/ports';
import { loopLagOver } from './loop-lag';

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

/** Drawn ahead, as `crypto.randomUUID` does: a call to the generator for each id took 2 % of a busy gateway's time. */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let drawnBytes = 0;

const random: RandomPort = {
  fraction: () => Math.random(),
  hex(bytes) {
    if (drawnBytes + bytes > pool.length) {
      pool = randomBytes(Math.max(POOL_BYTES, bytes));
      drawnBytes = 0;
    }
    const start = drawnBytes;
    drawnBytes += bytes;
    return pool.toString('hex', start, drawnBytes);
  },
};

export const systemPorts: SystemPorts = {
  clock,
  timers,
  random,
  loopLag: loopLagOver(clock, timers),
  schedule: (callback) => void setImmediate(callback),
};
