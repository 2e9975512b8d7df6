import type { OwnerOutput } from '@parley/model';

export interface NumberedOutput {
  outSeq: number;
  /** Of the owner that sent it. */
  epoch: number;
  output: OwnerOutput;
}

/** Hands out owner output once and in the order of its numbers, whatever the bus repeats or delays. */
export class OutputOrder {
  private readonly waiting = new Map<number, NumberedOutput>();
  private epoch = 0;

  /** `last`: the number before the first one. */
  constructor(private last: number) {}

  /** What an older owner said behind a hole its successor says again, or knows nothing of: then the number is another output's. */
  accept(numbered: NumberedOutput): NumberedOutput[] {
    if (numbered.epoch < this.epoch) return [];
    if (numbered.epoch > this.epoch) this.waiting.clear();
    this.epoch = numbered.epoch;
    if (numbered.outSeq <= this.last) return [];
    this.waiting.set(numbered.outSeq, numbered);
    const ready: NumberedOutput[] = [];
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
