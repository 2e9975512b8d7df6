import type { SessionInput } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds();
/** The first answer drains; the second is live. */
const overlapping = (): EngineDriver =>
  EngineDriver.attached()
    .answers(FIRST)
    .hears({ segmentsMs: [2000], complete: true, playedMs: 500, closed: true })
    .says('And then?')
    .binds()
    .writes(SECOND);

describe('parley.interrupt', () => {
  it('[IN1][SP1] ends an answer that is generated: model, voice, metrics, and the last word', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [600] })
      .interrupts();
    expect(talk.order).toEqual([
      'abort-generation',
      'cancel-voice',
      'parley.turn.metrics',
      'interrupted',
      'observe interrupted',
      'observe response-ended',
      'parley.state',
    ]);
    expect(talk.output('interrupted')).toEqual([
      {
        kind: 'interrupted',
        lane: 0,
        ordinal: 1,
        responseId: 'resp_1',
        turnId: 'turn_1',
        heardMs: 0,
        heardText: '',
        usage: { inputTokens: 0, outputTokens: 0 },
        reason: 'client_cancelled',
      },
    ]);
    expect(talk.phase).toBe('listening');
  });

  it('[IN1] has nothing to abort or cancel where generation ended or no voice was had', () => {
    const generated = asking().writes(FIRST).finishes().interrupts();
    expect(generated.effect('abort-generation')).toEqual([]);
    expect(generated.effect('cancel-voice')).toHaveLength(1);
    expect(generated.output('interrupted')).toMatchObject([{ usage: { inputTokens: 7, outputTokens: 3 } }]);
    const mute = EngineDriver.attached().says('Hello').refusesVoice().interrupts();
    expect(mute.effect('abort-generation')).toHaveLength(1);
    expect(mute.effect('cancel-voice')).toEqual([]);
  });

  it('[IN2][DR6] cuts the tail too, the older one first', () => {
    const talk = overlapping().interrupts();
    expect(talk.output('interrupted').map(({ ordinal, heardMs }) => [ordinal, heardMs])).toEqual([
      [1, 500],
      [2, 0],
    ]);
    expect(talk.state.tails).toEqual([]);
    expect(talk.floor).toEqual({ state: 'listening', responseId: undefined });
  });

  it('[IN2] of a tail alone is its interrupted and the floor, nothing else', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [2000], complete: true, closed: true });
    talk.interrupts();
    expect(talk.order).toEqual(['interrupted', 'observe interrupted', 'parley.state']);
  });

  it('[IN3] with nothing to hit is refused, and so is a second one', () => {
    const talk = EngineDriver.attached().interrupts({}, 'event_1');
    expect(talk.output('error')).toMatchObject([{ error: { code: 'nothing_to_interrupt' }, clientEventId: 'event_1' }]);
    talk.says('Hello').interrupts().interrupts();
    expect(talk.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
    expect(talk.effects).toHaveLength(1);
  });

  it('[IN3] right after an answer was played to its end is refused', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true }).interrupts();
    expect(talk.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
  });

  it('[IN4] hits a response that an earlier input began, though nothing of it was written yet', () => {
    const talk = asking().interrupts({ writtenOrdinal: 0 });
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1 }]);
  });

  it('[IN4] never hits a response that a later input began, however late it is judged', () => {
    const talk = EngineDriver.attached().interrupts().says('Hello');
    const input: SessionInput = { kind: 'interrupted', writtenOrdinal: 0, delivery: [] };
    // The turn was the second input of this attachment.
    const late = (seq: number): EngineDriver =>
      talk.step({ kind: 'client', number: { attachment: 1, seq }, closedOrdinal: 0, input });
    for (const seq of [1, 2]) {
      expect(late(seq).errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
      expect(talk.phase).toBe('thinking');
    }
    expect(late(3).output('interrupted')).toMatchObject([{ ordinal: 1 }]);
  });

  it('[IN4] from a newer connection hits only what was written there', () => {
    const unwritten = asking();
    unwritten.attachment = 2;
    unwritten.interrupts({ writtenOrdinal: 0 });
    expect(unwritten.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
    expect(unwritten.phase).toBe('thinking');
    const written = asking();
    written.attachment = 2;
    written.interrupts({ writtenOrdinal: 1 });
    expect(written.output('interrupted')).toMatchObject([{ ordinal: 1 }]);
  });

  it('[IN5] of one response leaves the other alone', () => {
    const tail = overlapping().interrupts({ responseId: 'resp_1' });
    expect(tail.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([1]);
    expect(tail.phase).toBe('thinking');
    expect(tail.effect('abort-generation')).toEqual([]);
    const live = overlapping().interrupts({ responseId: 'resp_2' });
    expect(live.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([2]);
    expect(live.state.tails.map(({ ordinal }) => ordinal)).toEqual([1]);
    const unknown = overlapping().interrupts({ responseId: 'resp_9' });
    expect(unknown.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
  });

  it('[IN7][SP1] is the last of its response, whatever arrives late', () => {
    const talk = asking().writes(FIRST).interrupts();
    const before = talk.state;
    talk.writes(SECOND).finishes().binds().voiceFails().refusesVoice();
    talk.times(0, [{ word: 'It', charStart: 0, charEnd: 2, startMs: 0, endMs: 90 }]);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 300 });
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 300, closed: true });
    expect(talk.state).toEqual(before);
    expect(talk.history.at(-1)).toMatchObject({ output: { event: { type: 'parley.state', state: 'listening' } } });
  });

  it('[IN12][SP1] leaves the floor to the next turn at once', () => {
    const talk = asking().writes(FIRST).interrupts().says('Something else');
    expect(talk.errors).toEqual([]);
    expect(talk.effect('start-generation')).toMatchObject([{ ordinal: 2 }]);
  });
});

