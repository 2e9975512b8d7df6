import { defaultChatText } from './default-answer';
import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import { HEADERS, MESSAGES, chunksOf, eventsOf, eventually, openChat, pauseMs, streamedText } from './spec-client';

let fakes: FakeProviders;

beforeEach(async () => {
  fakes = await startFakeProviders();
});

afterEach(() => fakes.close());

const ask = (body: object = {}): Promise<Response> =>
  fetch(`${fakes.url}/chat/completions`, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify({ model: 'm', messages: MESSAGES, ...body }),
  });

describe('an answer', () => {
  it('streams the role first, then the text, then the finish reason, then [DONE]', async () => {
    fakes.nextChat({ kind: 'answer', text: 'One two  three.\nFour ' });
    const exchange = await openChat(fakes);
    expect(await exchange.ended).toBe('end');
    expect(exchange.response.headers['content-type']).toContain('text/event-stream');
    const chunks = chunksOf(exchange);
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta.content);
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: '' });
    expect(deltas.slice(1, -1)).toEqual(['One', ' two', '  three.', '\nFour', ' ']);
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter((reason) => reason !== null)).toEqual([
      'stop',
    ]);
    expect(chunks.every((chunk) => chunk.object === 'chat.completion.chunk' && chunk.model === 'm')).toBe(true);
    expect(eventsOf(exchange).at(-1)).toBe('[DONE]');
  });

  it('by default quotes the user in several sentences, the same every time', async () => {
    const [first, second] = [await openChat(fakes), await openChat(fakes)];
    await Promise.all([first.ended, second.ended]);
    expect(streamedText(first)).toBe(defaultChatText(MESSAGES));
    expect(streamedText(second)).toBe(streamedText(first));
    expect(streamedText(first)).toContain('Hello there');
    expect(streamedText(first).split(/[.?!] /).length).toBeGreaterThan(2);
    expect(defaultChatText([])).not.toBe('');
  });

  it('is made from the messages when the text is a function', async () => {
    fakes.nextChat({ kind: 'answer', text: (messages) => `${messages.length} message, ${messages[0]?.role}` });
    const exchange = await openChat(fakes);
    await exchange.ended;
    expect(streamedText(exchange)).toBe('1 message, user');
  });

  it('is cut into tokens of the asked number of characters, never inside one', async () => {
    fakes.nextChat({ kind: 'answer', text: 'ab😀cd', tokenChars: 3 });
    const exchange = await openChat(fakes);
    await exchange.ended;
    const contents = chunksOf(exchange).map((chunk) => chunk.choices[0]?.delta.content);
    expect(contents.slice(1, -1)).toEqual(['ab😀', 'cd']);
  });

  it('sends headers and role at once, the first token and each later one after its delay', async () => {
    fakes.nextChat({ kind: 'answer', text: 'a b c', firstTokenDelayMs: 150, tokenDelayMs: 40 });
    const startMs = performance.now();
    const exchange = await openChat(fakes);
    await eventually(() => chunksOf(exchange).length === 1, 'the role has arrived');
    await exchange.ended;
    const tokenAtMs = exchange.pieceAtMs.slice(1, 4).map((atMs) => atMs - startMs);
    expect(tokenAtMs[0]).toBeGreaterThanOrEqual(149);
    expect(tokenAtMs[1]).toBeGreaterThanOrEqual(189);
    expect(tokenAtMs[2]).toBeGreaterThanOrEqual(229);
  });
});

describe('the end of an answer', () => {
  it('reports usage in a chunk of its own, only when it was asked for', async () => {
    const asked = await openChat(fakes, { stream_options: { include_usage: true } });
    await asked.ended;
    const chunks = chunksOf(asked);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) as number } });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    const notAsked = await openChat(fakes);
    await notAsked.ended;
    expect(chunksOf(notAsked).every((chunk) => chunk.usage === undefined)).toBe(true);
  });

  it('reports the usage and the finish reason it was given', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    fakes.nextChat({ kind: 'answer', text: 'Long', usage, finishReason: 'length' });
    const exchange = await openChat(fakes, { stream_options: { include_usage: true } });
    await exchange.ended;
    expect(chunksOf(exchange).at(-1)?.usage).toEqual(usage);
    expect(chunksOf(exchange).at(-2)?.choices[0]?.finish_reason).toBe('length');
  });

  it('comes whole, with usage, when the request does not stream', async () => {
    fakes.nextChat({ kind: 'answer', text: 'Whole answer.', firstTokenDelayMs: 20, tokenDelayMs: 20 });
    const startMs = performance.now();
    const response = await ask();
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Whole answer.' }, finish_reason: 'stop' }],
      usage: { completion_tokens: 2 },
    });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(39);
  });
});

