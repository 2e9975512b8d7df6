import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFakeProviders, type ChatBehaviour, type FakeProviders } from '@parley/fakes';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { ToolDefinition } from '@parley/model';
import type { ChatMessage, LlmEvent, LlmPort, LlmRequest } from '@parley/ports';
import { createOpenAiLlm } from './openai-llm';

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER: ToolDefinition = { name: 'get_weather', description: 'The weather of a city.', parameters: SCHEMA };
const CALLS = [
  { name: 'get_weather', arguments: '{"city":"Paris"}' },
  { name: 'get_weather', arguments: '{"city":"Rome"}' },
  { name: 'get_time', arguments: '{}' },
];
const EVENTS = CALLS.map((call) => ({ kind: 'tool-called', ...call }));
const ASKED: ChatMessage = { role: 'user', content: 'How is the weather?' };

let system: VirtualSystem;
let llm: LlmPort | undefined;

beforeEach(() => {
  system = new VirtualSystem();
});
afterEach(async () => {
  await llm?.close();
  expect(system.pendingTimers).toBe(0);
});

async function collect(baseUrl: string, request: Partial<LlmRequest> = { tools: [WEATHER] }): Promise<LlmEvent[]> {
  await llm?.close();
  llm = createOpenAiLlm({ baseUrl, model: 'm', log: new RecordingLog(), timers: system.timers });
  const events: LlmEvent[] = [];
  const whole = { model: undefined, continues: null, messages: [ASKED], ...request };
  for await (const event of llm.generate(whole, new AbortController().signal)) events.push(event);
  return events;
}

function failureOf(events: readonly LlmEvent[]): { kind: string; message: string } {
  const last = events.at(-1);
  if (last?.kind !== 'failed') throw new Error(`ended with ${last?.kind ?? 'nothing'}`);
  expect(events.filter(({ kind }) => kind === 'tool-called')).toEqual([]);
  return last.failure;
}

describe('llm-openai with tools before the fake provider', () => {
  let fakes: FakeProviders;

  beforeEach(async () => {
    fakes = await startFakeProviders();
  });
  afterEach(() => fakes.close());

  const answerTo = (behaviour: ChatBehaviour, request?: Partial<LlmRequest>): Promise<LlmEvent[]> => {
    fakes.nextChat(behaviour);
    return collect(fakes.url, request);
  };

  it.each(['openai', 'llama.cpp', 'ollama', 'gemini', 'sglang', 'kimi', 'vllm'] as const)(
    'hears one call and several, two of them of one tool, in the shape of %s',
    async (toolCallShape) => {
      for (const count of [1, 3]) {
        const toolCalls = CALLS.slice(0, count);
        const events = await answerTo({ kind: 'answer', text: '', toolCalls, toolCallShape });
        expect(events.slice(0, -1)).toEqual(EVENTS.slice(0, count));
        expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
      }
    },
  );

  it('hears the text before the calls, and usage', async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
    const events = await answerTo({ kind: 'answer', text: 'One moment.', toolCalls: CALLS, usage });
    const text = events.map((event) => (event.kind === 'text' ? event.text : '')).join('');
    expect(text).toBe('One moment.');
    expect(events.filter(({ kind }) => kind !== 'text')).toEqual([
      ...EVENTS,
      { kind: 'finished', reason: 'stop', usage: { inputTokens: 9, outputTokens: 4 } },
    ]);
  });

  it('hears no call of an answer that was cut off, though its arguments were whole', async () => {
    const toolCalls = CALLS.slice(0, 2);
    const events = await answerTo({ kind: 'cut', text: '', toolCalls, toolCallShape: 'ollama', afterTokens: 1 });
    expect(failureOf(events).kind).toBe('cut');
  });

  it('fails as invalid when the answer ends with calls but has none, with or without text', async () => {
    for (const text of ['', 'One moment.']) {
      const events = await answerTo({ kind: 'answer', text, finishReason: 'tool_calls' });
      expect(failureOf(events).kind).toBe('invalid_answer');
    }
  });

  it('offers tools, names the choice, and sends calls and results as the API wants them', async () => {
    const messages: ChatMessage[] = [
      ASKED,
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { callId: 'call_of-ours/1', name: 'get_weather', arguments: '{"city":"Paris"}' },
          { callId: 'call_of-ours/2', name: 'get_time', arguments: '{}' },
        ],
      },
      { role: 'tool', callId: 'call_of-ours/2', content: 'Noon.' },
      { role: 'tool', callId: 'call_of-ours/1', content: 'Rain.' },
      { role: 'assistant', content: 'It rains.', toolCalls: [] },
      ASKED,
    ];
    const tools = [WEATHER, { name: 'get_time' }];
    await collect(fakes.url, { messages, tools, toolChoice: { name: 'get_time' } });
    const sent = fakes.requests[0]?.kind === 'chat' ? fakes.requests[0].body : undefined;
    const ids = sent?.messages?.[1]?.tool_calls?.map(({ id }) => id);
    expect(ids).toEqual([expect.stringMatching(/^[a-zA-Z0-9]{9}$/), expect.stringMatching(/^[a-zA-Z0-9]{9}$/)]);
    expect(sent?.messages).toEqual([
      ASKED,
      {
        role: 'assistant',
        content: null,
        tool_calls: CALLS.filter((_, index) => index !== 1).map((call, index) => ({
          id: ids?.[index],
          type: 'function',
          function: call,
        })),
      },
      { role: 'tool', tool_call_id: ids?.[1], content: 'Noon.' },
      { role: 'tool', tool_call_id: ids?.[0], content: 'Rain.' },
      { role: 'assistant', content: 'It rains.' },
      ASKED,
    ]);
    expect(sent?.tools).toEqual([
      { type: 'function', function: WEATHER },
      { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } },
    ]);
    expect(sent?.tool_choice).toEqual({ type: 'function', function: { name: 'get_time' } });
    expect(fakes.requests[0]?.outcome).toBe('completed');
  });

  it.each(['auto', 'none', 'required'] as const)(
    'names the choice %s, and no choice where there is none',
    async (word) => {
      await collect(fakes.url, { tools: [WEATHER], toolChoice: word });
      await collect(fakes.url, { tools: [WEATHER] });
      expect(fakes.requests.map(({ body }) => ('tool_choice' in body ? body.tool_choice : undefined))).toEqual([
        word,
        undefined,
      ]);
    },
  );

  it.each([[undefined], [[]]])('says nothing of tools or choice when %j are offered', async (tools) => {
    await collect(fakes.url, { ...(tools === undefined ? {} : { tools }), toolChoice: 'required' });
    expect(Object.keys(fakes.requests[0]?.body ?? {})).toEqual(['model', 'messages', 'stream', 'stream_options']);
  });

  it('fails as rejected when a tool’s name is not allowed, and says what to check', async () => {
    const failure = failureOf(await collect(fakes.url, { tools: [{ name: 'get weather' }] }));
    expect(failure).toMatchObject({ kind: 'rejected', message: expect.stringContaining('can call tools') as string });
    const other = failureOf(await answerTo({ kind: 'status', status: 404, code: null, message: 'No' }, {}));
    expect(other.message).not.toContain('tools');
  });
});

