import type { ClientSystem } from '@parley/client';

/** The one place of the page that reads the clock, sets timers and draws random numbers. */
export const browserSystem: ClientSystem = {
  clock: { nowMs: () => performance.now() },
  timers: {
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  },
  random: {
    hex: (bytes) =>
      Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  },
};
