import type { OutputMessage } from '@parley/model';

type Output = Extract<OutputMessage, { kind: 'output' }>;

/** Hands out owner output once and in the order of its numbers, whatever the bus repeats or delays. */
export class OutputOrder {
  private readonly waiting = new Map<number, Output>();
  private last = 0;

  accept(message: Output): Output[] {
    if (message.outSeq <= this.last) return [];
    this.waiting.set(message.outSeq, message);
    const ready: Output[] = [];
    for (;;) {
      const next = this.waiting.get(this.last + 1);
      if (!next) return ready;
      this.waiting.delete(next.outSeq);
      this.last = next.outSeq;
      ready.push(next);
    }
  }

  /** Everything up to here was handed out: this is what is acknowledged. */
  get lastOutSeq(): number {
    return this.last;
  }
}
