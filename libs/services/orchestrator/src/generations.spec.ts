import { VirtualSystem } from '@parley/harness';
import type { EngineInput } from '@parley/turn-engine';
import { Generations } from './generations';
import { ManualLlm } from './orchestrator-stage.fixture';

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

const start = async (ordinal: number): Promise<void> => {
  generations.start({
    kind: 'start-generation',
    lane: 0,
    ordinal,
    model: 'm',
    messages: [{ role: 'user', content: 'Hi' }],
    tools: [{ name: 'weather' }],
    toolChoice: 'auto',
  });
  await system.advanceBy(0);
};
const settle = (): Promise<void> => system.advanceBy(0);

describe('an answer of the model', () => {
  it('is asked for with the messages of the response, and comes as inputs of that response', async () => {
    await start(3);
    const { request } = llm.call(0);
    const tools = [{ name: 'weather' }];
    expect(request).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools, toolChoice: 'auto' });
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
