import { seededRandom } from '@parley/harness';
import type { RandomPort } from '@parley/ports';

/**
 * One stream of random numbers per purpose, all from the seed: a client that draws once more changes neither the faults
 * nor another client.
 */
export function streamOf(seed: number, purpose: string): Dice {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  for (let i = 0; i < purpose.length; i++) mixed = Math.imul(mixed ^ purpose.charCodeAt(i), 0x01000193) >>> 0;
  return new Dice(seededRandom(mixed));
}

export class Dice {
  constructor(readonly port: RandomPort) {}

  chance(probability: number): boolean {
    return this.port.fraction() < probability;
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.port.fraction() * (to - from);
  }

  /** An integer from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.port.fraction() * choices.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  }

  weighted<T extends { weight: number }>(choices: readonly T[]): T {
    let left = this.port.fraction() * choices.reduce((sum, choice) => sum + choice.weight, 0);
    for (const choice of choices) {
      left -= choice.weight;
      if (left < 0) return choice;
    }
    return this.pick(choices);
  }
}