describe('an interruption in the same moment as the end', () => {
  const closing = { segmentsMs: [2000], complete: true, playedMs: 400, closed: true };

  it('[IN11] of an answer whose closing events were written hits its tail, and it stays completed', () => {
    const talk = asking()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [1000] });
    talk.interrupts({ delivery: [talk.delivery(1, closing)] });
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1, heardMs: 400 }]);
    expect(talk.effect('cancel-voice')).toEqual([]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'response-ended', status: 'completed', responseId: 'resp_1' },
    });
    talk.hears(closing);
    expect(talk.effects).toEqual([]);
  });

  it('[IN11] of an answer that was played to its end hits nothing', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.interrupts({ delivery: [talk.delivery(1, { ...closing, playedMs: 2000 })] });
    expect(talk.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[IN11] of an answer that the gateway has forgotten, because it was played, hits nothing', () => {
    const talk = asking().writes(FIRST).finishes().interrupts({ writtenOrdinal: 1, delivery: [] });
    expect(talk.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
  });

  it('[IN11] that failed hits what is still heard of it', () => {
    const talk = asking()
      .writes(FIRST)
      .writes(SECOND)
      .hears({ segmentsMs: [900, 400] })
      .modelFails();
    talk.interrupts({ delivery: [talk.delivery(1, { segmentsMs: [900, 400], playedMs: 900, closed: true })] });
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1, heardMs: 900, heardText: FIRST.trim() }]);
    expect(talk.effect('cancel-voice')).toEqual([]);
  });
});

describe('response.cancel', () => {
  it('[IN6] ends the live response; the older tail plays on', () => {
    const talk = overlapping().cancels();
    expect(talk.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([2]);
    expect(talk.state.tails.map(({ ordinal }) => ordinal)).toEqual([1]);
    expect(talk.phase).toBe('listening');
  });

  it('[IN6] is refused when nothing is live: before, after, for a tail, for another id', () => {
    const refused = (talk: EngineDriver): void => {
      expect(talk.output('error')).toMatchObject([
        { error: { code: 'response_cancel_not_active' }, clientEventId: 'event_1' },
      ]);
      expect(talk.output('interrupted')).toEqual([]);
    };
    refused(EngineDriver.attached().cancels({}, 'event_1'));
    refused(asking().cancels().cancels({}, 'event_1'));
    const draining = EngineDriver.attached().answers(FIRST);
    refused(draining.hears({ segmentsMs: [2000], complete: true, closed: true }).cancels({}, 'event_1'));
    refused(overlapping().cancels({ responseId: 'resp_1' }, 'event_1'));
  });

  it('[IN6] that is refused still brings news of the delivery', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [500] });
    talk.cancels({ responseId: 'resp_9', delivery: [talk.delivery(1, { segmentsMs: [900], complete: true })] });
    expect(talk.errors.map(({ code }) => code)).toEqual(['response_cancel_not_active']);
    // Nothing is owed any more, so no deadline of the voice may end the answer while the model writes.
    for (let n = 0; n < 3; n++) talk.pass(3_000).writes('and ');
    expect(talk.phase).toBe('speaking');
  });
});

