import type { EngineInput } from '@parley/turn-engine';
import { Mailbox } from './mailbox';

const text = (value: string): EngineInput => ({ kind: 'text-generated', lane: 0, ordinal: 1, text: value });
const report = (announcedOrdinal: number): EngineInput => ({
  kind: 'reported',
  linkLosses: 0,
  announcedOrdinal,
  responses: [],
});

const takeAll = (mailbox: Mailbox, heldBack: boolean): EngineInput[] => {
  const taken: EngineInput[] = [];
  for (let input = mailbox.take(heldBack); input; input = mailbox.take(heldBack)) taken.push(input);
  return taken;
};

describe('what waits for a session', () => {
  it('is taken one by one, in order of arrival, and once', () => {
    const mailbox = new Mailbox();
    mailbox.push(text('a'));
    mailbox.push(report(1));
    mailbox.push(text('b'));
    expect(mailbox.isEmpty(false)).toBe(false);
    expect(mailbox.take(false)).toEqual(text('a'));
    expect(mailbox.isEmpty(false)).toBe(false);
    expect(takeAll(mailbox, false)).toEqual([report(1), text('b')]);
    expect(mailbox.isEmpty(false)).toBe(true);
    expect(takeAll(mailbox, false)).toEqual([]);
  });

  it('has only the newest of reports that wait side by side, in the older one’s place', () => {
    const mailbox = new Mailbox();
    mailbox.push(report(1));
    mailbox.push(report(2));
    mailbox.push(report(3));
    mailbox.push(text('a'));
    mailbox.push(report(4));
    expect(takeAll(mailbox, false)).toEqual([report(3), text('a'), report(4)]);
    mailbox.push(report(5));
    expect(takeAll(mailbox, false)).toEqual([report(5)]);
  });

  it('is taken without what the client says where that is held back, which stays in order', () => {
    const mailbox = new Mailbox();
    const said = (seq: number): EngineInput => ({
      kind: 'client',
      number: { attachment: 1, seq },
      closedOrdinal: 0,
      input: { kind: 'disconnected', reason: 'client' },
    });
    const resumed: EngineInput = { kind: 'resumed', received: null };
    for (const input of [said(1), text('a'), resumed, report(1), said(2)]) mailbox.push(input);
    expect(mailbox.isEmpty(true)).toBe(false);
    expect(takeAll(mailbox, true)).toEqual([text('a'), report(1)]);
    expect([mailbox.isEmpty(true), mailbox.isEmpty(false)]).toEqual([true, false]);
    expect(takeAll(mailbox, false)).toEqual([said(1), resumed, said(2)]);
  });
});
