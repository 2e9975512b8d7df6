import type { EngineInput } from '@parley/turn-engine';
import { Mailbox } from './mailbox';

const text = (value: string): EngineInput => ({ kind: 'text-generated', lane: 0, ordinal: 1, text: value });
const report = (announcedOrdinal: number): EngineInput => ({ kind: 'reported', announcedOrdinal, responses: [] });

describe('what waits for a session', () => {
  it('is taken all at once, in order of arrival, and once', () => {
    const mailbox = new Mailbox();
    mailbox.push(text('a'));
    mailbox.push(report(1));
    mailbox.push(text('b'));
    expect(mailbox.isEmpty(false)).toBe(false);
    expect(mailbox.takeAll(false)).toEqual([text('a'), report(1), text('b')]);
    expect(mailbox.isEmpty(false)).toBe(true);
    expect(mailbox.takeAll(false)).toEqual([]);
  });

  it('has only the newest of reports that wait side by side, in the older one’s place', () => {
    const mailbox = new Mailbox();
    mailbox.push(report(1));
    mailbox.push(report(2));
    mailbox.push(report(3));
    mailbox.push(text('a'));
    mailbox.push(report(4));
    expect(mailbox.takeAll(false)).toEqual([report(3), text('a'), report(4)]);
    mailbox.push(report(5));
    expect(mailbox.takeAll(false)).toEqual([report(5)]);
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
    expect(mailbox.takeAll(true)).toEqual([text('a'), report(1)]);
    expect([mailbox.isEmpty(true), mailbox.isEmpty(false)]).toEqual([true, false]);
    expect(mailbox.takeAll(false)).toEqual([said(1), resumed, said(2)]);
  });
});
