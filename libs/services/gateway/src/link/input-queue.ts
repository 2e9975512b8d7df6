import type { ClientError, InputMessage } from '@parley/model';

export interface QueuedInput {
  seq: number;
  body: InputMessage;
  traceparent: string;
  /** A request with it is waiting for its answer. */
  underWay: boolean;
  /** Epoch of the newest owner that may have received it; 0: none. */
  sentTo: number;
  /** Owners that were lost with it. */
  lostOwners: number;
}

/** One may die of anything; a second one that dies with the same input died of it, most likely. */
const MAX_LOST_OWNERS = 2;

const COST_ITS_OWNERS: ClientError = {
  type: 'server_error',
  code: 'internal_error',
  message: 'This event could not be processed, and nothing of it was accepted; send another one.',
  param: null,
};

/** Inputs of one connection that no owner has confirmed yet, numbered from 1; a new owner gets them again. */
export class InputQueue {
  private waiting: QueuedInput[] = [];
  private lastSeq = 0;

  add(make: (seq: number) => InputMessage, traceparent: string): QueuedInput {
    const seq = ++this.lastSeq;
    const queued = { seq, body: make(seq), traceparent, underWay: false, sentTo: 0, lostOwners: 0 };
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
    if (this.waiting[0]?.underWay !== false) return [];
    return this.waiting.filter((input) => !input.underWay && this.maySend(input));
  }

  /**
   * Behind an input that an owner was lost with nothing is sent until it is answered: one that ends the process takes its
   * neighbours along unanswered, and only alone does it show which of them it was.
   */
  maySend({ seq }: QueuedInput): boolean {
    const [oldest] = this.waiting;
    return oldest?.seq === seq || oldest?.lostOwners === 0;
  }

  /**
   * The owner with this epoch was lost. An input that cost two is refused from now on, in its place: the next owner gets
   * no more of it than its number and what to tell the client. Returns those for which this was the second.
   */
  blame(epoch: number): InputMessage[] {
    const costly: InputMessage[] = [];
    for (const input of this.waiting) {
      if (input.sentTo !== epoch || ++input.lostOwners !== MAX_LOST_OWNERS) continue;
      costly.push(input.body);
      input.body = { ...input.body, input: { kind: 'message-refused', error: COST_ITS_OWNERS } };
    }
    return costly;
  }

  get length(): number {
    return this.waiting.length;
  }
}