describe('llm-openai with tools before other servers', () => {
  const chunk = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const call = (index: number, name: string, text: string): object => ({
    tool_calls: [{ index, id: `call_${index}`, function: { name, arguments: text } }],
  });

  /** What becomes of an answer; whoever ends it, the connection has been closed or is free again afterwards. */
  async function hear(respond: (response: ServerResponse) => void): Promise<LlmEvent[]> {
    const server = createServer();
    const closed = new Promise<void>((resolve) => {
      server.on('request', (_, response) => {
        response.once('close', resolve).writeHead(200, { 'content-type': 'text/event-stream' });
        respond(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const events = await collect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    await closed;
    await llm?.close();
    await new Promise((resolve) => server.close(resolve));
    return events;
  }
  const hearAll = (...pieces: string[]): Promise<LlmEvent[]> => hear((response) => void response.end(pieces.join('')));

  it('leaves out a call that was cut by the limit of tokens, and keeps the text', async () => {
    const events = await hearAll(chunk({ content: 'Well,' }), chunk(call(0, 'get_time', '{"zo'), 'length'));
    expect(events).toMatchObject([{ kind: 'text' }, { kind: 'finished', reason: 'length' }]);
    expect(failureOf(await hearAll(chunk(call(0, 'get_time', '{"zo'), 'length'))).kind).toBe('empty_answer');
  });

  it('hears calls without a finish reason, before [DONE]', async () => {
    const events = await hearAll(chunk(call(0, 'get_time', '{}')), 'data: [DONE]\n\n');
    expect(events).toMatchObject([{ kind: 'tool-called' }, { kind: 'finished', reason: 'stop' }]);
  });

  it('hears a chunk that has its choice in two entries, and no other choice', async () => {
    const choices = [
      { index: 0, delta: call(0, 'get_time', '{}') },
      { index: 1, delta: call(1, 'get_weather', '{}') },
      { index: 0, delta: { content: 'Hm.' }, finish_reason: 'tool_calls' },
    ];
    const events = await hearAll(`data: ${JSON.stringify({ choices })}\n\n`);
    expect(events).toMatchObject([{ text: 'Hm.' }, { kind: 'tool-called', name: 'get_time' }, { kind: 'finished' }]);
  });

  it('takes no notice of an empty list of calls', async () => {
    const events = await hearAll(chunk({ content: 'Yes.', tool_calls: [] }), chunk({ tool_calls: null }, 'stop'));
    expect(events).toMatchObject([{ kind: 'text', text: 'Yes.' }, { kind: 'finished' }]);
  });

  it('fails as invalid when a call has no name, or is none', async () => {
    expect(failureOf(await hearAll(chunk(call(0, '', '{}'), 'tool_calls'))).message).toContain('without a name');
    expect(failureOf(await hearAll(chunk({ tool_calls: ['get_time'] }, 'tool_calls'))).kind).toBe('invalid_answer');
  });

  it('fails as invalid as soon as the arguments are too long, and hangs up', async () => {
    const events = await hear((response) => {
      response.write(chunk({ content: 'Well,' }) + chunk(call(0, 'get_time', '{"zone":"')));
      response.write(chunk({ tool_calls: [{ index: 0, function: { arguments: 'x'.repeat(70_000) } }] }));
    });
    expect(failureOf(events)).toMatchObject({
      kind: 'invalid_answer',
      message: expect.stringContaining('too long') as string,
    });
  });
});
