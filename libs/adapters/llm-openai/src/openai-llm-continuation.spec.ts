import { startFakeProviders, type FakeProviders, type PrefillDialect } from '@parley/fakes';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { ChatMessage, LlmEvent, LlmPort } from '@parley/ports';
import type { Prefill } from './continuation';
import { createOpenAiLlm } from './openai-llm';

const ANSWER = 'The sea is wide. It covers most of the earth. Fish live in it.';
const GIVEN = 'The sea is wide. It covers ';
const REST = 'most of the earth. Fish live in it.';
const BEFORE: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Tell me of the sea.' },
];

let system: VirtualSystem;
let log: RecordingLog;
let fakes: FakeProviders;
let llm: LlmPort;

async function connect(prefill: Prefill, server: PrefillDialect = prefill): Promise<void> {
  system = new VirtualSystem();
  log = new RecordingLog();
  fakes = await startFakeProviders({ prefill: server });
  fakes.setDefaultChat({ kind: 'answer', text: ANSWER });
  llm = createOpenAiLlm({ baseUrl: fakes.url, model: 'm', prefill, log, timers: system.timers });
}
afterEach(async () => {
  await llm.close();
  await fakes.close();
  expect(system.pendingTimers).toBe(0);
});

async function collect(continues: string | null): Promise<LlmEvent[]> {
  const events: LlmEvent[] = [];
  const request = { model: undefined, messages: BEFORE, continues };
  for await (const event of llm.generate(request, new AbortController().signal)) events.push(event);
  return events;
}
const textOf = (events: readonly LlmEvent[]): string =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');

const INSTRUCTION = { role: 'user', content: expect.stringMatching(/cut off.*Continue.*do not repeat/) as string };
const PARTIAL = { role: 'assistant', content: GIVEN.trim() };

describe.each([
  ['none', 'instruct', [PARTIAL, INSTRUCTION], {}],
  ['last_message', 'prefill', [PARTIAL], {}],
  ['continue_final_message', 'prefill', [PARTIAL], { continue_final_message: true, add_generation_prompt: false }],
  ['prefix', 'prefill', [{ ...PARTIAL, prefix: true }], {}],
] as const)('llm-openai before a server with prefill %s', (prefill, continuation, messages, fields) => {
  beforeEach(() => connect(prefill));

  it(`says ${continuation}, and asks for the rest after all messages of before`, async () => {
    expect(llm.continuation).toBe(continuation);
    expect(textOf(await collect(GIVEN)).trim()).toBe(REST);
    expect(fakes.requests.map(({ body }) => body)).toEqual([
      {
        model: 'm',
        messages: [...BEFORE, ...messages],
        stream: true,
        stream_options: { include_usage: true },
        ...fields,
      },
    ]);
    expect(log.lines).toEqual([]);
  });

  it('asks for a new answer as ever', async () => {
    for (const continues of [null, ' ']) expect(textOf(await collect(continues))).toBe(ANSWER);
    for (const { body } of fakes.requests) {
      expect(body).toEqual({ model: 'm', messages: BEFORE, stream: true, stream_options: { include_usage: true } });
    }
  });

  it('hands on what a model writes that starts over: whether it is new is found out elsewhere', async () => {
    fakes.setContinuation('starts-over');
    expect(textOf(await collect(GIVEN))).toBe(ANSWER);
  });

  it('may have nothing left to say', async () => {
    expect(await collect(ANSWER)).toMatchObject([{ kind: 'finished', reason: 'stop' }]);
    fakes.nextChat({ kind: 'empty' });
    expect(await collect(null)).toMatchObject([{ kind: 'failed', failure: { kind: 'empty_answer' } }]);
  });
});

describe('llm-openai before a server or a model that cannot complete a message', () => {
  it.each([
    ['continue_final_message', 'none'],
    ['prefix', 'none'],
    ['continue_final_message', 'prefix'],
    ['last_message', 'prefix'],
  ] as const)(
    'configured as %s, refused by one with prefill %s, tells it in words, and says so',
    async (prefill, server) => {
      await connect(prefill, server);
      expect(textOf(await collect(GIVEN)).trim()).toBe(REST);
      expect(fakes.requests.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'completed']);
      expect(fakes.requests.at(-1)?.body.stream_options).toEqual({ include_usage: true });
      expect(log.lines).toHaveLength(1);
      expect(JSON.stringify(log.lines)).not.toContain('sea');
    },
  );

  it('fails as any other request when the words are refused too', async () => {
    await connect('prefix');
    fakes.setDefaultChat({ kind: 'status', status: 400, code: null, message: 'No.' });
    expect(await collect(GIVEN)).toMatchObject([{ kind: 'failed', failure: { kind: 'rejected' } }]);
    expect(log.lines).toEqual([]);
  });

  it('does not ask again for what has other causes', async () => {
    await connect('prefix');
    fakes.setDefaultChat({ kind: 'status', status: 503, code: null, message: 'Busy.' });
    expect(await collect(GIVEN)).toMatchObject([{ kind: 'failed', failure: { kind: 'unavailable' } }]);
    expect(fakes.requests).toHaveLength(1);
  });
});
