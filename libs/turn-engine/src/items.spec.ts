import { INTERRUPTION_MARK, type ItemDraft } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';
const SECOND = 'Tomorrow it will rain. ';
const CALL = { callId: 'call_9', name: 'weather', arguments: '{"city":"Ulm"}' };

const retrieved = (talk: EngineDriver, itemId: string): unknown =>
  talk.client({ kind: 'item-retrieved', itemId }).events('conversation.item.retrieved')[0]?.['item'];

const deletes = (talk: EngineDriver, itemId: string): EngineDriver => talk.client({ kind: 'item-deleted', itemId });

const ids = (talk: EngineDriver): string[] => talk.state.history.map(({ id }) => id);

const bringing = (): EngineDriver =>
  EngineDriver.attached().client({ kind: 'item-created', itemId: 'mine', item: { role: 'call', call: CALL } });

describe('an item that is retrieved', () => {
  it('[IT5] is what stands in the conversation', () => {
    const talk = EngineDriver.attached();
    talk.client({ kind: 'item-created', itemId: 's', item: { role: 'system', text: 'Rules' } });
    talk.client({ kind: 'item-created', itemId: 'a', item: { role: 'assistant', text: 'Hello' } });
    talk.says('Hi');
    const text = (type: string, text: string) => [{ type, text }];
    const message = { type: 'message', status: 'completed' };
    expect(retrieved(talk, 's')).toEqual({ id: 's', ...message, role: 'system', content: text('input_text', 'Rules') });
    expect(retrieved(talk, 'a')).toEqual({
      ...{ id: 'a', ...message, role: 'assistant' },
      content: text('output_text', 'Hello'),
    });
    expect(retrieved(talk, 'user_1')).toEqual({
      ...{ id: 'user_1', ...message, role: 'user' },
      content: text('input_text', 'Hi'),
    });
    expect(talk.order).toEqual(['conversation.item.retrieved']);
  });

  it('[IT5] is in progress while it is spoken, and incomplete when it was cut', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST, SECOND)
      .hears({ segmentsMs: [900, 400], playedMs: 900 });
    const item = (status: string, transcript: string) => ({
      ...{ id: 'answer_1', type: 'message', status, role: 'assistant' },
      content: [{ type: 'output_audio', transcript }],
    });
    expect(retrieved(talk, 'answer_1')).toEqual(item('in_progress', FIRST + SECOND));
    talk.truncates('answer_1', 900);
    expect(retrieved(talk, 'answer_1')).toEqual(item('incomplete', FIRST.trim()));
  });

  it('[IT1] stands behind what the client knows: an answer without a word was not told', () => {
    const previousOf = (talk: EngineDriver): unknown => {
      talk.client({ kind: 'item-created', itemId: 'late', item: { role: 'user', text: 'Late.' } });
      return talk.events('conversation.item.added')[0]?.['previous_item_id'];
    };
    const early = EngineDriver.attached().says('One').binds();
    expect(previousOf(early)).toBe('user_1');
    expect(ids(early)).toEqual(['user_1', 'answer_1', 'late']);
    expect(previousOf(EngineDriver.attached().says('One').binds().writes(FIRST))).toBe('answer_1');
    expect(previousOf(EngineDriver.attached().says('One').binds().calls())).toBe('fn_1');
    expect(previousOf(EngineDriver.attached().asks())).toBeNull();
  });

  it('[IT1] is told in the parts that a client gave it in, and as one that was interrupted', () => {
    const talk = EngineDriver.attached();
    const parts = ['Hello', 'World'];
    const bring = (itemId: string, item: ItemDraft): unknown => {
      talk.client({ kind: 'item-created', itemId, item });
      return talk.events('conversation.item.done')[0]?.['item'];
    };
    expect(bring('a', { role: 'user', text: 'Hello\nWorld', parts })).toMatchObject({
      status: 'completed',
      content: [
        { type: 'input_text', text: 'Hello' },
        { type: 'input_text', text: 'World' },
      ],
    });
    expect(bring('b', { role: 'assistant', text: 'Hello\nWorld', parts, interrupted: true })).toMatchObject({
      status: 'incomplete',
      content: [
        { type: 'output_text', text: 'Hello' },
        { type: 'output_text', text: 'World' },
      ],
    });
    talk.asks();
    expect(talk.effect('start-generation')[0]?.messages.map(({ content }) => content)).toEqual([
      'Be brief.',
      'Hello\nWorld',
      `Hello\nWorld${INTERRUPTION_MARK}`,
    ]);
  });

  it('[IT1][IT5] is complete from the start where a client brought it', () => {
    const item = { role: 'assistant', text: 'Hello' } as const;
    const talk = EngineDriver.attached().client({ kind: 'item-created', itemId: 'a', item });
    expect(talk.events('conversation.item.added')).toMatchObject([{ item: { id: 'a', status: 'completed' } }]);
  });

  it('[IT5] is complete when it was heard to its end', () => {
    const talk = EngineDriver.attached().answers(FIRST);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    expect(retrieved(talk, 'answer_1')).toMatchObject({ status: 'completed', content: [{ transcript: FIRST }] });
  });

  it('[IT5] is a call, or its result by its own id', () => {
    const talk = EngineDriver.attached().says('Weather?').binds().calls().finishes().returns('sunny');
    expect(retrieved(talk, 'fn_1')).toEqual({
      ...{ id: 'fn_1', type: 'function_call', status: 'completed' },
      ...{ call_id: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' },
    });
    expect(retrieved(talk, 'out_call_1')).toEqual({
      ...{ id: 'out_call_1', type: 'function_call_output', status: 'completed' },
      ...{ call_id: 'call_1', output: 'sunny' },
    });
  });

  it('[IT5] is refused where there is none', () => {
    const talk = EngineDriver.attached().client({ kind: 'item-retrieved', itemId: 'none' }, 'event_1');
    expect(talk.output('error')).toEqual([
      {
        kind: 'error',
        clientEventId: 'event_1',
        error: {
          ...{ type: 'invalid_request_error', code: 'item_retrieve_invalid_item_id', param: 'item_id' },
          message: 'No item of this conversation has that id.',
        },
      },
    ]);
  });

  it('[IT5][AW2] is the application’s doing, not the user’s', () => {
    const talk = EngineDriver.attached().chooses({ awayAfterMs: 100 }).pass(100);
    talk.client({ kind: 'item-retrieved', itemId: 'none' });
    talk.client({ kind: 'item-deleted', itemId: 'none' });
    expect(talk.state.presence.stage).toBe('away');
  });
});

