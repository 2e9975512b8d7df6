import { connect } from 'node:net';
import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import {
  HEADERS,
  MESSAGES,
  eventually,
  openChat,
  openSpeech,
  pauseMs,
  received,
  samplesOf,
  streamedText,
} from './spec-client';
import type { Exchange } from './spec-client';
import { fnv1a32 } from './fnv1a';
import { indexedSampleAt } from './indexed-pcm';

let fakes: FakeProviders;

beforeEach(async () => {
  fakes = await startFakeProviders();
});

afterEach(() => fakes.close());

const says = (content: string): object => ({ messages: [{ role: 'user', content }] });

async function textFor(content: string): Promise<string> {
  const exchange = await openChat(fakes, says(content));
  await exchange.ended;
  return streamedText(exchange);
}

describe('the address', () => {
  it('is a loopback URL with a free port', () => {
    expect(fakes.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(fakes.url).toBe(`${fakes.origin}/v1`);
  });

  it('is the port asked for, and a port in use is an error', async () => {
    const port = Number(new URL(fakes.origin).port);
    await expect(startFakeProviders({ port })).rejects.toThrow('EADDRINUSE');
    await fakes.close();
    const again = await startFakeProviders({ port });
    expect(again.origin).toBe(fakes.origin);
    await again.close();
  });
});

describe('the record of requests', () => {
  it('names the port that asked', async () => {
    const chat = await openChat(fakes);
    expect(fakes.requests[0]?.clientPort).toBe(chat.response.socket.localPort);
    await chat.ended;
  });

  it('holds chat and speech in order, with headers, body, text, bytes and outcome', async () => {
    const beforeMs = Date.now();
    const chat = await openChat(fakes);
    await chat.ended;
    const speech = await openSpeech(fakes, 'Speak this.');
    await speech.ended;
    await fakes.waitForRequest(({ kind, outcome }) => kind === 'speech' && outcome === 'completed', 2_000);
    const [first, second] = fakes.requests;
    expect(first).toMatchObject({
      kind: 'chat',
      path: '/v1/chat/completions',
      outcome: 'completed',
      text: 'Hello there',
    });
    expect(first?.headers.authorization).toBe(HEADERS.authorization);
    expect(first?.body).toEqual({ model: 'm', messages: MESSAGES, stream: true });
    expect(first?.bytesSent).toBe(received(chat).length);
    expect(first?.atMs).toBeGreaterThanOrEqual(beforeMs);
    expect(second).toMatchObject({
      kind: 'speech',
      path: '/v1/audio/speech',
      outcome: 'completed',
      text: 'Speak this.',
    });
    expect(second?.bytesSent).toBe(received(speech).length);
  });

  it('leaves out a request whose client left before the end of its body', async () => {
    const socket = connect(Number(new URL(fakes.origin).port), '127.0.0.1');
    socket.write('POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"model"');
    await eventually(() => fakes.openConnections === 1, 'connected');
    await pauseMs(20);
    socket.destroy();
    await eventually(() => fakes.openConnections === 0, 'disconnected');
    expect(fakes.requests).toHaveLength(0);
  });
});

describe('the choice of a behaviour', () => {
  it('is the queue in its order, then the rules in theirs, then the default', async () => {
    fakes.setDefaultChat({ kind: 'answer', text: 'default' });
    fakes.chatRule(({ text }) => (text.includes('rule') ? { kind: 'answer', text: 'first rule' } : undefined));
    fakes.chatRule(({ text }) => (text.includes('rule') ? { kind: 'answer', text: 'second rule' } : undefined));
    fakes.nextChat({ kind: 'answer', text: 'queued one' });
    fakes.nextChat({ kind: 'answer', text: 'queued two' });
    expect(await textFor('rule')).toBe('queued one');
    expect(await textFor('other')).toBe('queued two');
    expect(await textFor('rule')).toBe('first rule');
    expect(await textFor('other')).toBe('default');
  });

  it('knows a rule no more after its removal', async () => {
    const remove = fakes.chatRule(() => ({ kind: 'answer', text: 'ruled' }));
    expect(await textFor('x')).toBe('ruled');
    remove();
    expect(await textFor('x')).not.toBe('ruled');
  });

  it('is separate for speech, whose rules see the request', async () => {
    fakes.speechRule(({ text, headers, body }) =>
      text === 'Fail.' && headers.authorization === HEADERS.authorization && body.voice === 'v'
        ? { kind: 'empty' }
        : undefined,
    );
    const [failing, usual] = [await openSpeech(fakes, 'Fail.'), await openSpeech(fakes, 'Work.')];
    await Promise.all([failing.ended, usual.ended]);
    expect(received(failing)).toHaveLength(0);
    expect(received(usual).length).toBeGreaterThan(0);
  });

  it('that throws fails its own request with 500 and says why', async () => {
    fakes.chatRule(() => {
      throw new Error('mistake in the test');
    });
    const exchange = await openChat(fakes);
    await exchange.ended;
    expect(exchange.response.statusCode).toBe(500);
    expect(received(exchange).toString()).toContain('mistake in the test');
    expect((await openSpeech(fakes, 'Still here.')).response.statusCode).toBe(200);
  });
});

describe('waiting for a request', () => {
  it('resolves with one that has already come', async () => {
    await textFor('early');
    expect((await fakes.waitForRequest(({ text }) => text === 'early', 1)).text).toBe('early');
  });

  it('resolves with one that comes later, and when its outcome changes', async () => {
    const arrival = fakes.waitForRequest(({ text }) => text === 'late', 2_000);
    const completion = fakes.waitForRequest(({ text, outcome }) => text === 'late' && outcome === 'completed', 2_000);
    await textFor('late');
    expect(await arrival).toBe(await completion);
  });

  it('rejects after its timeout and names what was recorded', async () => {
    await textFor('something else');
    const wait = fakes.waitForRequest(({ text }) => text === 'never', 20);
    await expect(wait).rejects.toThrow(/within 20 ms; recorded: chat completed "something else"/);
  });

  it('rejects when its predicate throws, and harms no request', async () => {
    const wait = fakes.waitForRequest(() => {
      throw new Error('mistake in the predicate');
    }, 2_000);
    const rejection = expect(wait).rejects.toThrow('mistake in the predicate');
    expect(await textFor('unharmed')).toContain('unharmed');
    await rejection;
  });

  it('rejects when the server is closed', async () => {
    const rejection = expect(fakes.waitForRequest(() => false, 60_000)).rejects.toThrow('closed');
    await fakes.close();
    await rejection;
    await expect(fakes.waitForRequest(() => true, 60_000)).rejects.toThrow('closed');
  });
});

describe('closing', () => {
  it('destroys running, stalled and idle connections and records running requests as aborted', async () => {
    fakes.nextChat({ kind: 'stall', afterTokens: 1, text: 'one two' });
    fakes.nextSpeech({ kind: 'voice', pace: 1 });
    const exchanges = [await openChat(fakes), await openSpeech(fakes, 'A long sentence, spoken in real time.')];
    await (await fetch(fakes.url)).text();
    expect(fakes.openConnections).toBeGreaterThanOrEqual(3);
    await fakes.close();
    expect(await Promise.all(exchanges.map(({ ended }) => ended))).toEqual(['cut', 'cut']);
    expect(fakes.openConnections).toBe(0);
    await eventually(() => fakes.requests.every(({ outcome }) => outcome === 'aborted'), 'all are aborted');
  });

  it('may be asked for twice and refuses new connections', async () => {
    await Promise.all([fakes.close(), fakes.close()]);
    await expect(openChat(fakes)).rejects.toThrow('ECONNREFUSED');
  });

  it('leaves no timer, server or socket open', async () => {
    const handles = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /^(Timeout|Immediate|TCPServerWrap|TCPSocketWrap)$/.test(name));
    await fakes.close();
    await pauseMs(50);
    const before = handles().length;
    const own = await startFakeProviders();
    own.setDefaultChat({ kind: 'answer', text: 'a b c', tokenDelayMs: 60_000 });
    own.setDefaultSpeech({ kind: 'voice', firstByteDelayMs: 60_000 });
    const exchanges = [await openChat(own), await openSpeech(own, 'Hi')];
    own.waitForRequest(() => false, 60_000).catch(() => undefined);
    expect(handles().length).toBeGreaterThan(before);
    await own.close();
    await Promise.all(exchanges.map(({ ended }) => ended));
    // The client's own ends of the sockets need a moment; a wait of 60 s would not go away by itself.
    await eventually(() => handles().length <= before, 'every handle is gone');
  });
});

describe('two hundred voices in real time', () => {
  it('arrive whole, unmixed, never early and within a few seconds', async () => {
    fakes.setDefaultSpeech({ kind: 'voice', content: 'indexed', pace: 1 });
    const texts = Array.from({ length: 200 }, (_, index) => `Voice number ${String(index).padStart(3, '0')}`);
    const startMs = performance.now();
    const exchanges = await Promise.all(texts.map((text) => openSpeech(fakes, text)));
    await Promise.all(exchanges.map(({ ended }) => ended));
    const elapsedMs = performance.now() - startMs;
    const isWhole = (exchange: Exchange, text: string): boolean => {
      const [pcm, textHash] = [samplesOf(received(exchange)), fnv1a32(text)];
      return pcm.length === text.length * 1_440 && pcm.every((level, at) => level === indexedSampleAt(textHash, at));
    };
    expect(exchanges.every((exchange, index) => isWhole(exchange, texts[index] ?? ''))).toBe(true);
    // 16 characters are 960 ms; the rest is connecting 200 sockets on a busy machine.
    expect(elapsedMs).toBeGreaterThanOrEqual(930);
    expect(elapsedMs).toBeLessThan(10_000);
  }, 30_000);
});
