import { jsonBytes, type OwnerOutput } from '@parley/model';

/** As stored. */
export interface NumberedOutput {
  outSeq: number;
  output: OwnerOutput;
}

export interface OutboxEntry extends NumberedOutput {
  /** In state and messages. */
  bytes: number;
}

/**
 * Above this the gateway has stopped listening, or its client has more said than anybody takes in: the session ends. As much as a
 * gateway holds for a client that reads slowly; a single text of a client's may come back as 400 kB.
 */
export const OUTBOX_MAX_BYTES = 2 * 1024 * 1024;
/** Of what a gateway has acknowledged, so much more than the responses under way may not have reached its client. */
const KEPT_ENTRIES = 16;

/**
 * Owner output, numbered without holes; part of the stored state. Kept until the gateway has acknowledged it, and of a session that
 * can be resumed for longer: what a gateway wrote to a connection may have been lost with it.
 */
export class Outbox {
  private entries: OutboxEntry[];
  private unacknowledgedBytes: number;
  /** What a new connection is sent again counts for nothing: it may be all that is kept. */
  private reopenedOutSeq = 0;

  constructor(
    stored: readonly NumberedOutput[],
    private lastOutSeq: number,
    private acknowledgedOutSeq: number,
    private readonly keepsMore: boolean,
  ) {
    this.entries = stored.map(entryOf);
    this.unacknowledgedBytes = this.weigh();
  }

  add(output: OwnerOutput): OutboxEntry {
    const entry = entryOf({ outSeq: ++this.lastOutSeq, output });
    this.entries.push(entry);
    this.unacknowledgedBytes += entry.bytes;
    return entry;
  }

  /**
   * Numbers up to `outSeq` have reached the client with outputs that nobody knows any more; `filler`, which says nothing to anybody,
   * takes their places, so that there is no hole. False where there are none.
   */
  fillTo(outSeq: number, filler: OwnerOutput): boolean {
    if (outSeq <= this.lastOutSeq) return false;
    while (this.lastOutSeq < outSeq) this.add(filler);
    return true;
  }

  /** Everything up to `outSeq` has arrived. True when that is news. */
  acknowledge(outSeq: number): boolean {
    const known = Math.min(outSeq, this.lastOutSeq);
    if (known <= this.acknowledgedOutSeq) return false;
    this.acknowledgedOutSeq = known;
    if (!this.keepsMore) this.entries = [...this.pending];
    this.unacknowledgedBytes = this.weigh();
    return true;
  }

  /** A new connection may lack all that is kept. Returns the number before it. */
  reopen(): number {
    this.rewind((this.entries[0]?.outSeq ?? this.lastOutSeq + 1) - 1);
    return this.acknowledgedOutSeq;
  }

  /**
   * A new owner learns what the gateway has. That is less than was stored where the owner before had opened a connection: it was
   * told of that, and died before what followed had come.
   */
  takeOver(outSeq: number): void {
    if (outSeq < this.acknowledgedOutSeq) this.rewind(outSeq);
    else this.acknowledge(outSeq);
  }

  private rewind(outSeq: number): void {
    this.acknowledgedOutSeq = outSeq;
    this.reopenedOutSeq = this.lastOutSeq;
    this.unacknowledgedBytes = 0;
  }

  /**
   * Lets go of what no connection will lack. A response that is under way is kept from its beginning, and so is one whose end is kept:
   * a client that has not heard of that needs all of it to be told.
   */
  trim(isUnderWay: (ordinal: number) => boolean): void {
    const ended = new Set(this.entries.slice(-KEPT_ENTRIES).map(({ output }) => ordinalOf(output)));
    let count = 0;
    for (const { outSeq, output } of this.entries) {
      if (outSeq > this.acknowledgedOutSeq || this.entries.length - count <= KEPT_ENTRIES) break;
      const ordinal = ordinalOf(output);
      if (ordinal !== undefined && (ended.has(ordinal) || isUnderWay(ordinal))) break;
      count++;
    }
    if (count > 0) this.entries = this.entries.slice(count);
  }

  get pending(): readonly OutboxEntry[] {
    const first = this.entries.findIndex(({ outSeq }) => outSeq > this.acknowledgedOutSeq);
    return first === -1 ? [] : this.entries.slice(first);
  }

  get stored(): { outSeq: number; acknowledgedOutSeq: number; outbox: NumberedOutput[] } {
    const outbox = this.entries.map(({ outSeq, output }) => ({ outSeq, output }));
    return { outSeq: this.lastOutSeq, acknowledgedOutSeq: this.acknowledgedOutSeq, outbox };
  }

  get outSeq(): number {
    return this.lastOutSeq;
  }

  get isOverfull(): boolean {
    return this.unacknowledgedBytes > OUTBOX_MAX_BYTES;
  }

  private weigh(): number {
    return this.pending.reduce((sum, { outSeq, bytes }) => sum + (outSeq > this.reopenedOutSeq ? bytes : 0), 0);
  }
}

/** Measured once, as it is made. */
const entryOf = ({ outSeq, output }: NumberedOutput): OutboxEntry => ({ outSeq, output, bytes: jsonBytes(output) });

const ordinalOf = (output: OwnerOutput): number | undefined =>
  output.kind !== 'adopted' && 'ordinal' in output ? output.ordinal : undefined;
