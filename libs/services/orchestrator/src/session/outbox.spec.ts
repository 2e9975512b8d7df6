import type { OwnerOutput } from '@parley/model';
import { Outbox, OUTBOX_MAX_BYTES } from './outbox';

const text = (length: number): OwnerOutput => ({
  kind: 'text',
  lane: 0,
  ordinal: 1,
  segment: 0,
  text: 'x'.repeat(length),
});
const eventOf = (said: string): OwnerOutput => ({ kind: 'event', event: { type: 'conversation.item.added', said } });
const numbers = (outbox: Outbox): number[] => outbox.pending.map(({ outSeq }) => outSeq);

describe('output that is not acknowledged', () => {
  it('is numbered on from the last number of an earlier owner, and kept with what that one had left', () => {
    const outbox = new Outbox([{ outSeq: 8, output: text(1) }], 9, 7, false);
    expect(outbox.add(text(1)).outSeq).toBe(10);
    expect(numbers(outbox)).toEqual([8, 10]);
    expect(outbox.outSeq).toBe(10);
  });

  it('goes when it is acknowledged, together up to a number', () => {
    const outbox = new Outbox([], 0, 0, false);
    for (let n = 0; n < 4; n++) outbox.add(text(1));
    expect(outbox.acknowledge(2)).toBe(true);
    expect(numbers(outbox)).toEqual([3, 4]);
    expect(outbox.acknowledge(2)).toBe(false);
    expect(outbox.acknowledge(0)).toBe(false);
    expect(outbox.acknowledge(99)).toBe(true);
    expect(numbers(outbox)).toEqual([]);
    expect(outbox.outSeq).toBe(4);
  });

  it.each<[string, OwnerOutput]>([
    ['text', text(1_000)],
    ['text of three bytes a character', { ...text(0), text: '語'.repeat(1_000) } as OwnerOutput],
    ['an item', eventOf('語'.repeat(32_768))],
    ['numbers', { kind: 'event', event: { type: 'session.updated', numbers: [1e20, 1e20, 1e20] } }],
    ['no text', { kind: 'close', lane: 0, ordinal: 1 }],
  ])('weighs as many bytes as it has as JSON: %s', (_what, output) => {
    const bytes = Buffer.byteLength(JSON.stringify(output));
    const outbox = new Outbox([{ outSeq: 1, output }], 1, 0, false);
    const most = Math.floor(OUTBOX_MAX_BYTES / bytes);
    expect(outbox.add(output).bytes).toBe(bytes);
    for (let n = 2; n < most; n++) outbox.add(output);
    expect(outbox.isOverfull).toBe(false);
    outbox.add(output);
    expect(outbox.isOverfull).toBe(true);
    outbox.acknowledge(1);
    expect(outbox.isOverfull).toBe(false);
  });
});

describe('output of a session that can be resumed', () => {
  const of = (ordinal: number): OwnerOutput => ({ kind: 'close', lane: 0, ordinal });
  const kept = (outbox: Outbox): number[] => outbox.stored.outbox.map(({ outSeq }) => outSeq);
  const outboxOf = (count: number): Outbox => {
    const outbox = new Outbox([], 0, 0, true);
    for (let n = 1; n <= count; n++) outbox.add(of(n));
    return outbox;
  };

  it('is kept when it is acknowledged, and comes again to a new connection', () => {
    const outbox = outboxOf(3);
    expect(outbox.acknowledge(2)).toBe(true);
    expect(numbers(outbox)).toEqual([3]);
    expect(kept(outbox)).toEqual([1, 2, 3]);
    expect(outbox.reopen()).toBe(0);
    expect(numbers(outbox)).toEqual([1, 2, 3]);
  });

  it('[G2] comes again from where the gateway is, which a new owner is told: an older one may have opened a connection since', () => {
    const outbox = outboxOf(5);
    outbox.acknowledge(5);
    outbox.takeOver(2);
    expect(numbers(outbox)).toEqual([3, 4, 5]);
    expect(outbox.isOverfull).toBe(false);
    outbox.takeOver(4);
    expect(numbers(outbox)).toEqual([5]);
  });

  it('is let go of but for the newest, from the front, up to what is not acknowledged', () => {
    const outbox = outboxOf(20);
    outbox.trim(() => false);
    expect(kept(outbox)).toHaveLength(20);
    outbox.acknowledge(3);
    outbox.trim(() => false);
    expect(kept(outbox)[0]).toBe(4);
    outbox.acknowledge(20);
    outbox.trim(() => false);
    expect(kept(outbox)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(outbox.reopen()).toBe(4);
  });

  it('of a response under way is kept from its beginning', () => {
    const outbox = outboxOf(20);
    outbox.acknowledge(20);
    outbox.trim((ordinal) => ordinal === 2);
    expect(kept(outbox)[0]).toBe(2);
  });

  it('[G6] of a response whose end is kept is kept from its beginning', () => {
    const outbox = outboxOf(20);
    const { outSeq } = outbox.add(of(2));
    outbox.acknowledge(outSeq);
    outbox.trim(() => false);
    expect(kept(outbox)[0]).toBe(2);
  });

  it('that is gone leaves its numbers', () => {
    const outbox = new Outbox([], 9, 9, true);
    expect(outbox.reopen()).toBe(9);
    expect(outbox.add(of(1)).outSeq).toBe(10);
  });

  it('weighs what is not acknowledged, not what is kept', () => {
    const outbox = new Outbox([], 0, 0, true);
    outbox.add(text(OUTBOX_MAX_BYTES));
    expect(outbox.isOverfull).toBe(true);
    outbox.acknowledge(1);
    expect(outbox.isOverfull).toBe(false);
  });

  it('weighs nothing as far as it comes again to a new connection: that is not to end for what it has missed', () => {
    const outbox = new Outbox([], 0, 0, true);
    for (let n = 0; n < 8; n++) outbox.add(text(OUTBOX_MAX_BYTES / 4));
    outbox.acknowledge(8);
    outbox.reopen();
    expect(numbers(outbox)).toHaveLength(8);
    expect(outbox.isOverfull).toBe(false);
    outbox.add(text(OUTBOX_MAX_BYTES - 100));
    expect(outbox.isOverfull).toBe(false);
    outbox.acknowledge(4);
    outbox.add(text(100));
    expect(outbox.isOverfull).toBe(true);
    expect(outbox.stored.outbox[0]).toEqual({ outSeq: 1, output: text(OUTBOX_MAX_BYTES / 4) });
  });
});
