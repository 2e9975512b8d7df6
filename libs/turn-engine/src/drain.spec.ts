import type { OwnerOutput } from '@parley/model';
import { EngineDriver, outputsOf } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

/** Closed with 2,000 ms delivered and 500 ms played. */
const draining = (): EngineDriver =>
  EngineDriver.attached()
    .answers(FIRST)
    .hears({ segmentsMs: [2000], complete: true, playedMs: 500, closed: true });

const floorsOf = (outputs: readonly OwnerOutput[]): string[] =>
  outputs.flatMap((output) =>
    output.kind === 'event' && output.event.type === 'parley.state' ? [String(output.event['state'])] : [],
  );

describe('the floor', () => {
  it('[FL1][DR1] is speaking from the step that learns of the first sample', () => {
    const talk = EngineDriver.attached();
    expect(talk.floor.state).toBe('listening');
    talk.says('Hello').binds().writes(FIRST).hears({});
    expect(talk.floor.state).toBe('thinking');
    talk.hears({ segmentsMs: [0.05] });
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    expect(floorsOf(talk.outputs)).toEqual(['speaking']);
  });

  it('[DR1] is speaking when an interruption of something else brings the first news of a sample', () => {
    const talk = EngineDriver.attached().says('Hello').binds().writes(FIRST);
    talk.cancels({ responseId: 'resp_9', delivery: [talk.delivery(1, { segmentsMs: [100] })] });
    expect(floorsOf(talk.outputs)).toEqual(['speaking']);
  });

  it('[FL1] is idle before the client is attached and after closing', () => {
    const talk = new EngineDriver();
    expect(talk.floor).toEqual({ state: 'idle', responseId: undefined });
    talk.step({ kind: 'attached' }).says('Hello').client({ kind: 'disconnected', reason: 'client' });
    expect(talk.floor).toEqual({ state: 'idle', responseId: undefined });
  });

  it('[FL2][DR8] is told once for each change, as the last output of its step', () => {
    const talk = EngineDriver.attached().answers(FIRST);
    for (const playedMs of [0, 200, 400]) talk.hears({ segmentsMs: [900], playedMs });
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 500, closed: true });
    expect(floorsOf(talk.outputs)).toEqual([]);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    expect(floorsOf(outputsOf(talk.history))).toEqual(['thinking', 'speaking', 'listening']);
    talk.says('And now?').writes(FIRST).interrupts();
    expect(talk.outputs.at(-1)).toEqual({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
  });

  it('[FL3] is not speaking for a response that failed before its first sample', () => {
    const talk = EngineDriver.attached().answers(FIRST).voiceFails();
    expect(talk.state.tails).toHaveLength(1);
    expect(talk.floor.state).toBe('listening');
    talk.hears({ closed: true });
    expect(floorsOf(outputsOf(talk.history))).toEqual(['thinking', 'listening']);
  });

  it('[FL4] names what is heard: the oldest tail, then the live response', () => {
    const talk = draining();
    expect(talk.floor.responseId).toBe('resp_1');
    talk.answers(SECOND);
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    const older = (playedMs: number) =>
      talk.delivery(1, { segmentsMs: [2000], complete: true, playedMs, closed: true });
    talk.reports([older(1900), talk.delivery(2, { segmentsMs: [300] })]);
    expect(talk.phase).toBe('speaking');
    expect(talk.floor.responseId).toBe('resp_1');
    talk.reports([older(2000), talk.delivery(2, { segmentsMs: [300] })]);
    expect(talk.events('parley.state')).toEqual([{ type: 'parley.state', state: 'speaking', response_id: 'resp_2' }]);
    talk.interrupts();
    expect(talk.events('parley.state')).toEqual([{ type: 'parley.state', state: 'listening' }]);
  });
});

