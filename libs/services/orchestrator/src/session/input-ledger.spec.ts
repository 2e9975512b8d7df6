import { InputLedger } from './input-ledger';

const number = (seq: number, attachment = 2) => ({ attachment, seq });
const applied = (seq: number) => ({ kind: 'answer', reply: { kind: 'applied', seq } });

let ledger: InputLedger;
beforeEach(() => {
  ledger = new InputLedger(2, 10);
});

describe('the inputs of one connection', () => {
  it('are taken in order, each once', () => {
    expect(ledger.judge(number(11))).toEqual({ kind: 'next' });
    expect(ledger.judge(number(12))).toEqual({ kind: 'next' });
    ledger.confirm(12);
    expect(ledger.judge(number(11))).toEqual(applied(12));
    expect(ledger.judge(number(12))).toEqual(applied(12));
    expect(ledger.judge(number(13))).toEqual({ kind: 'next' });
  });

  it('repeated while their write is under way are neither taken again nor acknowledged', () => {
    ledger.judge(number(11));
    ledger.judge(number(12));
    expect(ledger.judge(number(11))).toEqual({ kind: 'under-way' });
    expect(ledger.judge(number(12))).toEqual({ kind: 'under-way' });
    ledger.confirm(11);
    expect(ledger.judge(number(11))).toEqual(applied(11));
    expect(ledger.judge(number(12))).toEqual({ kind: 'under-way' });
  });

  it('behind a missing one are refused with its number, also while others are under way', () => {
    expect(ledger.judge(number(12))).toEqual({ kind: 'answer', reply: { kind: 'expected', seq: 11 } });
    ledger.judge(number(11));
    expect(ledger.judge(number(13))).toEqual({ kind: 'answer', reply: { kind: 'expected', seq: 12 } });
  });

  it('that an earlier owner applied are acknowledged at once', () => {
    expect(ledger.judge(number(10))).toEqual(applied(10));
    expect(ledger.judge(number(1))).toEqual(applied(10));
  });

  it('of an older connection are refused, those of a newer one are not ours to judge', () => {
    expect(ledger.judge(number(11, 1))).toEqual({ kind: 'answer', reply: { kind: 'old-attachment' } });
    expect(ledger.judge(number(1, 3))).toEqual({ kind: 'answer', reply: { kind: 'disowned' } });
    expect(ledger.judge(number(11))).toEqual({ kind: 'next' });
  });

  it('that were confirmed stay so, whatever is confirmed late', () => {
    ledger.judge(number(11));
    ledger.judge(number(12));
    ledger.confirm(12);
    ledger.confirm(11);
    expect(ledger.judge(number(12))).toEqual(applied(12));
  });
});
