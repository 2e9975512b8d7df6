import type { InputNumber, InputReply } from '@parley/model';

export type Verdict = { kind: 'next' } | { kind: 'answer'; reply: InputReply };

/**
 * Applies a client's numbered inputs once and in order (G3). `accepted` runs ahead of `applied` while a write is under
 * way: a repeated input is then neither applied twice nor acknowledged too early.
 */
export class InputLedger {
  private accepted: number;

  constructor(
    private attachment: number,
    private applied: number,
  ) {
    this.accepted = applied;
  }

  judge(number: InputNumber): Verdict | { kind: 'under-way' } {
    if (number.attachment < this.attachment) return { kind: 'answer', reply: { kind: 'old-attachment' } };
    if (number.attachment > this.attachment) return { kind: 'answer', reply: { kind: 'disowned' } };
    if (number.seq <= this.applied) return { kind: 'answer', reply: { kind: 'applied', seq: this.applied } };
    if (number.seq <= this.accepted) return { kind: 'under-way' };
    if (number.seq !== this.accepted + 1)
      return { kind: 'answer', reply: { kind: 'expected', seq: this.accepted + 1 } };
    this.accepted = number.seq;
    return { kind: 'next' };
  }

  /** The write that holds the effects of inputs up to `seq` is confirmed. */
  confirm(seq: number): void {
    this.applied = Math.max(this.applied, seq);
  }

  /** The newest that is or will be applied. */
  get lastInput(): InputNumber {
    return { attachment: this.attachment, seq: this.accepted };
  }

  get currentAttachment(): number {
    return this.attachment;
  }
}
