import { DEFAULT_POLICY, wirePolicy, type BusyPolicy } from '@parley/model';
import { EngineDriver, outputsOf } from './testing/engine-driver';

const ANSWER = 'It is sunny. ';

const busy = (policy: BusyPolicy): EngineDriver => EngineDriver.attached({ busy: policy });
/** The first answer is half heard; nothing is closed. */
const speaking = (policy: BusyPolicy): EngineDriver =>
  busy(policy)
    .answers(ANSWER)
    .hears({ segmentsMs: [900], playedMs: 400 });
/** The first answer drains and is half heard; nothing is live. */
const draining = (policy: BusyPolicy): EngineDriver =>
  busy(policy)
    .answers(ANSWER)
    .hears({ segmentsMs: [900], complete: true, playedMs: 400, closed: true });

const accepted = (talk: EngineDriver): unknown[] =>
  outputsOf(talk.history).flatMap((output) =>
    output.kind === 'event' && output.event.type === 'parley.turn.accepted' ? [output.event['turn_id']] : [],
  );
const begun = (talk: EngineDriver): string[] =>
  outputsOf(talk.history).flatMap((output) => (output.kind === 'announce' ? [output.turnId] : []));

describe('busy policy interrupt', () => {
  it('[TU10] cuts the live response and begins the new turn in the same step', () => {
    const talk = speaking('interrupt').says('No, tomorrow');
    expect(talk.errors).toEqual([]);
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1, reason: 'turn_detected', heardMs: 400 }]);
    const { order } = talk;
    expect(order.indexOf('cancel-voice')).toBeLessThan(order.indexOf('interrupted'));
    expect(order.indexOf('interrupted')).toBeLessThan(order.indexOf('parley.turn.accepted'));
    expect(talk.output('announce')).toMatchObject([{ ordinal: 2, turnId: 'turn_2' }]);
    expect(talk.effect('start-generation')[0]?.messages.at(-1)).toEqual({ role: 'user', content: 'No, tomorrow' });
  });

  it('[TU10] cuts what still plays, the older one first', () => {
    const talk = draining('interrupt').asks().binds().writes('And windy. ').says('Stop that');
    expect(talk.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(talk.state.tails).toEqual([]);
    expect(talk.newest).toBe(3);
  });

  it('[TU10][TU2] cuts nothing for a turn that is refused', () => {
    const talk = speaking('interrupt').says('Again', 'turn_1').says('  ');
    expect(talk.output('interrupted')).toEqual([]);
    expect(talk.phase).toBe('speaking');
  });

  it('[TU10] takes the floor from turns that waited under another policy, and each of them ends', () => {
    const talk = speaking('queue').says('Second').chooses({ busy: 'interrupt' }).says('Third');
    expect(talk.events('parley.response.interrupted')).toMatchObject([{ response_id: 'resp_2', turn_id: 'turn_2' }]);
    expect(begun(talk)).toEqual(['turn_1', 'turn_3']);
  });
});

