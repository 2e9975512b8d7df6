import type { RandomPort } from '@parley/ports';

/** Mulberry32: one 32-bit state, well enough mixed for tests, and the same sequence for the same seed everywhere. */
export function seededRandom(seed: number): RandomPort {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    fraction: () => next() / 2 ** 32,
    hex: (bytes) => {
      let text = '';
      while (text.length < 2 * bytes) text += next().toString(16).padStart(8, '0');
      return text.slice(0, 2 * bytes);
    },
  };
}
