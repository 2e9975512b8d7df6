import type { OwnerOutput } from '@parley/model';

type Adopted = Extract<OwnerOutput, { kind: 'adopted' }>;

interface OfRendering {
  epoch: number;
  ordinal: number;
  segment: number;
  attempt: number;
}

/**
 * Whose audio counts: that of the newest owner known, and of the renderings for older ones that it has adopted. Whatever
 * else an older owner had ordered is none of the answer as it is stored.
 */
export class AudioFence {
  private adopted: Adopted = { kind: 'adopted', epoch: 0, ordinal: 0, segments: [] };

  /** The newest owner's that has spoken. */
  get epoch(): number {
    return this.adopted.epoch;
  }

  raise(adopted: Adopted): void {
    if (adopted.epoch > this.epoch) this.adopted = adopted;
  }

  admits({ epoch, ordinal, segment, attempt }: OfRendering): boolean {
    if (epoch >= this.epoch) return true;
    return (
      ordinal === this.adopted.ordinal &&
      this.adopted.segments.some((each) => each.index === segment && each.epoch === epoch && each.attempt === attempt)
    );
  }
}