describe('busy policy queue', () => {
  it('[TU11] accepts a turn while a response is live, and nothing of it is asked or shown', () => {
    const talk = speaking('queue').says('And tomorrow?');
    expect(talk.order).toEqual(['parley.turn.accepted']);
    expect(talk.events('parley.turn.accepted')).toEqual([
      { type: 'parley.turn.accepted', turn_id: 'turn_2', response_id: 'resp_2', queued: true },
    ]);
    expect(talk.state.history.map(({ id }) => id)).toEqual(['user_1', 'answer_1']);
  });

  it('[TU11] begins a turn at once when nothing is live, beside a tail too', () => {
    expect(busy('queue').says('Hello').order[0]).toBe('parley.turn.accepted');
    const talk = draining('queue').says('And tomorrow?');
    expect(talk.events('parley.turn.accepted')[0]).not.toHaveProperty('queued');
    expect(talk.phase).toBe('thinking');
    expect(talk.state.tails).toHaveLength(1);
  });

  it.each([
    ['is closed', (talk: EngineDriver) => talk.hears({ segmentsMs: [900], complete: true, closed: true })],
    ['fails', (talk: EngineDriver) => talk.voiceFails()],
    ['is cancelled', (talk: EngineDriver) => talk.cancels()],
    ['is truncated', (talk: EngineDriver) => talk.truncates('answer_1', 100)],
    [
      'is closed by a new owner',
      (talk: EngineDriver) =>
        talk
          .finishes()
          .hears({ segmentsMs: [900], complete: true })
          .changesOwner(),
    ],
  ])('[TU12] the oldest that waits begins in the step in which the response %s', (_how, end) => {
    const talk = end(speaking('queue').says('Second').says('Third'));
    expect(talk.output('announce')).toMatchObject([{ ordinal: 2, responseId: 'resp_2', previousItemId: 'user_2' }]);
    expect(talk.events('conversation.item.added')).toMatchObject([{ item: { id: 'user_2' } }]);
    expect(talk.phase).toBe('thinking');
    expect(begun(talk)).toEqual(['turn_1', 'turn_2']);
  });

  it('[TU12][G3] runs every turn once, in the order they were said', () => {
    const talk = speaking('queue').says('Second').says('Third').says('Second again', 'turn_2');
    expect(talk.errors).toMatchObject([{ code: 'turn_duplicate' }]);
    for (let turn = 0; turn < 4; turn++) talk.modelFails().voiceFails();
    expect(begun(talk)).toEqual(['turn_1', 'turn_2', 'turn_3']);
    expect(talk.phase).toBe('listening');
  });

  it('[TU13] is bounded: one more is refused, and may be said again', () => {
    const talk = speaking('queue');
    for (let n = 2; n <= 5; n++) talk.says(`Turn ${n}`);
    talk.says('One too many', 'late', 'event_9');
    expect(talk.output('error')).toMatchObject([{ error: { code: 'turn_in_progress' }, clientEventId: 'event_9' }]);
    expect(talk.errors[0]?.message).toContain('4 turns wait');
    expect(accepted(talk)).toHaveLength(5);
    talk.voiceFails().says('One too many', 'late');
    expect(accepted(talk)).toHaveLength(6);
  });

  it('[TU14] an interrupt drops every turn that waits: each is told, none begins', () => {
    const talk = speaking('queue').says('Second').says('Third').interrupts();
    expect(talk.events('parley.response.interrupted')).toEqual([
      {
        type: 'parley.response.interrupted',
        response_id: 'resp_2',
        turn_id: 'turn_2',
        heard_ms: 0,
        heard_text: '',
      },
      expect.objectContaining({ response_id: 'resp_3' }),
    ]);
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1 }]);
    expect([talk.phase, begun(talk)]).toEqual(['listening', ['turn_1']]);
  });

  it('[TU14] an interrupt by name drops the turn of that name, or lets the next one begin', () => {
    const waiting = speaking('queue').says('Second').says('Third').interrupts({ responseId: 'resp_2' });
    expect(waiting.output('interrupted')).toEqual([]);
    expect(waiting.state.queue.map(({ turnId }) => turnId)).toEqual(['turn_3']);
    const live = speaking('queue').says('Second').interrupts({ responseId: 'resp_1' });
    expect(begun(live)).toEqual(['turn_1', 'turn_2']);
  });

  it('[TU14][SP11] what waits ends with the session', () => {
    const talk = speaking('queue').says('Second').client({ kind: 'disconnected', reason: 'client' });
    expect([talk.phase, talk.state.queue]).toEqual(['closed', []]);
  });
});

describe('a change of the policy', () => {
  it('[TU15] is answered with the whole session policy and holds from the next turn on', () => {
    const talk = speaking('reject').chooses({ busy: 'queue' });
    expect(talk.order).toEqual(['parley.policy.updated']);
    expect(talk.events('parley.policy.updated')).toEqual([
      { type: 'parley.policy.updated', policy: wirePolicy({ ...DEFAULT_POLICY, busy: 'queue' }) },
    ]);
    expect(talk.says('Second').errors).toEqual([]);
    expect(talk.chooses({ busy: 'reject' }).says('Third').errors).toMatchObject([{ code: 'turn_in_progress' }]);
    expect(talk.state.queue).toHaveLength(1);
  });

  it('[TU15] without a wish says what holds', () => {
    expect(busy('queue').chooses({}).events('parley.policy.updated')).toMatchObject([{ policy: { busy: 'queue' } }]);
  });
});
