import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';

const calling = (): EngineDriver => EngineDriver.attached().says('Weather?').binds().calls();
const awaited = (talk: EngineDriver): string[] => talk.state.calls.map(({ itemId }) => itemId);
const outcomes = (talk: EngineDriver): unknown[] =>
  talk.state.history.flatMap((item) => (item.role === 'call' ? [item.outcome] : []));

describe('calls beside each other', () => {
  it('[TO8] are given up one by one, each in its time, and by no other deadline', () => {
    const talk = calling().pass(4_000).calls().finishes();
    // The voice that is not needed any more, and the closing events: deadlines of others.
    talk.pass(50_000);
    expect(awaited(talk)).toEqual(['fn_1', 'fn_2']);
    expect(outcomes(talk)).toEqual([{ stage: 'pending' }, { stage: 'pending' }]);
    talk.pass(6_000);
    expect(awaited(talk)).toEqual(['fn_2']);
    expect(outcomes(talk)).toEqual([{ stage: 'abandoned', why: 'timeout' }, { stage: 'pending' }]);
    expect(awaited(talk.pass(4_000))).toEqual([]);
  });

  it('[TO3] get each its own result', () => {
    const talk = calling().calls().returns('22 °C', 'call_1');
    expect(awaited(talk)).toEqual(['fn_2']);
    expect(awaited(talk.returns('23 °C', 'call_2'))).toEqual([]);
  });

  it('[TO8][IT4] are given up also when the history has left them behind', () => {
    const talk = EngineDriver.attached({ maxContextChars: 25 }).says('Weather?').calls().finishes();
    talk.client({ kind: 'item-created', itemId: 'long', item: { role: 'user', text: 'x'.repeat(100) } });
    expect(talk.state.history.map(({ id }) => id)).toEqual(['long']);
    expect(awaited(talk)).toEqual(['fn_1']);
    talk.pass(60_000);
    expect(awaited(talk)).toEqual([]);
    expect(talk.state.history.map(({ id }) => id)).toEqual(['long']);
  });
});

describe('an answer of calls alone', () => {
  it('[TO2][IN1] has no voice that an interruption could stop again', () => {
    const talk = calling().finishes();
    expect(talk.effect('cancel-voice')).toHaveLength(1);
    expect(talk.interrupts().effect('cancel-voice')).toEqual([]);
  });
});

describe('a result', () => {
  it('[TO9][SU10] ends a speculation as a mismatch', () => {
    const talk = EngineDriver.attached().says('Weather?').binds().writes(FIRST).calls().finishes();
    talk.hears({ segmentsMs: [1_000], complete: true, playedMs: 1_000, closed: true });
    talk.guesses('And tomorrow').returns('22 °C');
    expect(talk.effect('observe')[0]?.observation).toEqual({ name: 'speculation', outcome: 'mismatch' });
  });
});