describe('conversation.item.truncate', () => {
  it('[IN8] of a live answer interrupts it at that point', () => {
    const talk = asking()
      .writes(FIRST)
      .writes(SECOND)
      .hears({ segmentsMs: [900, 600], playedMs: 300 });
    talk.truncates('answer_1', 950);
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1, heardMs: 950, heardText: FIRST.trim() }]);
    expect(talk.events('conversation.item.truncated')).toEqual([
      { type: 'conversation.item.truncated', item_id: 'answer_1', content_index: 0, audio_end_ms: 950 },
    ]);
    expect(talk.order.indexOf('conversation.item.truncated')).toBeGreaterThan(talk.order.indexOf('interrupted'));
    expect(talk.phase).toBe('listening');
  });

  it('[IN8] of a tail interrupts it there, and no further than was delivered', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [2000], complete: true, playedMs: 100, closed: true }).truncates('answer_1', 60_000);
    expect(talk.output('interrupted')).toMatchObject([{ ordinal: 1, heardMs: 2000, heardText: FIRST.trim() }]);
    expect(talk.effect('cancel-voice')).toEqual([]);
    expect(talk.state.tails).toEqual([]);
  });

  it('[IN8][IN9] says where the audio ends now: no further than was delivered', () => {
    const saidOf = (talk: EngineDriver): unknown =>
      talk.truncates('answer_1', 60_000).events('conversation.item.truncated')[0]?.['audio_end_ms'];
    const speaking = (): EngineDriver =>
      asking()
        .writes(FIRST)
        .hears({ segmentsMs: [700], playedMs: 100 });
    expect(saidOf(speaking())).toBe(700);
    const tail = speaking().finishes();
    expect(saidOf(tail.hears({ segmentsMs: [2000], complete: true, playedMs: 100, closed: true }))).toBe(2000);
    expect(saidOf(tail)).toBe(2000);
    const forgotten = asking();
    for (let n = 1; n <= 5; n++) {
      if (n > 1) forgotten.says('Go on').binds();
      forgotten.writes(FIRST).finishes();
      forgotten.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    }
    expect(saidOf(forgotten.says('Again'))).toBe(60_000);
  });

  it('[IN9][HE4] after an interruption only lowers what was heard', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 2100 }).interrupts();
    const [heard] = talk.answersInContext();
    talk.truncates('answer_1', 3000);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(talk.answersInContext()).toEqual([heard]);
    talk.truncates('answer_1', 900);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(talk.answersInContext()).toEqual([`${FIRST.trim()} [interrupted by the user]`]);
    talk.truncates('answer_1', 0);
    expect(talk.answersInContext()).toEqual([]);
    talk.truncates('answer_1', 3000);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(talk.answersInContext()).toEqual([]);
  });

  it('[IN9] of an answer that was played to its end cuts it there', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 3200, closed: true });
    expect(talk.state.tails).toEqual([]);
    talk.truncates('answer_1', 900);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(talk.answersInContext()).toEqual([`${FIRST.trim()} [interrupted by the user]`]);
  });

  it('[IN9] beyond what is known of an answer that was played cuts nothing', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    // The last report, with the true numbers, was lost.
    talk
      .hears({ segmentsMs: [900, 400], playedMs: 900 })
      .reports([], 1)
      .truncates('answer_1', 1400);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[IN10] of an item that is not there, or that is no answer, is refused', () => {
    const talk = asking().truncates('nothing', 10, [], 'event_1');
    expect(talk.output('error')).toMatchObject([
      { error: { code: 'item_truncate_invalid_item_id', param: 'item_id' }, clientEventId: 'event_1' },
    ]);
    talk.truncates('user_1', 10);
    expect(talk.errors).toMatchObject([{ code: 'unsupported_content_type', param: 'item_id' }]);
    expect(talk.phase).toBe('thinking');
  });

  it('[IN10] of an answer the client itself brought is refused: it has no audio', () => {
    const input: SessionInput = {
      kind: 'item-created',
      itemId: 'mine',
      item: { role: 'assistant', text: 'Hello you.' },
    };
    const talk = EngineDriver.attached().client(input).truncates('mine', 10);
    expect(talk.errors).toMatchObject([{ code: 'unsupported_content_type', param: 'item_id' }]);
    expect(talk.answersInContext()).toEqual(['Hello you.']);
  });
});
