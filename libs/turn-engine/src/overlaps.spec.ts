import { EngineDriver } from './testing/engine-driver';

const LONG = 'It is sunny today and it will stay so for the rest of the week. ';
const AWAY = { awayAfterMs: 1_000 };

const later = (talk: EngineDriver, ms: number): EngineDriver => {
  talk.nowMs += ms;
  return talk;
};
const speaking = (policy: ConstructorParameters<typeof EngineDriver>[0] = {}): EngineDriver =>
  EngineDriver.attached(policy)
    .says('A question?')
    .binds()
    .writes(LONG)
    .hears({ segmentsMs: [4_000], playedMs: 1_000 });

describe('a look at the clock', () => {
  it('[AW1] finds nobody away while the agent answers or is heard', () => {
    const talk = EngineDriver.attached(AWAY).says('Hi').binds().writes(LONG);
    expect(later(talk, 2_000).looks().events('parley.user')).toEqual([]);
    talk.finishes().hears({ segmentsMs: [9_000], complete: true, closed: true });
    expect(later(talk, 2_000).looks().events('parley.user')).toEqual([]);
  });

  it('[AW1] finds a user away once', () => {
    const talk = EngineDriver.attached(AWAY).pass(1_000);
    expect(talk.events('parley.user')).toHaveLength(1);
    expect(later(talk, 5_000).looks().effects).toEqual([]);
  });

  it('[BI1][LI2] that comes too early takes nothing from speech that goes on', () => {
    const talk = speaking({ minSpeechMs: 500 }).starts().utters('wait a moment');
    const before = talk.state;
    expect(later(talk, 100).looks().effects).toEqual([]);
    expect(talk.state).toEqual(before);
    expect(talk.pass(400).output('interrupted')).toHaveLength(1);
  });
});

describe('speech beside what goes on', () => {
  it('[BI6] keeps its words over a pause for breath', () => {
    const talk = speaking({ minSpeechMs: 500 }).starts().utters('wait a moment');
    later(talk, 100).stops();
    later(talk, 100).starts();
    expect(talk.pass(499).output('interrupted')).toEqual([]);
    expect(talk.pass(1).output('interrupted')).toHaveLength(1);
  });

  it('[PA5] leaves no pause behind when it ends', () => {
    expect(speaking().starts().stops().state.pause).toBeNull();
  });

  it('[PA1] holds what is heard, and not an older tail of which nothing was delivered', () => {
    const talk = EngineDriver.attached({ falseInterruption: 'pause' }).answers(LONG);
    talk.closedOrdinal = 1;
    talk.says('And then?').binds().writes(LONG);
    talk.reports([talk.delivery(1, {}), talk.delivery(2, { segmentsMs: [4_000], playedMs: 1_000 })]);
    expect(talk.state.tails.map(({ ordinal }) => ordinal)).toEqual([1]);
    const heard = [talk.delivery(1, {}), talk.delivery(2, { segmentsMs: [4_000], playedMs: 1_000 })];
    expect(talk.starts(heard).output('paused')).toMatchObject([{ responseId: 'resp_2', fromMs: 1_000 }]);
  });

  it('[PA3] holds on when another response than the one that is held is interrupted', () => {
    const talk = EngineDriver.attached({ falseInterruption: 'pause' }).answers(LONG);
    talk.hears({ segmentsMs: [4_000], complete: true, playedMs: 1_000, closed: true });
    talk.says('And then?').starts();
    expect(talk.output('paused')).toMatchObject([{ responseId: 'resp_1' }]);
    expect(talk.interrupts({ responseId: 'resp_2' }).state.pause).toMatchObject({ responseId: 'resp_1' });
    expect(talk.output('resumed')).toEqual([]);
  });

  it('[BI7] is not over with a turn for which the queue has no place', () => {
    const talk = speaking({ busy: 'queue', maxQueuedTurns: 0 }).starts().says('Second');
    expect(talk.errors.map(({ code }) => code)).toEqual(['turn_in_progress']);
    expect(talk.state.speech.stage).toBe('speaking');
  });

  it('[MU1] goes on when the microphone, which was on, is turned on', () => {
    const talk = speaking().starts().mutes(false);
    expect(talk.state.speech.stage).toBe('speaking');
  });
});

describe('a user who is away', () => {
  it.each([
    ['a result', (talk: EngineDriver) => talk.returns('22 °C')],
    [
      'a message that was refused',
      (talk: EngineDriver) =>
        talk.client({
          kind: 'message-refused',
          error: { type: 'invalid_request_error', code: 'invalid_json', message: 'Not JSON.', param: null },
        }),
    ],
    ['its end', (talk: EngineDriver) => talk.client({ kind: 'disconnected', reason: 'lost' })],
  ])('[AW2] is not back with %s', (_what, acts) => {
    const talk = EngineDriver.attached(AWAY).pass(1_000);
    expect(acts(talk).events('parley.user')).toEqual([]);
  });

  it('[LI1][CL4] is waited for until the session is idle for too long', () => {
    const talk = EngineDriver.attached({ ...AWAY, idleTimeoutMs: 5_000 }, { resumable: true });
    const atMs = talk.nowMs;
    expect(talk.pass(1_000).deadlineMs).toBe(atMs + 5_000);
    expect(talk.pass(4_000).phase).toBe('closed');
  });
});

describe('words that are dictated', () => {
  const cut = (talk: EngineDriver): number =>
    later(talk.starts(), 600).utters('wait a moment').output('interrupted').length;

  it('[SY1] leave as early as any: the first segment may be short', () => {
    const talk = EngineDriver.attached().dictates('Yes. It is sunny today. ');
    expect(talk.output('text').map(({ text }) => text)).toEqual(['Yes. ', 'It is sunny today. ']);
  });

  it('[BI4] are cut by speech as they say themselves, and else as the policy says', () => {
    expect(cut(EngineDriver.attached().dictates(LONG, false))).toBe(0);
    expect(cut(EngineDriver.attached({ interruptible: false }).dictates(LONG, true))).toBe(1);
    expect(cut(EngineDriver.attached({ interruptible: false }).dictates(LONG))).toBe(0);
    expect(cut(EngineDriver.attached().dictates(LONG))).toBe(1);
  });

  it('[SY4][SU10] end a speculation as a mismatch', () => {
    const talk = EngineDriver.attached().guesses('What').dictates('Hello.');
    expect(talk.effect('observe')[0]?.observation).toEqual({ name: 'speculation', outcome: 'mismatch' });
  });
});

describe('the question to a user who is away', () => {
  it('[AW3] is asked with the prompt alone where the session has no instructions', () => {
    const talk = EngineDriver.attached({ ...AWAY, awayPrompt: 'Ask.' }, { instructions: '' }).pass(1_000);
    expect(talk.effect('start-generation')[0]?.messages).toEqual([{ role: 'system', content: 'Ask.' }]);
  });
});
