import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

/** The grace period is shorter than any wait for the model. */
const resumable = (): EngineDriver => EngineDriver.attached({ reconnectGraceMs: 3_000 }, { resumable: true });
const speaking = (): EngineDriver =>
  resumable()
    .says('How is the weather?')
    .binds()
    .writes(FIRST)
    .hears({ segmentsMs: [900], playedMs: 300 });

describe('a lost connection', () => {
  it.each([
    ['its gateway is gone', (talk: EngineDriver) => talk.losesGateway()],
    ['the client vanished', (talk: EngineDriver) => talk.client({ kind: 'disconnected', reason: 'lost' })],
    ['the gateway stops', (talk: EngineDriver) => talk.client({ kind: 'disconnected', reason: 'shutdown' })],
  ])('[CN1] keeps the session: %s', (_, lose) => {
    const talk = lose(speaking());
    expect(talk.effects).toEqual([]);
    expect(talk.phase).toBe('speaking');
    expect(talk.state.connection).toEqual({
      stage: 'lost',
      graceDeadlineMs: talk.nowMs + 3_000,
      deadlineMs: talk.nowMs + 120_000,
    });
  });

  it('[CN1] is lost once: a second word of it gives no more time', () => {
    const talk = speaking().losesGateway();
    const { connection } = talk.state;
    expect(talk.pass(1_000).client({ kind: 'disconnected', reason: 'lost' }).state.connection).toBe(connection);
  });

  it('[CN1] ends the utterance under way', () => {
    expect(speaking().starts().losesGateway().state.speech).toEqual({ stage: 'silent' });
  });

  it.each([
    ['the client closed it', (talk: EngineDriver) => talk.client({ kind: 'disconnected', reason: 'client' })],
    ['it cannot come back', () => EngineDriver.attached().losesGateway()],
    ['it cannot come back', () => EngineDriver.attached().client({ kind: 'disconnected', reason: 'lost' })],
  ])('[CL2] ends the session where %s', (_, lose) => {
    const talk = lose(speaking());
    expect(talk.phase).toBe('closed');
    expect(talk.effect('close-session')).toHaveLength(1);
  });

  it('[CN2] stops the clock of the voice, and of what plays', () => {
    const live = speaking().finishes().losesGateway().pass(2_999);
    expect(live.effects).toEqual([]);
    live.pass(20_000);
    expect(live.output('end')).toEqual([]);
    expect(live.phase).toBe('speaking');
    const tail = resumable()
      .answers(FIRST)
      .hears({ segmentsMs: [900], complete: true, playedMs: 300, closed: true });
    tail.losesGateway().pass(20_000);
    expect(tail.state.tails).toHaveLength(1);
  });

  it('[CN2] stops the clock of a user who would be away, and of an idle session', () => {
    const talk = EngineDriver.attached({ idleTimeoutMs: 10_000 }, { resumable: true }).chooses({ awayAfterMs: 2_000 });
    talk.losesGateway().pass(60_000);
    expect(talk.events('parley.user')).toEqual([]);
    expect(talk.phase).toBe('listening');
  });

  it('[CN2] does not stop the clock of the model', () => {
    const talk = resumable().says('How is the weather?').binds().losesGateway().pass(20_000);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'llm_unavailable' } }]);
  });

  it('[CN3] holds the voice after the grace period, once, and the text goes on', () => {
    const talk = speaking().losesGateway().pass(2_999);
    expect(talk.effects).toEqual([]);
    expect(talk.pass(1).order).toEqual(['cancel-voice']);
    expect(talk.state.phase).toMatchObject({ response: { voice: { stage: 'held' } } });
    talk.writes(SECOND);
    expect(talk.order).toEqual(['text']);
    expect(talk.finishes().order).toEqual(['end']);
    expect(talk.output('end')).toMatchObject([{ spokenSegments: 2 }]);
    expect(talk.pass(60_000).effects).toEqual([]);
  });

  it('[CN3] holds it then, not before, and not again, whenever somebody looks', () => {
    const talk = speaking().losesGateway().pass(1_000).looks();
    expect(talk.effects).toEqual([]);
    talk.pass(2_000);
    expect(talk.looks().effects).toEqual([]);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 600 });
    expect(talk.state.phase).toMatchObject({ response: { voice: { stage: 'held', deadlineMs: null } } });
  });

  it('[CN2] blames no voice within a grace period longer than its time', () => {
    const talk = EngineDriver.attached({ reconnectGraceMs: 10_000 }, { resumable: true }).answers(FIRST).losesGateway();
    expect(talk.pass(9_999).effects).toEqual([]);
  });

  it('[CN3] holds one that is still being asked for, and none that there is not', () => {
    const opening = resumable().says('How is the weather?').losesGateway().pass(3_000);
    expect(opening.order).toEqual(['cancel-voice']);
    expect(resumable().losesGateway().pass(3_000).effects).toEqual([]);
    const mute = resumable().says('How is the weather?').refusesVoice().losesGateway().pass(3_000);
    expect(mute.effects).toEqual([]);
  });

  it('[CN4] closes the session in the end', () => {
    const talk = speaking().finishes().losesGateway().pass(119_999);
    expect(talk.phase).toBe('speaking');
    talk.pass(1);
    expect(talk.phase).toBe('closed');
    expect(talk.effect('close-session')).toEqual([{ kind: 'close-session', reason: 'the client did not come back' }]);
    expect(talk.deadlineMs).toBeUndefined();
    expect(talk.state.connection).toEqual({ stage: 'connected' });
  });
});

