import { EngineDriver } from './testing/engine-driver';

const AWAY = { awayAfterMs: 15_000 };
const states = (talk: EngineDriver): unknown[] => talk.events('parley.user').map(({ state }) => state);

describe('a user who says nothing', () => {
  it('[AW1] counts as away after the time of the policy, once', () => {
    const talk = EngineDriver.attached(AWAY);
    expect(states(talk.pass(14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
    expect(states(talk.pass(300_000))).toEqual([]);
  });

  it('[AW1] counts as present for ever without that policy', () => {
    expect(states(EngineDriver.attached().pass(599_999))).toEqual([]);
  });

  it('[AW1][TU15] counts as away from the change of the policy on', () => {
    const talk = EngineDriver.attached();
    talk.pass(60_000);
    talk.chooses(AWAY);
    expect(states(talk.pass(14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
    const off = EngineDriver.attached(AWAY).chooses({ awayAfterMs: null });
    expect(states(off.pass(60_000))).toEqual([]);
  });

  it.each([
    ['speaks', (talk: EngineDriver) => talk.starts()],
    ['says something', (talk: EngineDriver) => talk.says('Hello')],
    ['says something that is refused', (talk: EngineDriver) => talk.says(' ')],
    ['interrupts', (talk: EngineDriver) => talk.interrupts()],
  ])('[AW2] is back when the user %s', (_what, acts) => {
    const talk = EngineDriver.attached(AWAY);
    talk.pass(15_000);
    expect(states(acts(talk))).toEqual(['present']);
    expect(talk.outputs[0]).toMatchObject({ kind: 'event', event: { type: 'parley.user' } });
    expect(states(acts(talk))).toEqual([]);
  });

  it.each([
    ['settings', (talk: EngineDriver) => talk.client({ kind: 'session-updated', patch: {} })],
    ['a policy', (talk: EngineDriver) => talk.chooses({ busy: 'queue' })],
    ['mute', (talk: EngineDriver) => talk.mutes()],
    ['an answer asked for', (talk: EngineDriver) => talk.asks()],
    ['words for the agent', (talk: EngineDriver) => talk.dictates('Hello?')],
  ])('[AW2] is not back with %s of the application', (_what, acts) => {
    const talk = EngineDriver.attached(AWAY);
    talk.pass(15_000);
    expect(states(acts(talk))).toEqual([]);
    expect(talk.state.presence).toEqual({ stage: 'away' });
  });

  it('[AW2] who is back counts as away again after as long', () => {
    const talk = EngineDriver.attached(AWAY);
    talk.pass(15_000);
    talk.interrupts();
    expect(states(talk.pass(14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
  });

  it('[AW3][CX1] is asked for by the model where the policy has a prompt', () => {
    const talk = EngineDriver.attached({ ...AWAY, awayPrompt: 'Ask whether the user is still there.' });
    talk.pass(15_000);
    expect(talk.order).toEqual([
      'parley.user',
      'parley.turn.accepted',
      'announce',
      'start-generation',
      'open-voice',
      'parley.state',
    ]);
    expect(talk.effect('start-generation')[0]?.messages).toEqual([
      { role: 'system', content: 'Be brief.\n\nAsk whether the user is still there.' },
    ]);
    expect(talk.output('announce')).toMatchObject([{ responseId: 'resp_1', itemId: 'answer_1', turnId: 'drawn_1' }]);
  });

  it('[AW3][IN4] is not asked again before being back, and may interrupt the question', () => {
    const talk = EngineDriver.attached({ ...AWAY, awayPrompt: 'Ask.' });
    talk.pass(15_000);
    talk.interrupts({ writtenOrdinal: 0 });
    expect(talk.output('interrupted')).toHaveLength(1);
    const asked = EngineDriver.attached({ ...AWAY, awayPrompt: 'Ask.' });
    asked.pass(15_000);
    asked.modelFails();
    asked.pass(300_000);
    expect(asked.history.filter(({ kind }) => kind === 'start-generation')).toHaveLength(1);
  });

  it('[AW3] is not asked for by an empty prompt', () => {
    const talk = EngineDriver.attached({ ...AWAY, awayPrompt: ' ' });
    talk.pass(15_000);
    expect([states(talk), talk.phase]).toEqual([['away'], 'listening']);
  });

  it('[AW4] is waited for from the end of what was heard', () => {
    const talk = EngineDriver.attached(AWAY).answers('It is sunny. ');
    talk.hears({ segmentsMs: [4_000], complete: true, playedMs: 0, closed: true });
    talk.nowMs += 4_000;
    talk.reports([], 1);
    expect(states(talk.pass(14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
  });

  it('[AW4] is not away while speaking, or while what was said becomes a turn', () => {
    const talk = EngineDriver.attached(AWAY).starts();
    expect(states(talk.pass(59_999))).toEqual([]);
    talk.stops();
    expect(states(talk.pass(2_000 + 14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
    const guessing = EngineDriver.attached({ awayAfterMs: 5_000 }).guesses('Hello');
    expect(states(guessing.pass(9_999))).toEqual([]);
    expect(states(guessing.pass(1))).toEqual(['away']);
  });

  it('[AW4][LI5] has the whole time after a takeover', () => {
    const talk = EngineDriver.attached(AWAY);
    talk.pass(14_000);
    talk.nowMs = 3;
    talk.changesOwner();
    expect(states(talk.pass(14_999))).toEqual([]);
    expect(states(talk.pass(1))).toEqual(['away']);
  });
});
