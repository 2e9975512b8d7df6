import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemPorts } from '@parley/adapter-system';
import {
  messageText,
  startFakeProviders,
  type ChatBehaviour,
  type FakeProviders,
  type RecordedChat,
} from '@parley/fakes';
import { describeLlmConformance, RecordingLog, VirtualSystem, type LlmSubject } from '@parley/harness';
import type { ProviderFailure } from '@parley/model';
import type { LlmEvent, LlmPort, LlmRequest } from '@parley/ports';
import { createOpenAiLlm } from './openai-llm';

const KEY = 'sk-test-key';
const SECRET = 'the user’s own words';
const request = { model: undefined, continues: null, messages: [{ role: 'user', content: SECRET }] } as const;

const running = (fakes: FakeProviders): number => fakes.requests.filter(({ outcome }) => outcome === 'running').length;
const STORY = Array.from({ length: 24 }, (_, index) => `This is sentence number ${index + 1} of the story.`).join(' ');

/** Calls what is demanded or named, tells the results, or a story, or what was said. */
function answerOf({ text, asked, given, body }: RecordedChat): ChatBehaviour {
  const pace = { kind: 'answer', firstTokenDelayMs: 60, tokenDelayMs: 3 } as const;
  const { tools = [], tool_choice: choice } = body;
  const results = asked.slice(asked.findLastIndex(({ role }) => role !== 'tool') + 1);
  if (results.length > 0) return { ...pace, text: results.map(messageText).join(' ') };
  const names = tools.map(({ function: { name } }) => name);
  const demanded =
    typeof choice === 'object' ? [choice.function?.name] : choice === 'required' ? names.slice(0, 1) : [];
  const called = names.filter((name) => demanded.includes(name) || (text.includes(name) && choice !== 'none'));
  const toolCalls = called.map((name) => ({ name, arguments: '{"city":"Paris"}' }));
  if (toolCalls.length > 0) return { ...pace, text: given ?? '', toolCalls };
  return { ...pace, text: text.includes('story') ? STORY : `You said: ${text} That is all.` };
}

describeLlmConformance('llm-openai', async (): Promise<LlmSubject> => {
  const fakes = await startFakeProviders();
  fakes.chatRule(answerOf);
  const log = new RecordingLog();
  const llm = createOpenAiLlm({ baseUrl: fakes.url, model: 'm', log, timers: systemPorts.timers });
  return {
    llm,
    system: systemPorts,
    run: (work) => work(),
    answersUnderWay: () => running(fakes),
    async dispose() {
      await llm.close();
      await fakes.close();
      expect(log.lines).toEqual([]);
    },
  };
});

let system: VirtualSystem;
let log: RecordingLog;
let llm: LlmPort | undefined;

beforeEach(() => {
  system = new VirtualSystem();
  log = new RecordingLog();
});
afterEach(async () => {
  await llm?.close();
  expect(system.pendingTimers).toBe(0);
});

const connect = (baseUrl: string): LlmPort => {
  llm = createOpenAiLlm({ baseUrl, apiKey: KEY, model: 'the-model', log, timers: system.timers });
  return llm;
};

async function collect(
  from: LlmPort,
  signal = new AbortController().signal,
  more: Partial<LlmRequest> = {},
): Promise<LlmEvent[]> {
  const events: LlmEvent[] = [];
  for await (const event of from.generate({ ...request, ...more }, signal)) events.push(event);
  return events;
}
/** With a limit of tokens. */
const collectLimited = (from: LlmPort): Promise<LlmEvent[]> =>
  collect(from, new AbortController().signal, { maxOutputTokens: 12 });

const textOf = (events: readonly LlmEvent[]): string =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');

function failureOf(events: readonly LlmEvent[]): ProviderFailure {
  const last = events.at(-1);
  if (last?.kind !== 'failed') throw new Error(`ended with ${last?.kind ?? 'nothing'}`);
  // Whatever failed: what a user or a log reads holds neither the key nor anybody's words.
  expect(JSON.stringify([last, log.lines])).not.toContain(KEY);
  expect(JSON.stringify([last, log.lines])).not.toContain(SECRET);
  return last.failure;
}

