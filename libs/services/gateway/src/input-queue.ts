import type { InputMessage } from '@parley/model';

export interface QueuedInput {
  seq: number;
  body: InputMessage;
  traceparent: string;
  /** A request with it is waiting for its answer. */
  underWay: boolean;
}

/** Inputs of one connection that no owner has confirmed yet, numbered from 1; a new owner gets them again. */
export class InputQueue {
  private waiting: QueuedInput[] = [];
  private lastSeq = 0;

  add(make: (seq: number) => InputMessage, traceparent: string): QueuedInput {
    const seq = ++this.lastSeq;
    const queued = { seq, body: make(seq), traceparent, underWay: false };
    this.waiting.push(queued);
    return queued;
  }

  get(seq: number): QueuedInput | undefined {
    return this.waiting.find((input) => input.seq === seq);
  }

  /** The owner has applied everything up to `seq`. */
  confirm(seq: number): void {
    this.waiting = this.waiting.filter((input) => input.seq > seq);
  }

  /** What must be sent again, in order: nothing while the oldest is still under way. */
  idle(): QueuedInput[] {
    return this.waiting[0]?.underWay === false ? this.waiting.filter((input) => !input.underWay) : [];
  }

  get length(): number {
    return this.waiting.length;
  }
}
