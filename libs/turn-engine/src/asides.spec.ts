import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';
const OUT = { outOfBand: true } as const;

/** A turn whose answer is being written and spoken, with one response out of band beside it: ordinals 1 and 2. */
const beside = (session: Parameters<typeof EngineDriver.attached>[1] = {}): EngineDriver =>
  EngineDriver.attached({}, session).says('A question?').binds().writes(FIRST).asks(OUT);

describe('a response out of band', () => {
  it('[OB1] begins beside a live one, on a lane of its own, and changes neither floor nor items', () => {
    const talk = EngineDriver.attached().says('A question?').binds().writes(FIRST);
    const { history, phase } = talk.state;
    talk.asks({ ...OUT, metadata: { topic: 'side' } });
    expect(talk.order).toEqual(['parley.turn.accepted', 'announce', 'start-generation', 'open-voice']);
    expect(talk.output('announce')).toMatchObject([
      { lane: 1, ordinal: 2, responseId: 'resp_2', previousItemId: null, metadata: { topic: 'side' } },
    ]);
    expect(talk.effect('start-generation')).toMatchObject([{ lane: 1, ordinal: 2, continues: null }]);
    expect(talk.effect('open-voice')).toMatchObject([{ lane: 1, ordinal: 2, attempt: 1 }]);
    expect(talk.state.history).toEqual(history);
    expect(talk.state.phase).toEqual(phase);
    talk.asks(OUT);
    expect(talk.output('announce')).toMatchObject([{ lane: 2, ordinal: 3 }]);
  });

  it('[OB1] begins with a free floor, and leaves it free for a turn', () => {
    const talk = EngineDriver.attached().asks(OUT);
    expect(talk.floor.state).toBe('listening');
    expect(talk.says('Hello').errors).toEqual([]);
    expect(talk.output('announce')).toMatchObject([{ lane: 0, ordinal: 2, previousItemId: 'user_2' }]);
  });

  it('[OB1] is no reason to refuse a response of the conversation, but one of those is', () => {
    const talk = EngineDriver.attached().asks(OUT).asks();
    expect(talk.errors).toEqual([]);
    expect(talk.asks().errors).toMatchObject([{ code: 'conversation_already_has_active_response' }]);
  });

  it('[OB2] is given the conversation as it stands, and later nothing is given of it', () => {
    const talk = EngineDriver.attached().says('One').binds().writes('Two. ').asks(OUT);
    expect(talk.effect('start-generation')[0]?.messages.map(({ content }) => content)).toEqual([
      'Be brief.',
      'One',
      'Two. ',
    ]);
    talk.writes('Aside. ').finishes().interrupts({ responseId: 'resp_2' });
    talk.asks(OUT);
    expect(talk.effect('start-generation')[0]?.messages).toHaveLength(3);
  });

  it('[OB2] is spoken by its own worker, and delivered like any other', () => {
    const talk = beside().binds().writes(FIRST);
    expect(talk.output('text')).toMatchObject([{ lane: 1, ordinal: 2, segment: 0, text: FIRST }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ lane: 1, ordinal: 2, segment: 0 }]);
    talk.finishes();
    expect(talk.output('end')).toMatchObject([{ lane: 1, ordinal: 2, spokenSegments: 1, status: 'completed' }]);
    expect(talk.effect('end-voice')).toMatchObject([{ lane: 1, ordinal: 2, segments: 1 }]);
    talk.hears({ segmentsMs: [400], complete: true, closed: true });
    expect(talk.state.asides).toEqual([]);
    expect(talk.state.tails).toEqual([]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'response-ended', status: 'completed', responseId: 'resp_2' },
    });
    expect(talk.events('parley.state')).toEqual([]);
    expect(talk.phase).toBe('thinking');
  });

  it.each(['interrupts', 'cancels'] as const)('[OB3] is hit by a client that %s it by its name, and alone', (how) => {
    const talk = beside();
    talk[how]({ responseId: 'resp_2' });
    expect(talk.output('interrupted')).toMatchObject([
      { lane: 1, ordinal: 2, responseId: 'resp_2', reason: 'client_cancelled', heardText: '' },
    ]);
    expect(talk.effect('abort-generation')).toEqual([{ kind: 'abort-generation', lane: 1, ordinal: 2 }]);
    expect(talk.effect('cancel-voice')).toEqual([{ kind: 'cancel-voice', lane: 1, ordinal: 2 }]);
    expect(talk.state.asides).toEqual([]);
    expect(talk.phase).toBe('thinking');
    talk[how]({ responseId: 'resp_2' });
    expect(talk.errors).toHaveLength(1);
  });

  it.each(['interrupts', 'cancels'] as const)('[OB3] leaves a speculation alone when a client %s it', (how) => {
    const talk = EngineDriver.attached().asks(OUT).guesses('A question');
    talk[how]({ responseId: 'resp_1' });
    expect(talk.output('interrupted')).toHaveLength(1);
    expect(talk.state.speculation.run).not.toBeNull();
  });

  it('[OB3] goes on when everything of the conversation is interrupted, cancelled, or cut by a turn or by speech', () => {
    for (const cut of [
      (talk: EngineDriver) => talk.interrupts(),
      (talk: EngineDriver) => talk.cancels(),
      (talk: EngineDriver) => talk.chooses({ busy: 'interrupt' }).says('Another?'),
      (talk: EngineDriver) => talk.chooses({ minSpeechMs: 0, coolDownMs: 0, minWords: 0 }).starts(),
    ]) {
      const talk = beside();
      cut(talk);
      expect(talk.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([1]);
      expect(talk.state.asides.map(({ ordinal }) => ordinal)).toEqual([2]);
    }
    const alone = EngineDriver.attached().asks(OUT).interrupts();
    expect(alone.errors).toMatchObject([{ code: 'nothing_to_interrupt' }]);
    expect(alone.cancels().errors).toMatchObject([{ code: 'response_cancel_not_active' }]);
  });

  it('[OB3] is not truncated: the conversation has no item of it', () => {
    const talk = beside().truncates('answer_2', 0);
    expect(talk.errors).toMatchObject([{ code: 'item_truncate_invalid_item_id' }]);
  });

  it('[OB4] is refused beside eight, and begins when one of them has ended', () => {
    const talk = EngineDriver.attached();
    for (let n = 1; n <= 8; n++) talk.asks(OUT);
    expect(talk.state.asides.map(({ lane }) => lane)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const before = talk.state;
    talk.asks(OUT, 'event_9');
    expect(talk.output('error')).toEqual([
      {
        kind: 'error',
        clientEventId: 'event_9',
        error: {
          type: 'invalid_request_error',
          code: 'capacity',
          message: '8 responses out of band are in progress; wait until one of them is finished.',
          param: null,
        },
      },
    ]);
    expect(talk.state.asides).toEqual(before.asides);
    talk.modelFails(3).asks(OUT);
    expect(talk.output('announce')).toMatchObject([{ lane: 3, ordinal: 9 }]);
  });

  it('[OB5] tells what it calls, and waits for no result', () => {
    const talk = beside().calls();
    expect(talk.output('call')).toMatchObject([{ lane: 1, ordinal: 2, itemId: 'fn_1' }]);
    expect(talk.state.calls).toEqual([]);
    expect(talk.state.history.map(({ id }) => id)).toEqual(['user_1', 'answer_1']);
    // A response of calls alone is none that is empty.
    talk.finishes();
    expect(talk.output('end')).toMatchObject([{ lane: 1, status: 'completed', segments: 0, spokenSegments: 0 }]);
    expect(talk.returns('sunny').errors).toMatchObject([{ code: 'invalid_tool_call_id' }]);
  });

  it('[OB6] fails alone, by the model, its silence, or the voice', () => {
    for (const fail of [
      (talk: EngineDriver) => talk.modelFails(2),
      (talk: EngineDriver) => talk.writes(FIRST, 1).finishes('stop', 1).hears({}).pass(20_000),
      (talk: EngineDriver) => talk.binds(2).voiceFails(2),
    ]) {
      const talk = beside();
      fail(talk);
      expect(talk.output('end').filter(({ ordinal }) => ordinal === 2)).toMatchObject([
        { lane: 1, status: 'failed', segments: 0, spokenSegments: 0 },
      ]);
      expect(talk.state.asides).toEqual([]);
      expect(talk.events('parley.turn.metrics')).toContainEqual(expect.objectContaining({ response_id: 'resp_2' }));
    }
  });

  it('[OB6] goes on as text where there is no voice, and closes when the gateway says nothing', () => {
    const talk = EngineDriver.attached().asks(OUT).writes(FIRST).refusesVoice();
    expect(talk.errors).toMatchObject([{ code: 'tts_unavailable' }]);
    talk.finishes();
    expect(talk.output('end')).toMatchObject([{ lane: 1, spokenSegments: 0 }]);
    talk.pass(talk.policy.voiceTimeoutMs);
    expect(talk.output('close')).toEqual([{ kind: 'close', lane: 1, ordinal: 1 }]);
    expect(talk.state.asides).toEqual([]);
  });

  it('[OB6] is spoken on by another worker when its own is lost, or its audio', () => {
    const talk = beside().binds().writes(FIRST).losesVoice();
    expect(talk.effect('open-voice')).toMatchObject([{ lane: 1, ordinal: 2, attempt: 2 }]);
    talk.binds();
    talk.hears({ segmentsMs: [100], holedAttempt: 2 });
    expect(talk.effect('open-voice')).toMatchObject([{ lane: 1, ordinal: 2, attempt: 3 }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ lane: 1, ordinal: 2, from: { sample: 2400 } }]);
  });

  it('[OB6] is watched while the conversation’s voice is paused', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [900], playedMs: 500 });
    talk.chooses({
      falseInterruption: 'pause',
      minSpeechMs: 9_000,
      minWords: 3,
      falseInterruptionMs: 60_000,
      coolDownMs: 0,
    });
    talk.starts();
    expect(talk.state.pause).not.toBeNull();
    talk.asks(OUT).binds().writes(FIRST).finishes();
    talk.pass(talk.policy.voiceTimeoutMs);
    expect(talk.output('end')).toMatchObject([{ lane: 1, ordinal: 2, status: 'failed' }]);
  });

  it('[OB6] has the first audio that the conversation’s floor knows nothing of', () => {
    const talk = EngineDriver.attached()
      .asks(OUT)
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [300] });
    expect(talk.floor.state).toBe('listening');
    expect(talk.state.hasSpoken).toBe(true);
  });

  it('[OB7] goes on with a new owner, under its name and with its own words', () => {
    const talk = EngineDriver.attached();
    talk
      .asks({ ...OUT, instructions: 'Sing.', input: [{ role: 'user', text: 'La' }] })
      .binds()
      .writes(FIRST);
    talk.changesOwner();
    expect(talk.output('adopted')).toMatchObject([{ segments: [] }]);
    expect(talk.effect('open-voice')).toMatchObject([{ lane: 1, ordinal: 1, attempt: 2 }]);
    expect(talk.effect('start-generation')).toMatchObject([
      {
        lane: 1,
        ordinal: 1,
        continues: FIRST,
        messages: [
          { role: 'system', content: 'Sing.' },
          { role: 'user', content: 'La' },
        ],
      },
    ]);
  });

  it('[OB7] fails with a new owner that does not know all the client has', () => {
    const talk = beside().writes(FIRST);
    talk.changesOwner(null, talk.known(), true);
    expect(talk.output('end').map(({ ordinal, status }) => [ordinal, status])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ]);
    expect(talk.state.asides).toEqual([]);
  });

  it('[OB7] is held and asked for again with the voice of the conversation', () => {
    const talk = beside({ resumable: true }).finishes('stop', 1).binds().writes(FIRST).finishes().losesGateway();
    talk.pass(talk.policy.reconnectGraceMs);
    expect(talk.effect('cancel-voice').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    talk.findsGateway();
    expect(talk.effect('open-voice').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
  });

  it('[OB7] is asked for anew where audio may have been sent to nobody', () => {
    const talk = beside({ resumable: true }).binds().writes(FIRST).losesGateway().findsGateway();
    expect(talk.effect('open-voice').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    const lost = beside({ resumable: true }).binds().writes(FIRST).losesGateway().changesOwner();
    expect(lost.effect('open-voice')).toEqual([]);
    expect(lost.state.asides[0]?.voice.stage).toBe('held');
  });

  it('[OB7] comes again to a client that comes back, from where it has it', () => {
    const talk = beside({ resumable: true }).binds().writes(FIRST);
    talk.hears({ segmentsMs: [900] });
    talk.comesBack([talk.has(1, [], {}), talk.has(2, [500])]);
    expect(talk.effect('speak-segment').filter(({ lane }) => lane === 1)).toMatchObject([
      { ordinal: 2, segment: 0, from: { sample: 12_000 } },
    ]);
    expect(talk.state.asides).toHaveLength(1);
  });

  it('[OB7] is live again for a client that has not got its end, beside whatever is live', () => {
    const talk = beside({ resumable: true }).binds().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.state.finishedAsides.map(({ ordinal }) => ordinal)).toEqual([2]);
    talk.comesBack([talk.has(1, []), talk.has(2, [500])]);
    expect(talk.state.asides).toMatchObject([{ lane: 1, ordinal: 2, wasClosed: true }]);
    expect(talk.state.finishedAsides).toEqual([]);
    expect(talk.effect('open-voice').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(talk.phase).toBe('thinking');
    // Told of its end before, it is counted once.
    talk.hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.effect('observe')).toEqual([]);
  });

  it('[OB7] is over for a client that says it has all of it, or remembers nothing', () => {
    for (const received of [
      (talk: EngineDriver) => [talk.has(1, []), talk.has(2, [900], { done: true })],
      () => null,
    ]) {
      const talk = beside({ resumable: true }).binds().writes(FIRST).finishes();
      talk.hears({ segmentsMs: [900], complete: true, closed: true });
      talk.comesBack(received(talk));
      expect(talk.state.asides).toEqual([]);
    }
  });

  it('[OB7] is remembered by its lane, and the lane that ended longest ago is taken last', () => {
    const ends = (talk: EngineDriver): EngineDriver =>
      talk
        .asks({ ...OUT, modality: 'text' })
        .writes(FIRST)
        .finishes()
        .hears({ closed: true });
    const talk = EngineDriver.attached({}, { resumable: true });
    for (let n = 1; n <= 8; n++) ends(talk);
    expect(talk.state.finishedAsides.map(({ lane }) => lane)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    talk.asks(OUT);
    expect(talk.output('announce')).toMatchObject([{ lane: 1, ordinal: 9 }]);
    expect(talk.state.finishedAsides.map(({ lane }) => lane)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    // Of a session that cannot be resumed nobody asks.
    expect(ends(EngineDriver.attached()).state.finishedAsides).toEqual([]);
  });

  it('[OB8] keeps the session from being idle', () => {
    const talk = EngineDriver.attached({ idleTimeoutMs: 1_000 }, { resumable: true }).asks(OUT).pass(1_500);
    expect(talk.phase).toBe('listening');
    talk.modelFails().pass(1_000);
    expect(talk.phase).toBe('closed');
  });

  it('[OB8] ends with the session', () => {
    const talk = beside().client({ kind: 'disconnected', reason: 'client' });
    expect(talk.effect('abort-generation').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(talk.effect('cancel-voice').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(talk.state.asides).toEqual([]);
    expect(talk.state.finishedAsides).toEqual([]);
  });

  it('[OB9] discards a speculation: what is announced later has a higher ordinal', () => {
    const talk = EngineDriver.attached().guesses('A question').asks(OUT);
    expect(talk.effect('abort-generation')).toEqual([{ kind: 'abort-generation', lane: 0, ordinal: 1 }]);
    expect(talk.output('announce')).toMatchObject([{ lane: 1, ordinal: 2 }]);
  });

  it('[OB3] is counted by the way in which it was hit', () => {
    const cause = (talk: EngineDriver): unknown[] =>
      talk
        .effect('observe')
        .flatMap(({ observation }) => (observation.name === 'interrupted' ? [observation.cause] : []));
    expect(cause(beside().interrupts({ responseId: 'resp_2' }))).toEqual(['explicit']);
    expect(cause(beside().cancels({ responseId: 'resp_2' }))).toEqual(['cancel']);
  });

  it('[OB1] is none of an avatar’s', () => {
    const talk = EngineDriver.attached({}, { avatar: 'stream' }).asks(OUT);
    expect(talk.effect('open-voice')).toHaveLength(1);
    expect(talk.state.avatar.stage).toBe('empty');
  });

  it('[OB1] changes alone, whatever is beside it', () => {
    const talk = EngineDriver.attached().asks(OUT).asks(OUT).writes(FIRST, 1).writes('Other words. ', 2);
    expect(talk.state.asides.map(({ ordinal, segments }) => [ordinal, segments.map(({ text }) => text)])).toEqual([
      [1, [FIRST]],
      [2, ['Other words. ']],
    ]);
  });

  it('[OB7] comes back alone, and the others stay what they are', () => {
    const talk = EngineDriver.attached({}, { resumable: true });
    for (const ordinal of [1, 2]) {
      talk
        .asks({ ...OUT, modality: 'text' })
        .writes(FIRST)
        .finishes();
      talk.reports([talk.delivery(ordinal, { closed: true })]);
    }
    talk.asks(OUT).asks(OUT);
    talk.comesBack([talk.has(1, [], { done: true }), talk.has(2, []), talk.has(3, []), talk.has(4, [])]);
    expect(talk.state.finishedAsides.map(({ ordinal }) => ordinal)).toEqual([1]);
    expect(talk.state.asides.map(({ ordinal }) => ordinal).sort()).toEqual([2, 3, 4]);
  });
});