describe('llm-openai before the fake provider', () => {
  let fakes: FakeProviders;

  beforeEach(async () => {
    fakes = await startFakeProviders({ apiKeys: [KEY] });
  });
  afterEach(() => fakes.close());

  const answerTo = async (behaviour: ChatBehaviour): Promise<LlmEvent[]> => {
    fakes.nextChat(behaviour);
    return collect(connect(fakes.url));
  };

  it('asks as the API wants it, with its own model where the request names none', async () => {
    await collect(connect(fakes.url));
    const [recorded] = fakes.requests;
    expect(recorded?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(recorded?.body).toEqual({
      model: 'the-model',
      messages: [{ role: 'user', content: SECRET }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('asks for the model a request names', async () => {
    const events = connect(fakes.url).generate({ ...request, model: 'another' }, new AbortController().signal);
    for await (const event of events) expect(event.kind).not.toBe('failed');
    expect(fakes.requests[0]?.body['model']).toBe('another');
  });

  it.each(['', '/'])('takes a base URL that ends with "%s"', async (ending) => {
    expect((await collect(connect(fakes.url + ending))).at(-1)?.kind).toBe('finished');
    expect(fakes.requests[0]?.path).toBe('/v1/chat/completions');
  });

  it('hands on usage and the reason of the end', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
    const events = await answerTo({ kind: 'answer', text: 'One two three', usage, finishReason: 'length' });
    expect(textOf(events)).toBe('One two three');
    expect(events.at(-1)).toEqual({ kind: 'finished', reason: 'length', usage: { inputTokens: 12, outputTokens: 3 } });
  });

  it('uses one connection for one answer after another', async () => {
    const model = connect(fakes.url);
    for (let turn = 0; turn < 5; turn++) expect((await collect(model)).at(-1)?.kind).toBe('finished');
    expect(fakes.openConnections).toBe(1);
  });

  it('leaves no connection after close', async () => {
    const model = connect(fakes.url);
    await collect(model);
    await model.close();
    while (fakes.openConnections > 0) await new Promise(setImmediate);
  });

  it.each([
    ['silence before the status line', { kind: 'stall', afterTokens: 0, text: 'x', beforeHeaders: true }, ''],
    ['silence before the first token', { kind: 'stall', afterTokens: 0, text: 'x' }, ''],
    ['silence after some tokens', { kind: 'stall', afterTokens: 2, text: 'One two three' }, 'One two'],
  ] satisfies [string, ChatBehaviour, string][])('ends when aborted during %s', async (_, behaviour, text) => {
    fakes.nextChat(behaviour);
    const abort = new AbortController();
    const events = collect(connect(fakes.url), abort.signal);
    await fakes.waitForRequest(({ outcome }) => outcome === 'running', 2_000);
    await new Promise((resolve) => systemPorts.timers.after(50, () => resolve(undefined)));
    const abortedMs = systemPorts.clock.nowMs();
    abort.abort();
    expect(textOf(await events)).toBe(text);
    expect((await events).filter((event) => event.kind !== 'text')).toEqual([]);
    expect(systemPorts.clock.nowMs() - abortedMs).toBeLessThan(100);
    await fakes.waitForRequest(({ outcome }) => outcome === 'aborted', 2_000);
  });

  it('keeps what came before a cut, and fails as cut', async () => {
    const events = await answerTo({ kind: 'cut', afterTokens: 2, text: 'One two three' });
    expect(textOf(events)).toBe('One two');
    expect(failureOf(events).kind).toBe('cut');
  });

  it('fails as unavailable when the connection goes before the status line', async () => {
    const events = await answerTo({ kind: 'cut', afterTokens: 0, text: 'x', beforeHeaders: true });
    expect(failureOf(events)).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('ECONNRESET') });
  });

  it('fails as unauthorized with a key the provider does not know', async () => {
    llm = createOpenAiLlm({ baseUrl: fakes.url, apiKey: 'another', model: 'm', log, timers: system.timers });
    expect(failureOf(await collect(llm)).kind).toBe('unauthorized');
  });

  it('sends a placeholder where no key is configured', async () => {
    const open = await startFakeProviders();
    llm = createOpenAiLlm({ baseUrl: open.url, model: 'm', log, timers: system.timers });
    expect((await collect(llm)).at(-1)?.kind).toBe('finished');
    await open.close();
  });

  it.each([
    [400, 'rejected'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'rejected'],
    [422, 'rejected'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const)('fails with status %i as %s, and tries no more than it has to', async (status, kind) => {
    fakes.setDefaultChat({ kind: 'status', status, code: null, message: SECRET });
    expect(failureOf(await collect(connect(fakes.url))).kind).toBe(kind);
    expect(fakes.requests.length).toBe(status === 400 || status === 422 ? 2 : 1);
  });

  it('says how long a rate limit lasts', async () => {
    const busy = { kind: 'status', status: 429, code: 'rate_limit_exceeded', message: 'Slow down.' } as const;
    expect(failureOf(await answerTo({ ...busy, retryAfterSeconds: 7 })).retryAfterMs).toBe(7_000);
    expect(failureOf(await answerTo(busy)).retryAfterMs).toBeUndefined();
  });

  it('fails as an invalid answer when it is not JSON, or a web page', async () => {
    expect(failureOf(await answerTo({ kind: 'garbage' })).kind).toBe('invalid_answer');
    expect(failureOf(await answerTo({ kind: 'html' }))).toMatchObject({
      kind: 'invalid_answer',
      message: expect.stringContaining('text/html'),
    });
  });

  it('fails as an empty answer when it has no text', async () => {
    expect(failureOf(await answerTo({ kind: 'empty' })).kind).toBe('empty_answer');
  });

  it('goes on with the next answer after any of these', async () => {
    const model = connect(fakes.url);
    for (const kind of ['garbage', 'html', 'empty'] as const) {
      fakes.nextChat({ kind });
      await collect(model);
    }
    expect((await collect(model)).at(-1)?.kind).toBe('finished');
  });
});

describe('llm-openai before other servers', () => {
  let server: Server;
  let bodies: Record<string, unknown>[];
  let respond: (response: ServerResponse, body: Record<string, unknown>) => void;
  let baseUrl: string;

  beforeEach(async () => {
    bodies = [];
    server = createServer((incoming, response) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      incoming.on('end', () => {
        const body: Record<string, unknown> = JSON.parse(text);
        bodies.push(body);
        respond(response, body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const EVENT_STREAM = { 'content-type': 'text/event-stream' };
  const chunk = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const stream =
    (...pieces: string[]) =>
    (response: ServerResponse): void => {
      response.writeHead(200, EVENT_STREAM);
      response.end(pieces.join(''));
    };
  const status =
    (code: number, headers: IncomingHttpHeaders = {}) =>
    (response: ServerResponse): void => {
      response.writeHead(code, headers).end('{}');
    };

  it('asks once more without usage when that is refused, and remembers it', async () => {
    const answer = stream(chunk({ content: 'Hi' }), chunk({}, 'stop'), 'data: [DONE]\n\n');
    respond = (response, body) => ('stream_options' in body ? status(400)(response) : answer(response));
    const model = connect(baseUrl);
    const none = { kind: 'finished', reason: 'stop', usage: { inputTokens: 0, outputTokens: 0 } };
    expect(await collect(model)).toEqual([{ kind: 'text', text: 'Hi' }, none]);
    expect(await collect(model)).toEqual([{ kind: 'text', text: 'Hi' }, none]);
    expect(bodies.map((body) => 'stream_options' in body)).toEqual([true, false, false]);
    expect(log.lines).toHaveLength(1);
  });

  it('goes on asking for usage when something else was refused', async () => {
    respond = status(400);
    const model = connect(baseUrl);
    await collect(model);
    respond = stream(chunk({ content: 'Hi' }, 'stop'), 'data: [DONE]\n\n');
    await collect(model);
    expect(bodies.map((body) => 'stream_options' in body)).toEqual([true, false, true]);
  });

  it('names the limit of tokens as every server does, and where that is refused as newer models do', async () => {
    const answer = stream(chunk({ content: 'Hi' }, 'length'), 'data: [DONE]\n\n');
    respond = (response, body) => ('max_tokens' in body ? status(400)(response) : answer(response));
    const model = connect(baseUrl);
    expect((await collectLimited(model)).at(-1)).toMatchObject({ kind: 'finished', reason: 'length' });
    expect((await collectLimited(model)).at(-1)).toMatchObject({ kind: 'finished', reason: 'length' });
    const named = bodies.map((body) => body['max_tokens'] ?? `completion ${String(body['max_completion_tokens'])}`);
    // First with usage and without, as each refusal of a parameter may be about.
    expect(named).toEqual([12, 12, 'completion 12', 'completion 12']);
  });

  it('names it as before for others, as long as it is not known that the newer name is right', async () => {
    const answer = stream(chunk({ content: 'Hi' }, 'stop'), 'data: [DONE]\n\n');
    const held: (() => void)[] = [];
    let isFirst = true;
    respond = (response, body) => {
      if ('max_completion_tokens' in body) return void held.push(() => status(400)(response));
      if (!isFirst) return answer(response);
      if (!('stream_options' in body)) isFirst = false;
      return status(400)(response);
    };
    const model = connect(baseUrl);
    const refused = collectLimited(model);
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await collectLimited(model)).at(-1)).toMatchObject({ kind: 'finished' });
    held.shift()?.();
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    held.shift()?.();
    expect(failureOf(await refused)).toMatchObject({ kind: 'rejected' });
  });

  it('names no limit where there is none, and goes on with the first name when it was not the name', async () => {
    respond = stream(chunk({ content: 'Hi' }, 'stop'), 'data: [DONE]\n\n');
    const model = connect(baseUrl);
    await collect(model);
    await collect(model, new AbortController().signal, { maxOutputTokens: 'inf' });
    expect(bodies.flatMap((body) => Object.keys(body).filter((key) => key.startsWith('max_')))).toEqual([]);
    respond = status(400);
    expect(failureOf(await collectLimited(model))).toMatchObject({ kind: 'rejected' });
    respond = stream(chunk({ content: 'Hi' }, 'stop'), 'data: [DONE]\n\n');
    await collectLimited(model);
    expect(bodies.at(-1)).toHaveProperty('max_tokens', 12);
  });

  it('hands on what is left of the provider’s limits with the end of the answer', async () => {
    const left = {
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6ms',
    };
    respond = (response) => {
      response.writeHead(200, { ...EVENT_STREAM, ...left });
      response.end(`${chunk({ content: 'Hi' }, 'stop')}data: [DONE]\n\n`);
    };
    const rateLimits = [{ name: 'tokens', limit: 150_000, remaining: 149_984, resetSeconds: 0.006 }];
    expect((await collect(connect(baseUrl))).at(-1)).toMatchObject({ usage: { rateLimits } });
  });

  it('understands Retry-After as a date, by the server’s clock', async () => {
    const date = 'Fri, 01 Jan 2027 12:00:00 GMT';
    respond = status(429, { date, 'retry-after': 'Fri, 01 Jan 2027 12:00:30 GMT' });
    expect(failureOf(await collect(connect(baseUrl))).retryAfterMs).toBe(30_000);
    respond = status(503, { date, 'retry-after': 'Fri, 01 Jan 2027 11:00:00 GMT' });
    expect(failureOf(await collect(connect(baseUrl))).retryAfterMs).toBe(0);
    respond = status(429, { 'retry-after': 'soon' });
    expect(failureOf(await collect(connect(baseUrl))).retryAfterMs).toBeUndefined();
  });

  it('says nothing of reasoning', async () => {
    const thoughts = [{ reasoning: 'Hm.' }, { reasoning_content: 'Hm.', content: '' }, { content: null }];
    respond = stream(...thoughts.map((delta) => chunk(delta)), chunk({ content: 'Yes.' }), chunk({}, 'stop'));
    expect(textOf(await collect(connect(baseUrl)))).toBe('Yes.');
  });

  it('finishes when the stream ends after the finish reason, with or without [DONE]', async () => {
    respond = stream(chunk({ content: 'Yes.' }, 'stop'));
    expect((await collect(connect(baseUrl))).at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
  });

  it('finishes soon after the last text when the server leaves the connection open', async () => {
    respond = (response) => {
      response.writeHead(200, EVENT_STREAM);
      response.write(chunk({ content: 'Yes.' }, 'stop'));
    };
    const events = collect(connect(baseUrl));
    while (system.pendingTimers === 0) await new Promise(setImmediate);
    await system.advanceBy(250);
    expect((await events).at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
  });

  it.each(['stop', null])('does not wait for the end of the connection to say it has finished (%s)', async (reason) => {
    respond = (response) => {
      response.writeHead(200, EVENT_STREAM);
      response.write(chunk({ content: 'Yes.' }, reason) + 'data: [DONE]\n\n');
    };
    const answer = connect(baseUrl).generate(request, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await answer.next()).value).toEqual({ kind: 'text', text: 'Yes.' });
    expect((await answer.next()).value).toMatchObject({ kind: 'finished' });
    const end = answer.next();
    await system.advanceBy(250);
    expect(await end).toEqual({ done: true, value: undefined });
  });

  it('fails as cut when the stream ends in order but in mid-answer', async () => {
    respond = stream(chunk({ content: 'Well,' }));
    const events = await collect(connect(baseUrl));
    expect(textOf(events)).toBe('Well,');
    expect(failureOf(events).kind).toBe('cut');
  });

  it('fails as unavailable when the provider reports an error in mid-answer', async () => {
    respond = stream(chunk({ content: 'Well,' }), `data: {"error":{"message":"${SECRET}"}}\n\n`);
    expect(failureOf(await collect(connect(baseUrl))).kind).toBe('unavailable');
  });

  it('fails as an invalid answer when an event never ends', async () => {
    respond = (response) => {
      response.writeHead(200, EVENT_STREAM);
      response.write(`data: ${'x'.repeat(1_100_000)}`);
    };
    expect(failureOf(await collect(connect(baseUrl))).kind).toBe('invalid_answer');
  });

  it('fails as an invalid answer when JSON comes instead of a stream', async () => {
    respond = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    expect(failureOf(await collect(connect(baseUrl))).message).toContain('application/json');
  });

  it('does not follow a redirect', async () => {
    respond = status(302, { location: 'http://127.0.0.1:9/' });
    expect(failureOf(await collect(connect(baseUrl))).kind).toBe('rejected');
  });

  it('is not disturbed by a pooled connection that the server has closed', async () => {
    respond = stream(chunk({ content: 'Yes.' }, 'stop'), 'data: [DONE]\n\n');
    const model = connect(baseUrl);
    await collect(model);
    // Once the client has written to it, and not earlier: as when an idle time-out and a request cross.
    server.once('connection', () => (respond = stream(chunk({ content: 'Again.' }, 'stop'), 'data: [DONE]\n\n')));
    respond = (response) => void response.socket?.resetAndDestroy();
    expect(textOf(await collect(model))).toBe('Again.');
    expect(bodies).toHaveLength(3);
  });

  it('fails as rejected with a key that no header can carry', async () => {
    llm = createOpenAiLlm({ baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'ключ', model: 'm', log, timers: system.timers });
    expect(await collect(llm)).toMatchObject([{ kind: 'failed', failure: { kind: 'rejected' } }]);
  });

  it('fails as unavailable when nobody listens, or the name is not known', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(failureOf(await collect(connect(baseUrl)))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(failureOf(await collect(connect('http://nobody.invalid/v1'))).kind).toBe('unavailable');
  });
});