describe('an item that is deleted', () => {
  it('[IT6] is given to the model no more, and the client is told', () => {
    const talk = deletes(EngineDriver.attached().says('One').modelFails().says('Two').modelFails(), 'user_1');
    expect(talk.effects).toEqual([
      { kind: 'emit', output: { kind: 'event', event: { type: 'conversation.item.deleted', item_id: 'user_1' } } },
    ]);
    expect(ids(talk)).toEqual(['user_2']);
  });

  it('[IT6] is spoken on where it is being spoken, and stays deleted', () => {
    const talk = deletes(EngineDriver.attached().says('One').binds().writes(FIRST), 'answer_1').writes(SECOND);
    expect(talk.effect('speak-segment')).toHaveLength(1);
    talk.finishes().hears({ segmentsMs: [900, 900], complete: true, playedMs: 1800, closed: true });
    expect(talk.phase).toBe('listening');
    expect(ids(talk)).toEqual(['user_1']);
    expect(deletes(EngineDriver.attached().says('One').writes(FIRST), 'answer_1').interrupts().errors).toEqual([]);
  });

  it('[IT6][TK2] that is being written is continued with all that still stands in the conversation', () => {
    const talk = deletes(EngineDriver.attached().says('One').binds().writes(FIRST), 'answer_1').changesOwner();
    expect(talk.effect('start-generation')).toMatchObject([{ continues: FIRST }]);
    expect(talk.effect('start-generation')[0]?.messages.map(({ content }) => content)).toEqual(['Be brief.', 'One']);
  });

  it('[IT6] is a call that nobody waits for any longer', () => {
    const waiting = deletes(EngineDriver.attached().says('Weather?').writes(FIRST).calls(), 'fn_1');
    expect(ids(waiting)).toEqual(['user_1', 'answer_1']);
    expect(waiting.state.calls).toEqual([]);
    const others = deletes(EngineDriver.attached().says('Weather?').writes(FIRST).calls().calls(), 'fn_1');
    expect(others.state.calls.map(({ itemId }) => itemId)).toEqual(['fn_2']);
  });

  it('[IT6] leaves the result of a call, which the model is not given, until it is deleted too', () => {
    const talk = EngineDriver.attached().says('Weather?').writes(FIRST).calls().returns('sunny');
    expect(deletes(talk, 'fn_1').events('conversation.item.deleted')).toMatchObject([{ item_id: 'fn_1' }]);
    expect(talk.client({ kind: 'item-retrieved', itemId: 'fn_1' }).errors).toHaveLength(1);
    talk.client({ kind: 'item-retrieved', itemId: 'out_call_1' });
    expect(talk.events('conversation.item.retrieved')).toMatchObject([
      { item: { id: 'out_call_1', type: 'function_call_output', output: 'sunny' } },
    ]);
    expect(talk.returns('rainy', 'call_1', 'out_2').output('error')).toMatchObject([
      { error: { code: 'invalid_tool_call_id' } },
    ]);
    // What comes next stands behind it, also the call itself when a client brings it again.
    const call = { callId: 'call_1', name: 'weather', arguments: '{}' };
    talk.client({ kind: 'item-created', itemId: 'fn_1', item: { role: 'call', call } });
    expect(talk.events('conversation.item.added')).toMatchObject([{ previous_item_id: 'out_call_1' }]);
    expect(deletes(talk, 'fn_1').errors).toEqual([]);
    expect(deletes(talk, 'out_call_1').errors).toEqual([]);
    expect(ids(talk)).toEqual(['user_1', 'answer_1']);
    talk.modelFails().asks();
    expect(talk.effect('start-generation')[0]?.messages.map(({ role }) => role)).not.toContain('tool');
  });

  it('[IT6] leaves a result that is no message for the model', () => {
    const talk = EngineDriver.attached().says('Weather?').calls().returns('sunny').modelFails();
    deletes(talk, 'fn_1').asks();
    expect(talk.effect('start-generation')[0]?.messages.map(({ content }) => content)).toEqual([
      'Be brief.',
      'Weather?',
    ]);
  });

  it('[IT6] that is the result alone leaves a call that may get another', () => {
    const talk = EngineDriver.attached().says('Weather?').writes(FIRST).calls().returns('sunny');
    deletes(talk, 'out_call_1');
    expect(talk.events('conversation.item.deleted')).toMatchObject([{ item_id: 'out_call_1' }]);
    expect(talk.state.history.at(-1)).toMatchObject({ id: 'fn_1', outcome: { stage: 'pending' } });
    expect(talk.returns('rainy', 'call_1', 'out_2').errors).toEqual([]);
  });

  it('[IT6] discards a speculation, which knows of it', () => {
    const talk = deletes(EngineDriver.attached().says('One').modelFails().guesses('Two'), 'user_1');
    expect(talk.effect('abort-generation')).toHaveLength(1);
    expect(talk.effect('observe')).toMatchObject([{ observation: { name: 'speculation', outcome: 'mismatch' } }]);
  });

  it('[IT6] is refused where there is none, and changes nothing', () => {
    const talk = EngineDriver.attached().guesses('Two').client({ kind: 'item-deleted', itemId: 'none' }, 'event_1');
    expect(talk.output('error')).toMatchObject([
      { error: { code: 'item_delete_invalid_item_id', param: 'item_id' }, clientEventId: 'event_1' },
    ]);
    expect(talk.effects).toHaveLength(1);
  });
});

