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
    expect(mailbox.isEmpty).toBe(false);
    expect(mailbox.takeAll()).toEqual([text('a'), report(1), text('b')]);
    expect(mailbox.isEmpty).toBe(true);
    expect(mailbox.takeAll()).toEqual([]);
  });

  it('has only the newest of reports that wait side by side, in the older one’s place', () => {
    const mailbox = new Mailbox();
    mailbox.push(report(1));
    mailbox.push(report(2));
    mailbox.push(report(3));
    mailbox.push(text('a'));
    mailbox.push(report(4));
    expect(mailbox.takeAll()).toEqual([report(3), text('a'), report(4)]);
    mailbox.push(report(5));
    expect(mailbox.takeAll()).toEqual([report(5)]);
  });
});