describe('a tail', () => {
  it('[DR2] keeps the floor speaking after the closing events, until it was played', () => {
    const talk = draining();
    expect(talk.phase).toBe('listening');
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    talk.pass(1000).hears({ segmentsMs: [2000], complete: true, playedMs: 1500, closed: true });
    expect(talk.floor.state).toBe('speaking');
    talk.pass(500).hears({ segmentsMs: [2000], complete: true, playedMs: 2000, closed: true });
    expect(talk.order).toEqual(['parley.state']);
    expect(talk.floor.state).toBe('listening');
  });

  it('[DR2][DR5][DR9] that never empties ends drainTimeoutMs after the expected end, and is observed', () => {
    const talk = draining().pass(1_999);
    expect(talk.effects).toEqual([]);
    expect(talk.floor.state).toBe('speaking');
    talk.pass(1);
    expect(talk.effects[0]).toEqual({
      kind: 'observe',
      observation: { name: 'drain-timeout', responseId: 'resp_1', queuedSamples: 36_000, elapsedMs: 2_000 },
    });
    expect(talk.order).toEqual(['observe drain-timeout', 'parley.state']);
    expect(talk.floor.state).toBe('listening');
  });

  it.each([300, 600])('[DR2] ends by the drain timeout of the policy: %d ms', (drainTimeoutMs) => {
    const talk = EngineDriver.attached({ drainTimeoutMs }).answers(FIRST);
    talk.hears({ segmentsMs: [1000], complete: true, closed: true }).pass(1_000 + drainTimeoutMs - 1);
    expect(talk.floor.state).toBe('speaking');
    talk.pass(1);
    expect(talk.floor.state).toBe('listening');
  });

  it('[DR5][DR9] ends in time though a client that stands still goes on reporting', () => {
    const talk = draining();
    for (let n = 0; n < 9; n++) {
      talk.pass(200).hears({ segmentsMs: [2000], complete: true, playedMs: 500, closed: true });
      expect(talk.floor.state).toBe('speaking');
    }
    talk.pass(200);
    expect(talk.floor.state).toBe('listening');
  });

  it('[DR9] is expected later when playback was late but goes on', () => {
    const talk = draining()
      .pass(1_500)
      .hears({ segmentsMs: [2000], complete: true, playedMs: 800, closed: true });
    talk.pass(1_699);
    expect(talk.floor.state).toBe('speaking');
    talk.pass(1);
    expect(talk.floor.state).toBe('listening');
  });

  it('[DR9] waits for the tails before it, which its progress does not delay', () => {
    const talk = draining().answers(SECOND);
    const older = talk.delivery(1, { segmentsMs: [2000], complete: true, playedMs: 500, closed: true });
    talk.reports([older, talk.delivery(2, { segmentsMs: [1000], complete: true, closed: true })]);
    expect(talk.state.tails.map(({ deadlineMs }) => deadlineMs - talk.nowMs)).toEqual([2_000, 3_000]);
    talk.pass(2_000);
    expect(talk.state.tails.map(({ ordinal }) => ordinal)).toEqual([2]);
    talk.pass(1_000);
    expect(talk.state.tails).toEqual([]);
  });

  it('[DR3] is not ended by what a new response does', () => {
    const older = { segmentsMs: [2000], complete: true, playedMs: 700, closed: true };
    const acts: ((talk: EngineDriver) => EngineDriver)[] = [
      (talk) => talk.writes(SECOND),
      (talk) => talk.finishes(),
      (talk) => talk.refusesVoice(),
      (talk) => talk.modelFails(),
      (talk) => talk.binds().writes(SECOND).voiceFails(),
      (talk) => talk.cancels(),
      (talk) => talk.reports([talk.delivery(1, older), talk.delivery(2, { closed: true })]),
    ];
    for (const act of acts) {
      const talk = act(draining().says('And then?'));
      expect(talk.state.tails[0]?.ordinal).toBe(1);
      expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    }
  });

  it('[DR3] ends nothing of the new response', () => {
    const played = draining().says('And then?').binds().writes(SECOND);
    played.reports([
      played.delivery(1, { segmentsMs: [2000], complete: true, playedMs: 2000, closed: true }),
      played.delivery(2, {}),
    ]);
    const late = draining().says('And then?').binds().pass(2_000).writes(SECOND);
    for (const talk of [played, late]) {
      expect(talk.state.tails).toEqual([]);
      expect(talk.floor).toEqual({ state: 'thinking', responseId: 'resp_2' });
      expect(talk.hears({ segmentsMs: [100] }).floor).toEqual({ state: 'speaking', responseId: 'resp_2' });
    }
  });

  it('[DR4] is one, and ends once, however often its end is told', () => {
    const talk = draining();
    const report = { segmentsMs: [2000], complete: true, playedMs: 500, closed: true };
    talk.closedOrdinal = 1;
    talk.hears(report).finishes().hears(report).client({ kind: 'session-updated', patch: {} }).finishes('length');
    expect(talk.state.tails).toHaveLength(1);
    const over = { ...report, playedMs: 2000, ended: true };
    talk.hears(over).hears(over).reports([]).pass(5_000);
    const ended = talk.history.filter(
      (effect) => effect.kind === 'observe' && effect.observation.name === 'response-ended',
    );
    expect(ended).toHaveLength(1);
    expect(floorsOf(outputsOf(talk.history))).toEqual(['thinking', 'speaking', 'listening']);
  });

  it('[DR6] is cut with everything else, and nobody speaks at the end of the step', () => {
    const talk = draining().answers(SECOND);
    talk.reports([
      talk.delivery(1, { segmentsMs: [2000], complete: true, playedMs: 500, closed: true }),
      talk.delivery(2, { segmentsMs: [400] }),
    ]);
    talk.interrupts();
    expect(talk.effect('cancel-voice')).toEqual([{ kind: 'cancel-voice', lane: 0, ordinal: 2 }]);
    expect(talk.state.tails).toEqual([]);
    expect(talk.phase).toBe('listening');
    expect(floorsOf(talk.outputs)).toEqual(['listening']);
  });

  it('[DR7] that ends by itself cancels nothing and loses no word', () => {
    const talk = EngineDriver.attached().answers(FIRST, SECOND);
    const from = talk.history.length;
    for (let playedMs = 0; playedMs <= 3200; playedMs += 200) {
      talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs, closed: true }).pass(200);
    }
    const order = talk.history.slice(from).filter((effect) => effect.kind !== 'observe');
    expect(floorsOf(outputsOf(order))).toEqual(['speaking', 'listening']);
    expect(order).toHaveLength(3);
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[DR10] ends when a report no longer lists it, or says that it ended', () => {
    expect(draining().reports([], 1).floor.state).toBe('listening');
    expect(draining().reports([], 0).floor.state).toBe('speaking');
    const ended = { segmentsMs: [2000], complete: true, playedMs: 1900, closed: true, ended: true };
    expect(draining().hears(ended).floor.state).toBe('listening');
    expect(draining().hears({ ...ended, closed: false }).floor.state).toBe('speaking');
  });

  it('[DR11] is left until a report when the closing is known from an input', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [300], playedMs: 300 });
    talk.closedOrdinal = 1;
    talk.says('And then?');
    expect(talk.state.tails).toMatchObject([{ ordinal: 1 }]);
    const closed = { segmentsMs: [900], complete: true, playedMs: 400, closed: true };
    talk.reports([talk.delivery(1, closed), talk.delivery(2, {})]);
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    talk.reports([talk.delivery(1, { ...closed, playedMs: 900 }), talk.delivery(2, {})]);
    expect(talk.floor).toEqual({ state: 'thinking', responseId: 'resp_2' });
  });

  it('[DR11] is not left of a response without a voice', () => {
    const talk = EngineDriver.attached().says('Hello').refusesVoice().writes(FIRST).finishes();
    talk.closedOrdinal = 1;
    talk.says('And then?');
    expect(talk.state.tails).toEqual([]);
  });

  it('[DR12] is not left of a response that failed before it had any text', () => {
    expect(EngineDriver.attached().says('Hello').binds().modelFails().state.tails).toEqual([]);
    expect(EngineDriver.attached().says('Hello').binds().writes(FIRST).modelFails().state.tails).toHaveLength(1);
  });

  it('[DR12] of a failed response drains like any other', () => {
    const talk = EngineDriver.attached().says('Hello').binds().writes(FIRST);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 300 }).modelFails();
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    expect(talk.says('And then?').errors).toEqual([]);
    const older = talk.delivery(1, { segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    talk.reports([older, talk.delivery(2, {})]);
    expect(talk.floor).toEqual({ state: 'thinking', responseId: 'resp_2' });
  });
});