describe('a call that a client brings along', () => {
  it('[IT7] is part of the conversation, with the result that it brings', () => {
    const talk = bringing();
    expect(talk.events('conversation.item.done')).toMatchObject([
      { previous_item_id: null, item: { id: 'mine', type: 'function_call', call_id: 'call_9', name: 'weather' } },
    ]);
    talk.returns('sunny', 'call_9', 'result');
    expect(talk.events('conversation.item.done')).toMatchObject([
      { previous_item_id: 'mine', item: { id: 'result', type: 'function_call_output', output: 'sunny' } },
    ]);
    expect(talk.context()).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: '', toolCalls: [CALL] },
      { role: 'tool', callId: 'call_9', content: 'sunny' },
    ]);
  });

  it('[IT7] is waited for by nobody', () => {
    expect(bringing().state.calls).toEqual([]);
  });

  it('[IT7] is refused with a call id that is in use', () => {
    const again = { kind: 'item-created', itemId: 'other', item: { role: 'call', call: CALL } } as const;
    const talk = bringing().client(again, 'event_1');
    expect(talk.output('error')).toEqual([
      {
        kind: 'error',
        clientEventId: 'event_1',
        error: {
          ...{ type: 'invalid_request_error', code: 'invalid_tool_call_id', param: 'item.call_id' },
          message: "A call with the ID 'call_9' exists; choose another.",
        },
      },
    ]);
    expect(ids(talk)).toEqual(['mine']);
  });
});
