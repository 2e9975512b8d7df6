import type { SegmentPosition } from '@parley/model';

/** A segment as ordered. */
export interface OrderedSegment {
  segment: number;
  /** Raw text of the answer. */
  text: string;
  /** What is before it was delivered by another rendering. */
  from: SegmentPosition;
  traceparent: string;
}

/**
 * The segments of one job in the order they are to be spoken. Orders may be repeated or, after a loss, late: a segment
 * is taken once, and one that follows a hole waits for what is missing. A job may begin with any segment (a response
 * that was bound to another worker before).
 */
export class SegmentQueue {
  private readonly pending = new Map<number, OrderedSegment>();
  private readonly taken = new Set<number>();
  private first: OrderedSegment | undefined;
  private nextSegment: number | undefined;
  private count: number | undefined;

  add(order: OrderedSegment): void {
    if (!this.taken.has(order.segment)) this.pending.set(order.segment, order);
  }

  /**
   * What was ordered from number `count` on is none of the answer. False when one of these was taken: it is spoken, or was.
   */
  keepOnly(count: number): boolean {
    if ([...this.taken].some((segment) => segment >= count)) return false;
    for (const segment of [...this.pending.keys()]) if (segment >= count) this.pending.delete(segment);
    this.count = undefined;
    return true;
  }

  /** No segment from `count` on will come. */
  end(count: number): void {
    this.count = count;
  }

  /** The next segment to speak; undefined while there is none. */
  take(): OrderedSegment | undefined {
    const lowest = Math.min(...this.pending.keys());
    const order = this.pending.get(lowest);
    if (order === undefined || lowest > (this.nextSegment ?? lowest)) return undefined;
    this.pending.delete(lowest);
    this.taken.add(lowest);
    this.first ??= order;
    this.nextSegment = Math.max(this.nextSegment ?? 0, lowest + 1);
    return order;
  }

  /** Everything that was announced was taken. */
  get exhausted(): boolean {
    return this.count !== undefined && this.pending.size === 0 && (this.nextSegment ?? this.count) >= this.count;
  }

  /** Where this job began; at the response's first sample as far as is known. */
  get beginning(): { segment: number; sample: number } {
    return { segment: this.first?.segment ?? 0, sample: this.first?.from.sample ?? 0 };
  }
}
