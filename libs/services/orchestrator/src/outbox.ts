import type { OwnerOutput } from '@parley/model';

export interface OutboxEntry {
  outSeq: number;
  output: OwnerOutput;
}

/** Above this the client (or its gateway) has stopped listening; its connection is closed. */
export const OUTBOX_MAX_BYTES = 256 * 1024;
/** Of what a gateway has acknowledged, so much more than the responses under way may not have reached its client. */
const KEPT_ENTRIES = 16;

/**
 * Owner output, numbered without holes; part of the stored state. Kept until the gateway has acknowledged it, and of a session that
 * can be resumed for longer: what a gateway wrote to a connection may have been lost with it.
 */
export class Outbox {
  private unacknowledgedBytes: number;

  constructor(
    private entries: OutboxEntry[],
    private lastOutSeq: number,
    private acknowledgedOutSeq: number,
    private readonly keepsMore: boolean,
  ) {
    this.unacknowledgedBytes = this.weigh();
  }

  add(output: OwnerOutput): OutboxEntry {
    const entry = { outSeq: ++this.lastOutSeq, output };
    this.entries.push(entry);
    this.unacknowledgedBytes += weightOf(output);
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
    this.acknowledgedOutSeq = (this.entries[0]?.outSeq ?? this.lastOutSeq + 1) - 1;
    this.unacknowledgedBytes = this.weigh();
    return this.acknowledgedOutSeq;
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

  get stored(): { outSeq: number; acknowledgedOutSeq: number; outbox: OutboxEntry[] } {
    return { outSeq: this.lastOutSeq, acknowledgedOutSeq: this.acknowledgedOutSeq, outbox: [...this.entries] };
  }

  get outSeq(): number {
    return this.lastOutSeq;
  }

  get isOverfull(): boolean {
    return this.unacknowledgedBytes > OUTBOX_MAX_BYTES;
  }

  private weigh(): number {
    return this.pending.reduce((sum, entry) => sum + weightOf(entry.output), 0);
  }
}

const ordinalOf = (output: OwnerOutput): number | undefined =>
  output.kind !== 'adopted' && 'ordinal' in output ? output.ordinal : undefined;

/** What an output weighs beside its text: names and numbers, of an item or session event somewhat more. */
const ENTRY_BYTES = 500;

/** Bytes an output takes in state and messages, about: measured, not serialised, as this runs for each of every turn. */
export function weightOf(output: OwnerOutput): number {
  if (output.kind === 'text') return ENTRY_BYTES + output.text.length;
  return ENTRY_BYTES + (output.kind === 'interrupted' ? output.heardText.length : 0);
}
