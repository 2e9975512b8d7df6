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
    this.bytes = entries.reduce((sum, entry) => sum + weightOf(entry.output), 0);
  }

  add(output: OwnerOutput): OutboxEntry {
    const entry = { outSeq: ++this.lastOutSeq, output };
    this.entries.push(entry);
    this.bytes += weightOf(output);
    return entry;
  }

  /** Everything up to `outSeq` has arrived. True when that freed anything. */
  acknowledge(outSeq: number): boolean {
    const before = this.entries.length;
    const kept = this.entries.filter((entry) => entry.outSeq > outSeq);
    if (kept.length === before) return false;
    this.entries = kept;
    this.bytes = kept.reduce((sum, entry) => sum + weightOf(entry.output), 0);
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

/** What an output weighs beside its text: names and numbers, of an item or session event somewhat more. */
const ENTRY_BYTES = 500;

/** Bytes an output takes in state and messages, about: measured, not serialised, as this runs for each of every turn. */
export function weightOf(output: OwnerOutput): number {
  if (output.kind === 'text') return ENTRY_BYTES + output.text.length;
  return ENTRY_BYTES + (output.kind === 'interrupted' ? output.heardText.length : 0);
}
