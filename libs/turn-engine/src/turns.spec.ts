import { EngineDriver, outputsOf } from './testing/engine-driver';

const ANSWER = 'It is sunny. ';

describe('a final transcript', () => {
  it('[TU1][EN1][VO1] starts a turn: acceptance, the item, the announcement, then model and voice', () => {
    const talk = EngineDriver.attached().says('How is the weather?');
    expect(talk.order).toEqual([
      'parley.turn.accepted',
      'conversation.item.added',
      'conversation.item.done',
      'announce',
      'start-generation',
      'open-voice',
      'parley.state',
    ]);
    expect(talk.phase).toBe('thinking');
    expect(talk.events('parley.turn.accepted')).toEqual([
      { type: 'parley.turn.accepted', turn_id: 'turn_1', response_id: 'resp_1' },
    ]);
    expect(talk.output('announce')).toEqual([
      {
        kind: 'announce',
        lane: 0,
        ordinal: 1,
        responseId: 'resp_1',
        itemId: 'answer_1',
        previousItemId: 'user_1',
        turnId: 'turn_1',
        cause: { attachment: 1, seq: 1 },
        format: { type: 'audio/pcm', rate: 24_000 },
        voice: null,
        modality: 'audio',
        maxOutputTokens: 'inf',
        metadata: null,
      },
    ]);
    expect(talk.effect('open-voice')).toEqual([
      { kind: 'open-voice', lane: 0, ordinal: 1, attempt: 1, responseId: 'resp_1', voice: null, speed: 1, segments: 0 },
    ]);
  });

  it('[TU2][SP6] runs once: the same id again is refused while its answer runs, and nothing else happens', () => {
    const talk = EngineDriver.attached().says('Hello', 't').writes('Hi. ');
    const before = talk.state;
    talk.says('Hello', 't', 'event_9');
    expect(talk.output('error')).toMatchObject([
      { error: { code: 'turn_duplicate', param: 'turn_id' }, clientEventId: 'event_9' },
    ]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.state).toEqual(before);
  });

  it('[TU2][SP6] runs once: also when its answer is over, failed or was interrupted', () => {
    const over = EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [900], complete: true, closed: true });
    const failed = EngineDriver.attached().says('Hello').modelFails();
    const interrupted = EngineDriver.attached().says('Hello').interrupts();
    const asked = EngineDriver.attached().asks().interrupts();
    for (const talk of [over, failed, interrupted, asked]) {
      talk.says('Hello', 'turn_1');
      expect(talk.errors.map(({ code }) => code)).toEqual(['turn_duplicate']);
      expect(talk.effects).toHaveLength(1);
    }
  });

  it('[TU2] remembers the last 256 ids, and no more', () => {
    // A short context, or most of the time goes into a history that nobody looks at.
    const talk = EngineDriver.attached({ maxContextChars: 100 });
    for (let n = 0; n < 257; n++) talk.says('Hello', `t${n}`).interrupts();
    talk.says('Hello', 't1');
    expect(talk.errors.map(({ code }) => code)).toEqual(['turn_duplicate']);
    talk.says('Hello', 't0');
    expect(talk.errors).toEqual([]);
    expect(talk.state.recentTurnIds).toHaveLength(256);
  });

  it('[TU3] may be sent again with the same id after it was refused', () => {
    const talk = EngineDriver.attached().says('First').says('Second', 't2');
    expect(talk.errors.map(({ code }) => code)).toEqual(['turn_in_progress']);
    talk.interrupts().says('Second', 't2');
    expect(talk.errors).toEqual([]);
    expect(talk.phase).toBe('thinking');
    talk.interrupts().says('  ', 't3').says('Third', 't3');
    expect(talk.errors).toEqual([]);
  });

  it.each([
    ['nothing is audible yet', (talk: EngineDriver) => talk],
    [
      'it is spoken',
      (talk: EngineDriver) =>
        talk
          .binds()
          .writes(ANSWER)
          .hears({ segmentsMs: [200] }),
    ],
    ['it was generated but not closed', (talk: EngineDriver) => talk.binds().writes(ANSWER).finishes()],
  ])('[TU4][SP7] is refused while an answer runs and %s', (_when, lead) => {
    const talk = lead(EngineDriver.attached().says('First'));
    const before = talk.state;
    talk.says('Second', 't2', 'event_2');
    expect(talk.output('error')).toMatchObject([{ error: { code: 'turn_in_progress' }, clientEventId: 'event_2' }]);
    expect(talk.errors[0]?.message).toContain('resp_1');
    expect(talk.errors[0]?.message).toContain('interrupt it first');
    expect(talk.effects).toHaveLength(1);
    expect(talk.state).toEqual(before);
  });

  it.each(['', '   ', '\n\t'])('[TU5] of white space alone is refused: %j', (text) => {
    const talk = EngineDriver.attached().says(text);
    expect(talk.errors).toMatchObject([{ code: 'invalid_value', param: 'text' }]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.phase).toBe('listening');
    expect(talk.state.history).toEqual([]);
  });

  it('[TU7][DR3] during a tail is accepted at once, and the tail plays on', () => {
    const talk = EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [2000], complete: true, playedMs: 500, closed: true });
    const tails = talk.state.tails;
    expect(tails).toHaveLength(1);
    talk.says('And tomorrow?');
    expect(talk.errors).toEqual([]);
    expect(talk.phase).toBe('thinking');
    expect(talk.state.tails).toEqual(tails);
    expect(talk.effect('cancel-voice')).toEqual([]);
    expect(talk.output('interrupted')).toEqual([]);
  });
});

