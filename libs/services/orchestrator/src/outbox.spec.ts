import type { OwnerOutput } from '@parley/model';
import { Outbox, OUTBOX_MAX_BYTES } from './outbox';

const text = (length: number): OwnerOutput => ({
  kind: 'text',
  lane: 0,
  ordinal: 1,
  segment: 0,
  text: 'x'.repeat(length),
});
const numbers = (outbox: Outbox): number[] => outbox.pending.map(({ outSeq }) => outSeq);

describe('output that is not acknowledged', () => {
  it('is numbered on from the last number of an earlier owner, and kept with what that one had left', () => {
    const outbox = new Outbox([{ outSeq: 8, output: text(1) }], 9);
    expect(outbox.add(text(1)).outSeq).toBe(10);
    expect(numbers(outbox)).toEqual([8, 10]);
    expect(outbox.outSeq).toBe(10);
  });

  it('goes when it is acknowledged, together up to a number', () => {
    const outbox = new Outbox([], 0);
    for (let n = 0; n < 4; n++) outbox.add(text(1));
    expect(outbox.acknowledge(2)).toBe(true);
    expect(numbers(outbox)).toEqual([3, 4]);
    expect(outbox.acknowledge(2)).toBe(false);
    expect(outbox.acknowledge(0)).toBe(false);
    expect(outbox.acknowledge(99)).toBe(true);
    expect(numbers(outbox)).toEqual([]);
    expect(outbox.outSeq).toBe(4);
  });

  it('is bounded by what it weighs, also what an earlier owner left', () => {
    const outbox = new Outbox([{ outSeq: 1, output: text(OUTBOX_MAX_BYTES - 1_000) }], 1);
    expect(outbox.isOverfull).toBe(false);
    outbox.add(text(1_000));
    expect(outbox.isOverfull).toBe(true);
    outbox.acknowledge(1);
    expect(outbox.isOverfull).toBe(false);
    for (let n = 0; n < OUTBOX_MAX_BYTES / 500; n++) outbox.add({ kind: 'close', lane: 0, ordinal: 1 });
    expect(outbox.isOverfull).toBe(true);
  });
});
