import { EngineDriver } from './testing/engine-driver';

const WEATHER = { type: 'function', name: 'weather' };
const CALL = { callId: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' };

/** The model has called a function, after a word to the user. */
const calling = (): EngineDriver =>
  EngineDriver.attached().says('Weather?').binds().writes('One moment please. ').calls();

/** Everything it said was heard. */
const heard = (talk: EngineDriver): EngineDriver =>
  talk.finishes().hears({ segmentsMs: [1_000], complete: true, playedMs: 1_000, closed: true });

const outcomes = (talk: EngineDriver): unknown[] =>
  talk.history.flatMap((effect) =>
    effect.kind === 'observe' && effect.observation.name === 'tool-call' ? [effect.observation.outcome] : [],
  );

describe('a function the model calls', () => {
  it('[TO1] is told to the client at once, whatever text waits for the end of its segment', () => {
    const talk = EngineDriver.attached().says('Weather?').writes('One moment').calls();
    expect(talk.order).toEqual(['call']);
    expect(talk.output('call')).toEqual([{ kind: 'call', lane: 0, ordinal: 1, itemId: 'fn_1', call: CALL }]);
    talk.writes(' please. ');
    expect(talk.output('text')).toMatchObject([{ segment: 0, text: 'One moment please. ' }]);
  });

  it('[TO1][GE6][GE8] counts as a token', () => {
    const talk = EngineDriver.attached().says('Weather?');
    talk.pass(19_000);
    talk.calls();
    expect(talk.order).toEqual(['observe first-token', 'call']);
    expect(talk.pass(4_999).output('end')).toEqual([]);
    expect(talk.pass(1).output('end')).toMatchObject([{ error: { code: 'llm_unavailable' } }]);
  });

  it('[TO2][HE3] may be the whole answer: nothing is spoken, and no message stays', () => {
    const talk = EngineDriver.attached().says('Weather?').binds().calls().finishes();
    expect(talk.order).toEqual(['cancel-voice', 'end']);
    expect(talk.output('end')).toMatchObject([{ segments: 0, spokenSegments: 0, status: 'completed' }]);
    talk.hears({ closed: true });
    expect(talk.phase).toBe('listening');
    expect(talk.state.history.map(({ role }) => role)).toEqual(['user', 'call']);
    talk.says('Hello?');
    expect(talk.events('conversation.item.added')).toMatchObject([{ previous_item_id: 'fn_1' }]);
  });

  it('[TO2] that is the whole answer needs no voice worker', () => {
    const talk = EngineDriver.attached().says('Weather?').refusesVoice().calls().finishes();
    expect(talk.order).toEqual(['end']);
  });

  it('[TO3] is asked again of nobody when its result has come: the model sees both', () => {
    const talk = heard(calling()).returns('22 °C');
    expect(talk.order).toEqual(['observe tool-call', 'conversation.item.added', 'conversation.item.done']);
    expect(talk.events('conversation.item.done')).toMatchObject([
      {
        previous_item_id: 'fn_1',
        item: {
          id: 'out_call_1',
          type: 'function_call_output',
          status: 'completed',
          call_id: 'call_1',
          output: '22 °C',
        },
      },
    ]);
    expect(talk.context().slice(1)).toEqual([
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: 'One moment please. ', toolCalls: [CALL] },
      { role: 'tool', callId: 'call_1', content: '22 °C' },
    ]);
  });

  it('[TO3] is answered while the response that called still speaks', () => {
    const talk = calling().returns('22 °C');
    expect(talk.errors).toEqual([]);
    expect(heard(talk).context().at(-1)).toEqual({ role: 'tool', callId: 'call_1', content: '22 °C' });
  });

  it('[TO3][IT3] starts nothing with its result', () => {
    const talk = heard(calling()).returns('22 °C');
    expect(talk.phase).toBe('listening');
    expect(talk.effect('start-generation')).toEqual([]);
  });

  it('[TO4] has no result before one comes, and the model is told so', () => {
    expect(heard(calling()).context().at(-1)).toEqual({ role: 'tool', callId: 'call_1', content: 'No result yet.' });
  });

  it('[TO4][CX5] keeps the results of several with their calls, behind one answer', () => {
    const talk = heard(calling().calls('time').returns('noon'));
    expect(talk.context().slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'One moment please. ',
        toolCalls: [CALL, { ...CALL, callId: 'call_2', name: 'time' }],
      },
      { role: 'tool', callId: 'call_1', content: 'No result yet.' },
      { role: 'tool', callId: 'call_2', content: 'noon' },
    ]);
  });

  it('[TO4][CX5] separates the calls of two answers by what was said between them', () => {
    const talk = heard(calling().returns('22 °C')).asks().calls('time').finishes();
    talk.reports([talk.delivery(2, { closed: true })]);
    expect(talk.context().slice(2)).toEqual([
      { role: 'assistant', content: 'One moment please. ', toolCalls: [CALL] },
      { role: 'tool', callId: 'call_1', content: '22 °C' },
      { role: 'assistant', content: '', toolCalls: [{ ...CALL, callId: 'call_2', name: 'time' }] },
      { role: 'tool', callId: 'call_2', content: 'No result yet.' },
    ]);
  });

  it('[TO3] is told where the client wants its result, and the model has it behind the call', () => {
    const talk = EngineDriver.attached().says('Weather?').calls().calls().finishes().hears({ closed: true });
    const previousOf = (n: number, previousItemId?: string | null): unknown =>
      talk
        .client({
          kind: 'call-answered',
          ...{ itemId: `out_${n}`, callId: `call_${n}`, output: `result ${n}` },
          ...(previousItemId === undefined ? {} : { previousItemId }),
        })
        .events('conversation.item.added')[0]?.['previous_item_id'];
    expect(previousOf(1, 'fn_2')).toBe('fn_2');
    expect(previousOf(2, null)).toBe('fn_2');
    talk.asks();
    const results = talk.effect('start-generation')[0]?.messages.filter(({ role }) => role === 'tool');
    expect(results?.map(({ content }) => content)).toEqual(['result 1', 'result 2']);
  });

  it('[TO3][IT2] takes no result behind an item that is not there', () => {
    const talk = EngineDriver.attached().says('Weather?').calls().guesses('And');
    const result = { kind: 'call-answered', itemId: 'out_1', callId: 'call_1', output: 'sunny' } as const;
    expect(talk.client({ ...result, previousItemId: 'nobody' }, 'event_1').output('error')).toMatchObject([
      { error: { code: 'item_not_found', param: 'previous_item_id' }, clientEventId: 'event_1' },
    ]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.client({ ...result, previousItemId: 'user_1' }).errors).toEqual([]);
  });

  it('[TO5] takes its result once', () => {
    const talk = heard(calling()).returns('22 °C');
    talk.returns('23 °C', 'call_1', 'out_again');
    expect(talk.errors).toMatchObject([{ code: 'invalid_tool_call_id', param: 'item.call_id' }]);
    expect(talk.order).toEqual(['error']);
    expect(talk.context().at(-1)).toMatchObject({ content: '22 °C' });
  });

  it('[TO5] that nobody called has no result, nor one under an id in use', () => {
    const talk = heard(calling()).returns('22 °C', 'call_7');
    expect(talk.errors).toMatchObject([
      { code: 'invalid_tool_call_id', message: expect.stringContaining("'call_7' not found in conversation") },
    ]);
    expect(talk.returns('22 °C', 'call_1', 'user_1').errors).toMatchObject([{ code: 'item_id_in_use' }]);
    expect(outcomes(talk)).toEqual([]);
  });

  it.each([
    ['while it speaks', (talk: EngineDriver) => talk.interrupts()],
    [
      'in its tail',
      (talk: EngineDriver) =>
        talk
          .finishes()
          .hears({ segmentsMs: [1_000], complete: true, playedMs: 300, closed: true })
          .interrupts(),
    ],
  ])('[TO6] is abandoned when its response is interrupted %s', (_what, cut) => {
    const talk = cut(calling().hears({ segmentsMs: [1_000], playedMs: 300 }));
    expect(talk.state.calls).toEqual([]);
    expect(outcomes(talk)).toEqual(['interrupted']);
    expect(talk.context().at(-1)).toMatchObject({ role: 'tool', content: 'No result: the user interrupted.' });
  });

  it('[TO6] keeps the result that had come before the interruption', () => {
    const talk = calling().returns('22 °C').interrupts();
    expect(outcomes(talk)).toEqual(['answered']);
    expect(talk.context().at(-1)).toMatchObject({ role: 'tool', content: '22 °C' });
  });

  it('[TO6] of another response is not abandoned', () => {
    const talk = heard(calling()).says('And tomorrow?').interrupts();
    expect(talk.state.calls).toMatchObject([{ itemId: 'fn_1' }]);
  });

  it('[TO7] that was abandoned still takes its result: it has run, and the model should know', () => {
    const talk = calling().interrupts().returns('22 °C');
    expect(talk.errors).toEqual([]);
    expect(talk.context().at(-1)).toMatchObject({ role: 'tool', content: '22 °C' });
    expect(talk.returns('23 °C', 'call_1', 'out_again').errors).toMatchObject([{ code: 'invalid_tool_call_id' }]);
  });

  it('[TO8][LI1] is given up when no result comes in time, which ends nothing else', () => {
    const talk = heard(calling());
    const since = talk.nowMs;
    expect(talk.pass(59_999).effects).toEqual([]);
    talk.pass(1);
    expect(talk.nowMs - since).toBe(60_000);
    expect(talk.order).toEqual(['observe tool-call']);
    expect(talk.context().at(-1)).toMatchObject({ content: 'No result: the function did not answer in time.' });
    expect(talk.returns('late').errors).toEqual([]);
    expect(outcomes(talk)).toEqual(['timeout', 'answered']);
  });

  it('[TO8][LI5] has its whole time again after a takeover', () => {
    const talk = heard(calling());
    talk.pass(50_000);
    talk.nowMs = 4;
    talk.changesOwner();
    talk.pass(59_999);
    expect(outcomes(talk)).toEqual([]);
    talk.pass(1);
    expect(outcomes(talk)).toEqual(['timeout']);
  });

  it('[TO9][SU3] in a speculative answer is heard of by nobody before the final transcript', () => {
    const talk = EngineDriver.attached().guesses('Weather?').calls();
    expect(talk.effects).toEqual([]);
    talk.says('Weather?');
    expect(talk.output('call')).toMatchObject([{ ordinal: 1, itemId: 'fn_1', call: CALL }]);
    expect(talk.effect('start-generation')).toEqual([]);
    const discarded = EngineDriver.attached().guesses('Weather').calls().says('Time?');
    expect(discarded.output('call')).toEqual([]);
    expect(discarded.state.calls).toEqual([]);
  });

  it('[TO9][SU8] discards with its result a speculation that does not know of it', () => {
    const talk = heard(calling()).guesses('And').returns('22 °C');
    expect(talk.effect('abort-generation')).toHaveLength(1);
  });

  it.each([
    ['that is over', (talk: EngineDriver) => heard(talk).calls('weather', 1)],
    ['that was interrupted', (talk: EngineDriver) => talk.interrupts().calls('weather', 1)],
    ['whose generation ended', (talk: EngineDriver) => talk.finishes().calls()],
  ])('[GE7] of a response %s is nobody’s', (_what, late) => {
    expect(late(calling()).effects).toEqual([]);
  });

  it('[TO10][CL5] is one the session names, from the next response on', () => {
    const talk = EngineDriver.attached().client({
      kind: 'session-updated',
      patch: { tools: [{ name: 'weather' }], toolChoice: { name: 'weather' } },
    });
    expect(talk.events('session.updated')).toMatchObject([
      { session: { tools: [WEATHER], tool_choice: { type: 'function', name: 'weather' } } },
    ]);
    expect(talk.says('Weather?').effect('start-generation')).toMatchObject([
      { tools: [{ name: 'weather' }], toolChoice: { name: 'weather' } },
    ]);
    talk.client({ kind: 'session-updated', patch: { instructions: 'Be kind.' } });
    expect(talk.state.session.tools).toEqual([{ name: 'weather' }]);
    talk.client({ kind: 'session-updated', patch: { toolChoice: 'none' } });
    expect(talk.events('session.updated')).toMatchObject([{ session: { tool_choice: 'none' } }]);
    expect(talk.interrupts().guesses('Weather').effect('start-generation')).toMatchObject([{ toolChoice: 'none' }]);
  });

  it('[CL3] is not waited for after closing', () => {
    const talk = heard(calling()).client({ kind: 'disconnected', reason: 'lost' });
    expect([talk.state.calls, talk.deadlineMs]).toEqual([[], undefined]);
  });

  it('[IT2] has an id in use, and so has its result', () => {
    const talk = heard(calling()).returns('22 °C');
    const item = { role: 'user', text: 'Hi' } as const;
    for (const itemId of ['fn_1', 'out_call_1']) {
      expect(talk.client({ kind: 'item-created', itemId, item }).errors).toMatchObject([{ code: 'item_id_in_use' }]);
    }
    talk.client({ kind: 'item-created', itemId: 'after', item, previousItemId: 'out_call_1' });
    expect(talk.state.history.map(({ id }) => id)).toEqual(['user_1', 'answer_1', 'fn_1', 'after']);
    expect(heard(calling()).returns('22').says('Next').events('conversation.item.added')).toMatchObject([
      { previous_item_id: 'out_call_1' },
    ]);
  });

  it('[IN10] is no answer that could be truncated', () => {
    expect(heard(calling()).truncates('fn_1', 0).errors).toMatchObject([{ code: 'unsupported_content_type' }]);
  });

  it('[CX2][IT4] counts with its name, its arguments and its result', () => {
    const talk = EngineDriver.attached({ maxContextChars: 50 })
      .says('Weather?')
      .calls()
      .finishes()
      .hears({ closed: true });
    talk.returns('x'.repeat(200));
    expect(talk.state.history.map(({ role }) => role)).toEqual(['call']);
  });
});
