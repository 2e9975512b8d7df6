import { describeLlmConformance, VirtualSystem, type LlmSubject } from '@parley/harness';
import type { LlmEvent, TimersPort } from '@parley/ports';
import { createDemoLlm } from './demo-llm';

/** Timers that count what is armed, apart from the timers of the suite. */
function countingTimers(timers: TimersPort): { timers: TimersPort; armed: () => number } {
  const armed = new Set<object>();
  return {
    armed: () => armed.size,
    timers: {
      after(delayMs, callback) {
        const timer = {};
        armed.add(timer);
        const cancel = timers.after(delayMs, () => {
          armed.delete(timer);
          callback();
        });
        return () => {
          armed.delete(timer);
          cancel();
        };
      },
      every: (periodMs, callback) => timers.every(periodMs, callback),
    },
  };
}

const makeSubject = (): Promise<LlmSubject> => {
  const system = new VirtualSystem();
  const { timers, armed } = countingTimers(system.timers);
  const llm = createDemoLlm({ timers });
  return Promise.resolve({
    llm,
    system,
    run: (work) => system.runUntil(work()),
    answersUnderWay: armed,
    dispose: () => llm.close(),
  });
};

describeLlmConformance('llm-demo', makeSubject);

describe('llm-demo in time', () => {
  it('says its first word after 120 ms and then one every 25 ms, as they are asked for', async () => {
    const system = new VirtualSystem();
    const llm = createDemoLlm({ timers: system.timers });
    const atMs: number[] = [];
    const events: LlmEvent[] = [];
    const read = async (): Promise<void> => {
      const request = { model: undefined, continues: null, messages: [{ role: 'user', content: 'Thanks!' }] } as const;
      for await (const event of llm.generate(request, new AbortController().signal)) {
        events.push(event);
        atMs.push(system.nowMs);
      }
    };
    await system.runUntil(read());
    const words = 'You are welcome. It was a pleasure to talk.'.split(' ');
    expect(events.slice(0, -1).map((event) => (event.kind === 'text' ? event.text.trim() : event.kind))).toEqual(words);
    expect(atMs.slice(0, 3)).toEqual([120, 145, 170]);
    expect(events.at(-1)).toEqual({ kind: 'finished', reason: 'stop', usage: { inputTokens: 1, outputTokens: 9 } });
    expect(system.pendingTimers).toBe(0);
  });

  it('holds no timer while nobody asks for the next word', async () => {
    const system = new VirtualSystem();
    const llm = createDemoLlm({ timers: system.timers });
    const request = { model: undefined, continues: null, messages: [{ role: 'user', content: 'Thanks!' }] } as const;
    const stream = llm.generate(request, new AbortController().signal)[Symbol.asyncIterator]();
    await system.runUntil(stream.next());
    expect(system.pendingTimers).toBe(0);
  });
});
