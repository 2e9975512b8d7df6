import type { ResponseDelivery } from '@parley/model';
import { SEGMENT_START } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds();
const user = { role: 'user', content: 'How is the weather?' };
const instructions = { role: 'system', content: 'Be brief.' };

describe('what a new owner says first', () => {
  it('[TK1] is which audio of the old one still counts: of the stored segments, by the worker bound last', () => {
    const talk = asking()
      .writes(FIRST + SECOND)
      .changesOwner();
    expect(talk.order[0]).toBe('adopted');
    expect(talk.output('adopted')).toEqual([
      {
        kind: 'adopted',
        epoch: 2,
        ordinal: 1,
        segments: [
          { index: 0, epoch: 1, attempt: 1 },
          { index: 1, epoch: 1, attempt: 1 },
        ],
      },
    ]);
  });

  it.each([
    ['nobody was bound', null],
    ['another response was', { lane: 0, ordinal: 7, epoch: 1, attempt: 1 }],
    ['an earlier rendering was', { lane: 0, ordinal: 1, epoch: 1, attempt: 0 }],
  ])('[TK1] is that none counts where %s', (_, rendering) => {
    expect(asking().writes(FIRST).changesOwner(rendering).output('adopted')).toMatchObject([{ segments: [] }]);
  });

  it('[GE9] is nothing of how long a stage took that it alone has seen: two clocks are not compared', () => {
    const talk = asking().pass(700).writes(FIRST).changesOwner().binds().writes('More').finishes();
    talk.hears({ segmentsMs: [900, 500], complete: true, closed: true });
    expect(talk.events('parley.turn.metrics')).toMatchObject([
      { first_token_ms: 700, first_segment_ms: 700, first_audio_ms: null, generated_ms: null },
    ]);
  });

  it('[TK1] is that none counts, and nothing else, when nothing runs', () => {
    for (const talk of [EngineDriver.attached(), new EngineDriver()]) {
      expect(talk.changesOwner().order).toEqual(['adopted']);
      expect(talk.output('adopted')).toMatchObject([{ epoch: 2, ordinal: 0, segments: [] }]);
    }
  });
});