describe('response.create', () => {
  it('[TU6] begins a response to the conversation as it is, with its metadata and no new item', () => {
    const talk = EngineDriver.attached().client({
      kind: 'item-created',
      itemId: 'mine',
      item: { role: 'user', text: 'Hi' },
    });
    talk.asks({ metadata: { app: 'a' } });
    expect(talk.order).toEqual(['parley.turn.accepted', 'announce', 'start-generation', 'open-voice', 'parley.state']);
    expect(talk.output('announce')).toMatchObject([{ previousItemId: 'mine', metadata: { app: 'a' } }]);
    expect(talk.state.history.map(({ id }) => id)).toEqual(['mine', 'answer_1']);
  });

  it('[TU6] is refused while a response is live', () => {
    const talk = EngineDriver.attached().says('Hello');
    const before = talk.state;
    talk.asks({}, 'event_5');
    expect(talk.output('error')).toMatchObject([
      { error: { code: 'conversation_already_has_active_response' }, clientEventId: 'event_5' },
    ]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.state).toEqual(before);
  });

  it('[TU7] appends to a tail', () => {
    const talk = EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [2000], complete: true, closed: true });
    talk.asks();
    expect(talk.output('announce')).toMatchObject([{ ordinal: 2, previousItemId: 'answer_1' }]);
    expect(talk.state.tails).toHaveLength(1);
  });
});

describe('the order of responses', () => {
  it('[TU8] ordinals grow by one with each accepted response, and a refusal uses none', () => {
    const talk = EngineDriver.attached().says('One').says('Refused').interrupts();
    talk.asks().modelFails().says('Again', 'turn_1').says('Three');
    const ordinals = outputsOf(talk.history).flatMap((output) => (output.kind === 'announce' ? [output.ordinal] : []));
    expect(ordinals).toEqual([1, 2, 3]);
  });

  it('[TU9] a new turn follows the newest item, and its answer follows it', () => {
    const talk = EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [900], complete: true, closed: true });
    talk.says('And tomorrow?');
    expect(talk.events('conversation.item.added')).toMatchObject([
      { previous_item_id: 'answer_1', item: { id: 'user_2' } },
    ]);
    expect(talk.output('announce')).toMatchObject([{ previousItemId: 'user_2', itemId: 'answer_2' }]);
  });
});