describe('a connection that is there after all', () => {
  it.each([
    ['its gateway says so', (talk: EngineDriver) => talk.findsGateway()],
    ['an input comes', (talk: EngineDriver) => talk.client({ kind: 'speech-stopped' })],
  ])('[CN5] goes on: %s', (_, find) => {
    const talk = find(speaking().finishes().losesGateway().pass(2_900));
    expect(talk.state.connection).toEqual({ stage: 'connected' });
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, attempt: 2 }]);
    talk.binds().pass(4_999);
    expect(talk.output('end')).toEqual([]);
    expect(talk.pass(1).output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
  });

  it('[CN5] goes on as if nothing had been where no audio is owed', () => {
    const talk = resumable().says('How is the weather?').binds().writes(FIRST);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 300 }).losesGateway();
    expect(talk.findsGateway().effects).toEqual([]);
    expect(talk.state.phase).toMatchObject({ response: { voice: { stage: 'bound' } } });
  });

  it('[CN5] has its voice again, from where delivery stands', () => {
    const talk = speaking().writes(SECOND).losesGateway().pass(3_000).findsGateway();
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, attempt: 2, segments: 2 }]);
    expect(talk.effect('speak-segment')).toMatchObject([
      { segment: 0, from: { sample: 21_600 } },
      { segment: 1, from: { sample: 0 } },
    ]);
    expect(talk.state.phase).toMatchObject({ response: { rendering: { barren: 0 } } });
  });

  it('[CN5] gives a voice that was still being asked for its whole time', () => {
    const talk = resumable().says('How is the weather?').losesGateway().pass(2_900).findsGateway().pass(4_999);
    expect(talk.errors).toEqual([]);
    expect(talk.pass(1).errors).toMatchObject([{ code: 'tts_unavailable' }]);
  });

  it('[CN5] gives what plays, the idle session and the user their whole time', () => {
    const tail = resumable()
      .answers(FIRST)
      .hears({ segmentsMs: [900], complete: true, playedMs: 300, closed: true });
    tail.losesGateway().pass(30_000).findsGateway().pass(1_099);
    expect(tail.state.tails).toHaveLength(1);
    expect(tail.pass(1).state.tails).toEqual([]);
    const idle = EngineDriver.attached({ idleTimeoutMs: 10_000 }, { resumable: true }).losesGateway();
    idle.pass(9_000).findsGateway().pass(9_999);
    expect(idle.phase).toBe('listening');
    expect(idle.pass(1).phase).toBe('closed');
  });

  it('[CN5] was never lost where nobody missed it', () => {
    const talk = speaking();
    const { state } = talk;
    expect(talk.findsGateway().state).toBe(state);
  });

  it('[CN6] is waited for by a new owner too, which asks for no voice', () => {
    const talk = speaking().losesGateway().pass(2_000).changesOwner();
    expect(talk.order).toEqual(['adopted', 'start-generation']);
    expect(talk.state.connection).toMatchObject({
      graceDeadlineMs: talk.nowMs + 3_000,
      deadlineMs: talk.nowMs + 120_000,
    });
    talk.findsGateway();
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
  });

  it('[CN6] has no voice to ask for where there was none', () => {
    const talk = resumable().says('How is the weather?').refusesVoice().writes(FIRST).losesGateway().changesOwner();
    expect(talk.state.phase).toMatchObject({ response: { voice: { stage: 'absent' } } });
  });

  it('[CN5] waits on for a worker that was asked for and has not answered', () => {
    const talk = EngineDriver.attached({}, { resumable: true }).says('A question?').writes('It is sunny today. ');
    talk.losesGateway().findsGateway();
    expect(talk.effect('open-voice')).toEqual([]);
    expect(talk.state.phase).toMatchObject({ response: { rendering: { attempt: 1 }, voice: { stage: 'opening' } } });
  });
});