describe('a stall', () => {
  it('stops after its tokens, keeps the socket open, and is aborted when the client gives up', async () => {
    fakes.nextChat({ kind: 'stall', afterTokens: 2, text: 'one two three four' });
    const exchange = await openChat(fakes);
    await eventually(() => streamedText(exchange) === 'one two', 'two tokens have arrived');
    await pauseMs(50);
    expect(streamedText(exchange)).toBe('one two');
    expect(fakes.requests[0]?.outcome).toBe('running');
    expect(fakes.openConnections).toBe(1);
    exchange.request.destroy();
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 2_000);
  });

  it('can withhold even the status line', async () => {
    fakes.nextChat({ kind: 'stall', afterTokens: 0, text: 'x', beforeHeaders: true });
    const answered = jest.fn();
    openChat(fakes).then(answered, () => undefined);
    await fakes.waitForRequest((request) => request.outcome === 'running', 2_000);
    await pauseMs(50);
    expect(answered).not.toHaveBeenCalled();
    expect(fakes.requests[0]?.bytesSent).toBe(0);
  });

  it('leaves a request that does not stream without an answer', async () => {
    fakes.nextChat({ kind: 'stall', afterTokens: 1, text: 'one two' });
    const answered = jest.fn();
    openChat(fakes, { stream: false }).then(answered, () => undefined);
    await fakes.waitForRequest((request) => request.outcome === 'running', 2_000);
    await pauseMs(50);
    expect(answered).not.toHaveBeenCalled();
  });
});

describe('a cut', () => {
  it('delivers its tokens and then destroys the socket', async () => {
    fakes.nextChat({ kind: 'cut', afterTokens: 3, text: 'one two three four' });
    const exchange = await openChat(fakes);
    expect(await exchange.ended).toBe('cut');
    expect(streamedText(exchange)).toBe('one two three');
    expect(eventsOf(exchange)).not.toContain('[DONE]');
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 2_000);
  });

  it('can hang up before the status line', async () => {
    fakes.nextChat({ kind: 'cut', afterTokens: 0, text: 'x', beforeHeaders: true });
    await expect(openChat(fakes)).rejects.toThrow('socket hang up');
  });

  it('hangs up on a request that does not stream', async () => {
    fakes.nextChat({ kind: 'cut', afterTokens: 1, text: 'one two' });
    await expect(openChat(fakes, { stream: false })).rejects.toThrow('socket hang up');
  });
});

describe('a status', () => {
  it('answers 429 with Retry-After and the error body of the provider', async () => {
    const [code, message] = ['rate_limit_exceeded', 'Slow down'];
    fakes.nextChat({ kind: 'status', status: 429, code, message, retryAfterSeconds: 7 });
    const response = await ask({ stream: true });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await response.json()).toEqual({ error: { message, type: 'requests', param: null, code } });
    expect(fakes.requests[0]?.outcome).toBe('refused');
  });

  it.each([
    [401, 'invalid_api_key', 'invalid_request_error'],
    [500, null, 'server_error'],
    [503, 'overloaded', 'server_error'],
  ])('answers %i with code %s and type %s', async (status, code, type) => {
    fakes.nextChat({ kind: 'status', status, code, message: 'No' });
    const response = await ask();
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBeNull();
    expect(await response.json()).toEqual({ error: { message: 'No', type, param: null, code } });
  });

  it('takes a type of its own', async () => {
    const code = 'insufficient_quota';
    fakes.nextChat({ kind: 'status', status: 429, code, type: code, message: 'Pay' });
    expect(await (await ask()).json()).toMatchObject({ error: { type: code, code } });
  });
});

describe('answers that are none', () => {
  it('garbage is an event stream without JSON', async () => {
    fakes.nextChat({ kind: 'garbage' });
    const exchange = await openChat(fakes);
    await exchange.ended;
    expect(exchange.response.headers['content-type']).toContain('text/event-stream');
    for (const event of eventsOf(exchange)) expect(() => JSON.parse(event) as unknown).toThrow();
  });

  it('garbage is broken JSON for a request that does not stream', async () => {
    fakes.nextChat({ kind: 'garbage' });
    const response = await ask();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    await expect(response.json()).rejects.toThrow('JSON');
  });

  it('html is a page with status 200', async () => {
    fakes.nextChat({ kind: 'html' });
    const response = await ask({ stream: true });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('<html>');
  });

  it('empty finishes with stop and no content', async () => {
    fakes.nextChat({ kind: 'empty' });
    const exchange = await openChat(fakes);
    expect(await exchange.ended).toBe('end');
    expect(streamedText(exchange)).toBe('');
    expect(chunksOf(exchange).at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(eventsOf(exchange).at(-1)).toBe('[DONE]');
  });
});
