import { VirtualSystem } from '@parley/harness';
import type { EngineInput } from '@parley/turn-engine';
import { Generations } from './generations';
import { ManualLlm } from '../orchestrator-stage.fixture';

let system: VirtualSystem;
let llm: ManualLlm;
let inputs: EngineInput[];
let generations: Generations;
beforeEach(() => {
  system = new VirtualSystem();
  llm = new ManualLlm();
  inputs = [];
  generations = new Generations(llm, system.random, (input) => inputs.push(input));
});

const start = async (ordinal: number, continues: string | null = null): Promise<void> => {
  generations.start({
    kind: 'start-generation',
    lane: 0,
    ordinal,
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    tools: [{ name: 'weather' }],
    toolChoice: 'auto',
    maxOutputTokens: 'inf',
    continues,
  });
  await system.advanceBy(0);
};
const settle = (): Promise<void> => system.advanceBy(0);

describe('an answer of the model', () => {
  it('is asked for with the messages of the response, and comes as inputs of that response', async () => {
    await start(3);
    const { request } = llm.call(0);
    const messages = [{ role: 'user', content: 'Hi' }];
    const tools = [{ name: 'weather' }];
    expect(request).toEqual({
      model: 'm',
      messages,
      tools,
      toolChoice: 'auto',
      maxOutputTokens: 'inf',
      continues: null,
    });
    llm.call(0).writes('Hello');
    llm.call(0).finishes();
    await settle();
    expect(inputs).toEqual([
      { kind: 'text-generated', lane: 0, ordinal: 3, text: 'Hello' },
      { kind: 'generation-finished', lane: 0, ordinal: 3, reason: 'stop', usage: { inputTokens: 7, outputTokens: 3 } },
    ]);
  });

  it('that calls functions has ids of our own for them', async () => {
    await start(3);
    for (const name of ['weather', 'time']) llm.call(0).push({ kind: 'tool-called', name, arguments: '{}' });
    await settle();
    const called = (name: string): object => ({
      ...{ kind: 'tool-called', lane: 0, ordinal: 3, itemId: expect.stringMatching(/^item_[0-9a-f]{24}$/) },
      call: { callId: expect.stringMatching(/^call_[0-9a-f]{24}$/), name, arguments: '{}' },
    });
    expect(inputs).toEqual([called('weather'), called('time')]);
    const ids = inputs.flatMap((input) => (input.kind === 'tool-called' ? [input.call.callId, input.itemId] : []));
    expect(new Set(ids).size).toBe(4);
  });

  it('that fails says so', async () => {
    const failure = { kind: 'cut', message: 'The stream broke.' } as const;
    await start(1);
    llm.call(0).push({ kind: 'failed', failure });
    await settle();
    expect(inputs).toEqual([{ kind: 'generation-failed', lane: 0, ordinal: 1, failure }]);
  });

  it('of an adapter that throws, against its promise, fails too: the agent must not fall silent', async () => {
    await start(1);
    llm.call(0).writes('Hel');
    llm.call(0).push(new Error('with a secret'));
    await settle();
    expect(inputs.at(-1)).toEqual({
      kind: 'generation-failed',
      lane: 0,
      ordinal: 1,
      failure: { kind: 'unavailable', message: 'The language model adapter failed.' },
    });
  });

  it('is handed on no more after its abort, whatever the adapter still gives', async () => {
    await start(1);
    llm.call(0).writes('Hello');
    await settle();
    llm.call(0).writes('already there');
    generations.abort(1);
    expect(llm.call(0).signal.aborted).toBe(true);
    llm.call(0).writes('later');
    llm.call(0).push(new Error('after the abort'));
    await settle();
    expect(inputs.map(({ kind }) => kind)).toEqual(['text-generated']);
  });

  it('is aborted alone, or with all others', async () => {
    await start(1);
    await start(2);
    await start(3);
    generations.abort(2);
    generations.abort(9);
    expect(llm.calls.map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
    generations.abortAll();
    expect(llm.calls.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
    for (const call of llm.calls) call.finishes();
    await settle();
    expect(inputs).toEqual([]);
  });
});

describe('[G6] an answer that the model continues', () => {
  const SPOKEN = 'The sea is wide. It covers most of the earth. ';
  const kinds = (): string[] => inputs.map((input) => (input.kind === 'text-generated' ? input.text : input.kind));

  it('is asked for with what the user has been given, white space included', async () => {
    await start(1, SPOKEN);
    expect(llm.call(0).request).toMatchObject({ continues: SPOKEN, messages: [{ role: 'user', content: 'Hi' }] });
  });

  it.each([
    ['continues', ['Fish ', 'live in it.'], ['Fish ', 'live in it.']],
    [
      'starts over',
      ['The sea is wide. ', 'It covers most of ', 'the earth. Fish ', 'live in it.'],
      ['Fish ', 'live in it.'],
    ],
    ['repeats its last sentence', ['It covers ', 'most of the earth. Fish live in it.'], ['Fish live in it.']],
  ])('comes without what was said already when the model %s', async (_habit, written, given) => {
    await start(1, SPOKEN);
    for (const text of written) llm.call(0).writes(text);
    await settle();
    expect(kinds().join('|')).toBe(given.join('|'));
  });

  it('comes as it was written when it is a new one', async () => {
    await start(1);
    llm.call(0).writes('The sea ');
    llm.call(0).writes('the sea ');
    await settle();
    expect(kinds()).toEqual(['The sea ', 'the sea ']);
  });

  it.each([
    [
      'the end',
      { kind: 'finished', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } },
      'generation-finished',
    ],
    ['a call', { kind: 'tool-called', name: 'weather', arguments: '{}' }, 'tool-called'],
  ] as const)('has what was held back before %s', async (_what, event, kind) => {
    await start(1, SPOKEN);
    llm.call(0).writes('The sea ');
    await settle();
    expect(kinds()).toEqual([]);
    llm.call(0).push(event);
    await settle();
    expect(kinds()).toEqual(['The sea ', kind]);
  });

  it.each([
    ['fails', { kind: 'failed', failure: { kind: 'cut', message: 'The stream broke.' } }, 'generation-failed'],
    [
      'is cut short',
      { kind: 'finished', reason: 'length', usage: { inputTokens: 1, outputTokens: 1 } },
      'generation-finished',
    ],
  ] as const)('does not have it when the answer %s: nothing is said twice', async (_what, event, kind) => {
    await start(1, SPOKEN);
    llm.call(0).writes('The sea is wide. It covers');
    llm.call(0).push(event);
    await settle();
    expect(kinds()).toEqual([kind]);
  });

  it('is held back no more after its abort', async () => {
    await start(1, SPOKEN);
    llm.call(0).writes('The sea ');
    await settle();
    generations.abort(1);
    llm.call(0).finishes();
    await settle();
    expect(inputs).toEqual([]);
  });
});