describe('an answer that the old owner had begun', () => {
  it('[TK2] is asked for again as it was when nothing of it had been dispatched', () => {
    const talk = asking().writes('It is su').changesOwner();
    expect(talk.order).toEqual(['adopted', 'open-voice', 'start-generation']);
    expect(talk.effect('start-generation')).toMatchObject([
      { ordinal: 1, messages: [instructions, user], continues: null },
    ]);
    talk.writes(FIRST).finishes().hears({ closed: true });
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[TK2] is continued behind its last segment, under the same response', () => {
    const talk = asking().writes(`${FIRST}Tomorrow it w`).changesOwner();
    expect(talk.effect('start-generation')).toMatchObject([
      { lane: 0, ordinal: 1, messages: [instructions, user], continues: FIRST },
    ]);
    talk.writes(SECOND).finishes();
    expect(talk.output('end')).toMatchObject([{ ordinal: 1, segments: 2, status: 'completed' }]);
    expect(talk.history.filter((effect) => effect.kind === 'emit' && effect.output.kind === 'announce')).toHaveLength(
      1,
    );
    expect(talk.hears({ closed: true }).answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[TK2] sees of the conversation what stood before it, also what was said after that stays', () => {
    const talk = asking().writes(FIRST);
    talk.client({ kind: 'item-created', itemId: 'note', item: { role: 'user', text: 'By the way.' } });
    talk.changesOwner();
    expect(talk.effect('start-generation')).toMatchObject([{ messages: [instructions, user] }]);
  });

  it('[TK2] keeps the instructions of its own', () => {
    const talk = EngineDriver.attached().asks({ instructions: 'Rhyme.' }).binds().writes(FIRST).changesOwner();
    expect(talk.effect('start-generation')).toMatchObject([{ messages: [{ role: 'system', content: 'Rhyme.' }] }]);
  });

  it('[TK2] has the whole time for its next token', () => {
    const talk = asking().writes(FIRST).changesOwner().binds();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900 }).pass(19_999);
    expect(talk.output('end')).toEqual([]);
    talk.pass(1);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'llm_unavailable' } }]);
  });

  it('[TK2] may have been complete: the model has nothing to add', () => {
    const talk = asking().writes(FIRST).changesOwner().finishes();
    expect(talk.output('end')).toMatchObject([{ segments: 1, status: 'completed', error: null }]);
  });

  it('[TK3] ends where it had called a function, and calls it no second time', () => {
    const talk = asking().writes(`${FIRST}Let me look`).calls().changesOwner();
    expect(talk.effect('start-generation')).toEqual([]);
    expect(talk.output('text')).toMatchObject([{ segment: 1, text: 'Let me look' }]);
    expect(talk.output('end')).toMatchObject([
      { segments: 2, status: 'completed', cutBy: null, usage: { inputTokens: 0, outputTokens: 0 } },
    ]);
    expect(talk.output('call')).toEqual([]);
    expect(talk.returns('sunny').errors).toEqual([]);
  });

  it('[TK4] is spoken on: a voice is asked for what was not delivered, in the next rendering', () => {
    const talk = asking()
      .writes(FIRST + SECOND)
      .finishes()
      .hears({ segmentsMs: [900, 0] })
      .changesOwner();
    expect(talk.order).toEqual(['adopted', 'open-voice', 'speak-segment', 'end-voice']);
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2, segments: 2 }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ segment: 1, from: SEGMENT_START }]);
    talk.binds().hears({ segmentsMs: [900, 1_200], complete: true, closed: true });
    expect(talk.phase).toBe('listening');
  });

  it('[TK4] goes on without a voice where none could be had', () => {
    const talk = EngineDriver.attached().says('Hi').refusesVoice().writes(FIRST).changesOwner();
    expect(talk.effect('open-voice')).toEqual([]);
    expect(talk.effect('start-generation')).toMatchObject([{ continues: FIRST }]);
    talk.finishes().hears({ closed: true });
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[TK4] survives any number of owners while they get on, and the voice of each', () => {
    const talk = asking().writes(FIRST);
    for (let n = 1; n <= 6; n++) {
      talk.changesOwner().binds().writes(SECOND).losesVoice();
      expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 * n + 1 }]);
      talk.binds().hears({ segmentsMs: [900, ...Array.from({ length: n }, () => 1_200)], playedMs: 0 });
    }
    talk.finishes();
    expect(talk.output('end')).toMatchObject([{ status: 'completed', segments: 7 }]);
  });

  it('[TK5] is closed where everything of it was generated and delivered, and stays whole', () => {
    for (const talk of [
      EngineDriver.attached()
        .answers(FIRST)
        .hears({ segmentsMs: [1_900], complete: true }),
      EngineDriver.attached().says('A question?').refusesVoice().writes(FIRST).finishes(),
    ]) {
      talk.changesOwner();
      expect(talk.output('end')).toEqual([]);
      expect(talk.output('close')).toHaveLength(1);
      expect(talk.answersInContext()).toEqual([FIRST]);
      expect(talk.says('Next', 'next').errors).toEqual([]);
    }
  });

  it('[TK6][SU8] that was only a guess is lost, and so are the words of speech under way', () => {
    const guessing = EngineDriver.attached().guesses('How is').writes(FIRST).changesOwner();
    expect(guessing.state.speculation.run).toBeNull();
    expect(guessing.effect('start-generation')).toEqual([]);
    const speaking = asking().writes(FIRST).starts().changesOwner();
    expect(speaking.state.speech).toEqual({ stage: 'silent' });
  });

  it('[TK7] that the gateway says is over makes way for the turn that waited, which begins once', () => {
    const talk = EngineDriver.attached().chooses({ busy: 'queue' }).answers(FIRST);
    talk.says('And tomorrow?');
    expect(talk.events('parley.turn.accepted')).toMatchObject([{ queued: true }]);
    const closed = talk.delivery(1, { segmentsMs: [1_900], complete: true, playedMs: 1_900, closed: true });
    talk.changesOwner(undefined, [closed]);
    expect(talk.order[0]).toBe('adopted');
    expect(talk.effect('start-generation')).toMatchObject([{ ordinal: 2, continues: null }]);
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 2, attempt: 1 }]);
  });

  it('[TK8] of which the client has more than is stored ends as failed, with what was delivered of the known segments', () => {
    const talk = asking().writes(FIRST + SECOND);
    const heard = talk.delivery(1, { segmentsMs: [1_900, 2_300, 700], playedMs: 4_500 });
    talk.changesOwner(undefined, [heard], true);
    expect(talk.order.filter((each) => each === 'open-voice' || each === 'start-generation')).toEqual([]);
    expect(talk.output('end')).toMatchObject([{ ordinal: 1, status: 'failed', error: { code: 'llm_unavailable' } }]);
    expect(talk.answersInContext()).toEqual([`${FIRST}${SECOND}[interrupted by the user]`]);
    expect(talk.says('Next', 'next').errors).toEqual([]);
  });

  it('[TK8] that was closed for the client unwritten is told no second end, and the floor is free', () => {
    const talk = asking().writes(FIRST);
    const closed = talk.delivery(1, { segmentsMs: [1_900, 700], complete: true, closed: true });
    talk.changesOwner(undefined, [closed], true);
    expect(talk.events('parley.turn.metrics')).toEqual([]);
    expect(talk.phase).toBe('listening');
    talk.says('Next', 'next');
    expect(talk.effect('start-generation')).toMatchObject([{ ordinal: 2, continues: null }]);
  });

  it('[TK8] that had not begun, or nothing that ran, is nothing to end', () => {
    const talk = EngineDriver.attached().changesOwner(undefined, undefined, true);
    expect(talk.order).toEqual(['adopted']);
  });

  it.each<[string, number, (talk: EngineDriver) => ResponseDelivery[], number]>([
    ['the gateway says it goes on', 1, (talk) => [talk.delivery(1, { segmentsMs: [900] })], 1],
    ['the gateway says it is closed', 1, (talk) => [talk.delivery(1, { segmentsMs: [900], closed: true })], 0],
    ['the gateway had it announced, and lists it no more', 1, () => [], 0],
    ['the gateway has not heard of it', 0, () => [], 1],
    ['a response on another lane is closed', 0, (talk) => [{ ...talk.delivery(1, { closed: true }), lane: 3 }], 1],
    ['another response of its lane is closed', 0, (talk) => [talk.delivery(2, { closed: true })], 1],
  ])('[TK8] is told and counted as ended unless it was before: %s', (_, announcedOrdinal, responses, ends) => {
    const talk = asking().writes(FIRST);
    const taken = { kind: 'taken-over', epoch: 2, rendering: null, unwritten: true, linkLosses: 0 } as const;
    talk.step({ ...taken, announcedOrdinal, responses: responses(talk) });
    expect(talk.events('parley.turn.metrics')).toHaveLength(ends);
    const names = talk.effect('observe').map(({ observation }) => observation.name);
    expect(names.filter((name) => name === 'response-ended')).toHaveLength(ends);
  });

  it('[TK8] says that its rest was lost, and by whom it is missed', () => {
    const talk = asking().writes(FIRST);
    talk.changesOwner(undefined, [talk.delivery(1, { segmentsMs: [900] })], true);
    expect(talk.errors).toEqual([]);
    expect(talk.output('end')).toMatchObject([{ error: { message: 'The rest of this answer was lost.' } }]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'provider-failed', provider: 'llm', failure: 'unavailable', responseId: 'resp_1' },
    });
  });

  it('[TK8][OB7] is closed for the client or not, each response for itself', () => {
    const talk = asking().writes(FIRST).asks({ outOfBand: true });
    talk.changesOwner(null, [talk.delivery(1, {}), talk.delivery(2, { closed: true })], true);
    expect(talk.events('parley.turn.metrics')).toMatchObject([{ response_id: 'resp_1' }]);
  });

  it('[TK2][GE8] has no first token of which anybody knows the time', () => {
    const talk = asking().changesOwner().writes('It');
    expect(talk.effect('observe')).toEqual([]);
    expect(talk.state.phase).toMatchObject({ response: { marks: { firstTokenMs: null } } });
  });
});
