import type { ObservationOf } from './observation';

/** A text as the voice speaks it. */
export interface Rendering {
  readonly text: string;
  readonly deterministic: boolean;
  /** How often it was asked for. */
  times: number;
  /** After how many samples it ended, each time it was asked for. */
  readonly ends: Set<number>;
}

/** All that the voice was asked for, by the hash that its samples carry. */
export class Voices {
  private readonly renderings = new Map<number, Rendering>();

  spoke({ text, textHash, ends, deterministic }: ObservationOf<'spoke'>): void {
    const rendering = this.renderings.get(textHash) ?? { text, deterministic, times: 0, ends: new Set() };
    this.renderings.set(textHash, rendering);
    rendering.times++;
    if (ends !== null) rendering.ends.add(ends);
  }

  of(textHash: number): Rendering | undefined {
    return this.renderings.get(textHash);
  }

  /** After how many samples this text ended, each time it was asked for. */
  endsOf(text: string): number[] {
    return [...this.renderings.values()].flatMap((each) => (each.text === text ? [...each.ends] : []));
  }

  /** Whether it was asked for such a text. */
  some(isIt: (rendering: Rendering) => boolean): boolean {
    return [...this.renderings.values()].some(isIt);
  }
}
