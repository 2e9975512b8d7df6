import type { OwnerOutput } from '@parley/model';

export interface OutboxEntry {
  outSeq: number;
  output: OwnerOutput;
}

/** Above this the client (or its gateway) has stopped listening; its connection is closed. */
export const OUTBOX_MAX_BYTES = 256 * 1024;

/** Owner output that the gateway has not acknowledged, numbered without holes; part of the stored state. */
export class Outbox {
  private bytes: number;

  constructor(
    private entries: OutboxEntry[],
    private lastOutSeq: number,
  ) {
    this.bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  }

  add(output: OwnerOutput): OutboxEntry {
    const entry = { outSeq: ++this.lastOutSeq, output };
    this.entries.push(entry);
    this.bytes += sizeOf(entry);
    return entry;
  }

  /** Everything up to `outSeq` has arrived. True when that freed anything. */
  acknowledge(outSeq: number): boolean {
    const before = this.entries.length;
    const kept = this.entries.filter((entry) => entry.outSeq > outSeq);
    if (kept.length === before) return false;
    this.entries = kept;
    this.bytes = kept.reduce((sum, entry) => sum + sizeOf(entry), 0);
    return true;
  }

  get pending(): readonly OutboxEntry[] {
    return this.entries;
  }

  get outSeq(): number {
    return this.lastOutSeq;
  }

  get isOverfull(): boolean {
    return this.bytes > OUTBOX_MAX_BYTES;
  }
}

// Only text makes an entry large; the rest is some hundred bytes of names and numbers.
const sizeOf = (entry: OutboxEntry): number =>
  200 + (entry.output.kind === 'text' ? entry.output.text.length : JSON.stringify(entry.output).length);
