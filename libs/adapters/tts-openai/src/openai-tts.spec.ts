import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import { systemPorts } from '@parley/adapter-system';
import {
  type FakeProviders,
  fnv1a32,
  indexedSampleAt,
  type SpeechBehaviour,
  startFakeProviders,
  voiceSamples,
} from '@parley/fakes';
import { VirtualSystem } from '@parley/harness';
import { InvariantError } from '@parley/model';
import type { TtsEvent, TtsPort } from '@parley/ports';
import { createOpenAiTts } from './openai-tts';

const TEXT = 'Good morning to all of you.';
const KEY = 'sk-test-key';

let fakes: FakeProviders;
let system: VirtualSystem;
let tts: TtsPort;

beforeEach(async () => {
  fakes = await startFakeProviders({ apiKeys: [KEY] });
  system = new VirtualSystem();
  tts = voiceAt(fakes.url);
});
afterEach(async () => {
  await tts.close();
  await fakes.close();
  expect(system.pendingTimers).toBe(0);
});

const voiceAt = (baseUrl: string, apiKey = KEY): TtsPort =>
  createOpenAiTts({ baseUrl, apiKey, model: 'tts-1', voice: 'alloy', timers: system.timers });

const synthesize = (text = TEXT, signal = new AbortController().signal): AsyncIterator<TtsEvent> =>
  tts.synthesize({ text, voice: undefined }, signal)[Symbol.asyncIterator]();

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    systemPorts.timers.after(ms, resolve);
  });

async function nextEvent(stream: AsyncIterator<TtsEvent>): Promise<TtsEvent> {
  const next = await stream.next();
  if (next.done === true) throw new InvariantError('the stream is over');
  return next.value;
}

async function collect(stream: AsyncIterator<TtsEvent>): Promise<TtsEvent[]> {
  const events: TtsEvent[] = [];
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) events.push(next.value);
  return events;
}

const pcmOf = (events: TtsEvent[]): Buffer =>
  Buffer.concat(events.map((event) => (event.kind === 'audio' ? event.pcm : new Uint8Array())));

const failureOf = (events: TtsEvent[]) => {
  const last = events.at(-1);
  return last?.kind === 'failed' ? last.failure : undefined;
};

/** The index of the first sample that is not the one the fake spoke there; -1 when all are. */
function firstWrongSample(pcm: Buffer, text: string): number {
  const hash = fnv1a32(text);
  for (let index = 0; index < pcm.length / 2; index++) {
    if (pcm.readInt16LE(index * 2) !== indexedSampleAt(hash, index)) return index;
  }
  return -1;
}

describe('the request', () => {
  it('asks for streamed PCM with model, voice and key, with and without a slash after the base URL', async () => {
    await collect(synthesize());
    tts = voiceAt(`${fakes.url}/`);
    await collect(tts.synthesize({ text: 'Hi', voice: 'nova' }, new AbortController().signal)[Symbol.asyncIterator]());
    expect(fakes.requests.map((request) => request.path)).toEqual(['/v1/audio/speech', '/v1/audio/speech']);
    expect(fakes.requests.map((request) => request.body)).toEqual([
      { model: 'tts-1', voice: 'alloy', input: TEXT, response_format: 'pcm' },
      { model: 'tts-1', voice: 'nova', input: 'Hi', response_format: 'pcm' },
    ]);
    expect(fakes.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('says the speed only where it is another than the voice’s own', async () => {
    const speak = (speed: number) =>
      collect(
        tts.synthesize({ text: 'Hi', voice: undefined, speed }, new AbortController().signal)[Symbol.asyncIterator](),
      );
    await speak(1);
    await speak(1.25);
    expect(fakes.requests.map(({ body }) => (body as { speed?: number }).speed)).toEqual([undefined, 1.25]);
  });

  it('is not sent before the first event is asked for', async () => {
    const stream = synthesize();
    await system.advanceBy(0);
    expect(fakes.requests).toHaveLength(0);
    expect(failureOf(await collect(stream))).toBeUndefined();
  });

  it('goes over the connection of the one before', async () => {
    for (let n = 0; n < 5; n++) await collect(synthesize());
    expect(fakes.requests).toHaveLength(5);
    expect(fakes.openConnections).toBe(1);
  });
});

describe('the audio', () => {
  it.each([
    ['small chunks', { chunkMs: 20 }],
    ['chunks cut in the middle of samples', { chunkMs: 20, oddChunks: true }],
    ['chunks larger than a message', { chunkMs: 3_000 }],
    ['large chunks cut in the middle of samples', { chunkMs: 1_001, oddChunks: true }],
  ])('arrives whole and in order: %s', async (_title, voice) => {
    fakes.nextSpeech({ kind: 'voice', content: 'indexed', ...voice });
    const events = await collect(synthesize());
    expect(events.at(-1)).toEqual({ kind: 'finished' });
    expect(firstWrongSample(pcmOf(events), TEXT)).toBe(-1);
    expect(pcmOf(events)).toHaveLength(voiceSamples(TEXT) * 2);
    for (const event of events) {
      if (event.kind !== 'audio') continue;
      expect(event.pcm.length % 2).toBe(0);
      expect(event.pcm.length).toBeGreaterThan(0);
      expect(event.pcm.length).toBeLessThanOrEqual(24_000);
    }
  });

  it('is passed on piece by piece while the voice still speaks', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 1, chunkMs: 20 });
    const stream = synthesize();
    const first = await stream.next();
    expect(first.value).toMatchObject({ kind: 'audio' });
    expect(fakes.requests[0]).toMatchObject({ outcome: 'running' });
    expect(fakes.requests[0]?.bytesSent).toBeLessThan(10_000);
    await stream.return?.();
  });

  it('waits at the provider while nobody asks, and comes whole afterwards', async () => {
    const text = 'A very long answer. '.repeat(100);
    fakes.nextSpeech({ kind: 'voice', content: 'indexed', chunkMs: 500 });
    const stream = synthesize(text);
    const first = await nextEvent(stream);
    const sent = await settledBytes();
    expect(sent).toBeLessThan(voiceSamples(text) * 2);
    const rest = await collect(stream);
    const pcm = pcmOf([first, ...rest]);
    expect(pcm).toHaveLength(voiceSamples(text) * 2);
    expect(firstWrongSample(pcm, text)).toBe(-1);
  });

  /** What the fake has sent once it does not get on any more. */
  async function settledBytes(): Promise<number> {
    for (let before = -1; ;) {
      const now = fakes.requests[0]?.bytesSent ?? 0;
      if (now === before) return now;
      before = now;
      await pause(50);
    }
  }
});

describe('failures', () => {
  const status = (code: number, more: object = {}): SpeechBehaviour => ({
    kind: 'status',
    status: code,
    code: null,
    message: 'no',
    ...more,
  });

  it.each<[string, SpeechBehaviour, object]>([
    ['401', status(401), { kind: 'unauthorized' }],
    ['403', status(403), { kind: 'unauthorized' }],
    ['429', status(429, { retryAfterSeconds: 7 }), { kind: 'rate_limited', retryAfterMs: 7_000 }],
    ['400', status(400), { kind: 'rejected' }],
    ['404', status(404), { kind: 'rejected' }],
    ['302', status(302), { kind: 'rejected' }],
    ['500', status(500), { kind: 'unavailable' }],
    ['503 with a time', status(503, { retryAfterSeconds: 1 }), { kind: 'unavailable', retryAfterMs: 1_000 }],
    ['a JSON body', { kind: 'garbage', body: 'json' }, { kind: 'invalid_answer' }],
    ['a web page', { kind: 'garbage', body: 'html' }, { kind: 'invalid_answer' }],
    ['no byte', { kind: 'empty' }, { kind: 'empty_answer' }],
    ['a hang-up before the answer', { kind: 'cut', afterBytes: 0, beforeHeaders: true }, { kind: 'unavailable' }],
    ['a hang-up before the first byte', { kind: 'cut', afterBytes: 0 }, { kind: 'cut' }],
  ])('are values: %s', async (_title, behaviour, failure) => {
    fakes.nextSpeech(behaviour);
    const events = await collect(synthesize());
    expect(events).toHaveLength(1);
    expect(failureOf(events)).toMatchObject(failure);
    expect(failureOf(events)?.message).not.toContain(KEY);
    // The next request is not touched by it.
    expect((await collect(synthesize())).at(-1)).toEqual({ kind: 'finished' });
  });

  it('is a cut when the answer breaks off, after the audio that came', async () => {
    fakes.nextSpeech({ kind: 'cut', afterBytes: 4_801, voice: { content: 'indexed' } });
    const events = await collect(synthesize());
    expect(failureOf(events)?.kind).toBe('cut');
    expect(pcmOf(events)).toHaveLength(4_800);
    expect(firstWrongSample(pcmOf(events), TEXT)).toBe(-1);
  });

  it('is a refused key when the key is wrong', async () => {
    tts = voiceAt(fakes.url, 'sk-wrong');
    expect(failureOf(await collect(synthesize()))?.kind).toBe('unauthorized');
  });

  it('is unavailable when nobody listens', async () => {
    const gone = await startFakeProviders();
    await gone.close();
    tts = voiceAt(gone.url);
    expect(failureOf(await collect(synthesize()))?.kind).toBe('unavailable');
  });

  it.each<[string, SpeechBehaviour, number]>([
    ['before the status line', { kind: 'stall', afterBytes: 0, beforeHeaders: true }, 0],
    ['before the first byte', { kind: 'stall', afterBytes: 0 }, 0],
    ['in the middle of a sample', { kind: 'stall', afterBytes: 4_801 }, 4_800],
  ])('is a timeout when the voice falls silent %s', async (_title, behaviour, heardBytes) => {
    fakes.nextSpeech(behaviour);
    const stream = synthesize();
    const heard: TtsEvent[] = [];
    while (pcmOf(heard).length < heardBytes) heard.push(await nextEvent(stream));
    const next = stream.next();
    await fakes.waitForRequest(
      (request) => request.bytesSent >= ('afterBytes' in behaviour ? behaviour.afterBytes : 0),
      5_000,
    );
    await pause(50);
    await system.advanceBy(3_999);
    expect(fakes.requests[0]?.outcome).toBe('running');
    await system.advanceBy(1);
    expect((await next).value).toMatchObject({ kind: 'failed', failure: { kind: 'timeout' } });
    expect((await stream.next()).done).toBe(true);
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 5_000);
  });

  it('does not count the time in which nobody asks as silence', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 10 });
    const stream = synthesize();
    await stream.next();
    await system.advanceBy(60_000);
    expect((await collect(stream)).at(-1)).toEqual({ kind: 'finished' });
  });

  it('is a cut for what still runs when the voice is closed', async () => {
    fakes.nextSpeech({ kind: 'stall', afterBytes: 960 });
    const stream = synthesize();
    await stream.next();
    const next = stream.next();
    await tts.close();
    expect((await next).value).toMatchObject({ kind: 'failed', failure: { kind: 'cut' } });
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 5_000);
  });
});

describe('a server that closes kept connections', () => {
  let server: Server;
  let served = 0;

  beforeEach(async () => {
    served = 0;
    // Answers the first request of a connection and destroys it on the second: what a race with an idle timeout looks like.
    const seen = new WeakSet<object>();
    server = createServer((request, response) => {
      if (seen.has(request.socket)) {
        request.socket.resetAndDestroy();
        return;
      }
      seen.add(request.socket);
      served++;
      request.resume();
      response.writeHead(200, { 'content-type': 'audio/pcm' });
      response.end(Buffer.alloc(960, 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await tts.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('costs no synthesis: the request goes out again on a new one', async () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new InvariantError('the server does not listen');
    tts = voiceAt(`http://127.0.0.1:${address.port}/v1`);
    for (let n = 0; n < 3; n++) expect((await collect(synthesize())).at(-1)).toEqual({ kind: 'finished' });
    expect(served).toBe(3);
  });
});

describe('an abort', () => {
  it('before the first event sends nothing', async () => {
    const controller = new AbortController();
    controller.abort();
    expect(await collect(synthesize(TEXT, controller.signal))).toEqual([]);
    expect(fakes.requests).toHaveLength(0);
  });

  it('ends a waiting consumer without an event, and the request', async () => {
    fakes.nextSpeech({ kind: 'stall', afterBytes: 960 });
    const controller = new AbortController();
    const stream = synthesize(TEXT, controller.signal);
    await stream.next();
    const waiting = stream.next();
    controller.abort();
    expect((await waiting).done).toBe(true);
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 5_000);
    expect(system.pendingTimers).toBe(0);
  });

  it('yields nothing of what was read ahead', async () => {
    const controller = new AbortController();
    const stream = synthesize('A long answer. '.repeat(100), controller.signal);
    await stream.next();
    await pause(30);
    controller.abort();
    expect((await stream.next()).done).toBe(true);
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 5_000);
  });

  it('is listened for no longer than the stream lives', async () => {
    const { signal } = new AbortController();
    await collect(synthesize(TEXT, signal));
    fakes.nextSpeech({ kind: 'cut', afterBytes: 480 });
    await collect(synthesize(TEXT, signal));
    await synthesize(TEXT, signal).return?.();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('by leaving the loop ends the request too', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 1 });
    for await (const event of tts.synthesize({ text: TEXT, voice: undefined }, new AbortController().signal)) {
      expect(event.kind).toBe('audio');
      break;
    }
    await fakes.waitForRequest((request) => request.outcome === 'aborted', 5_000);
  });
});

describe('a voice that the server does not know', () => {
  const refusal = (status: number) => ({ kind: 'status', status, code: null, message: 'Refused.' }) as const;
  const speak = (voice: string | undefined): Promise<TtsEvent[]> =>
    collect(tts.synthesize({ text: TEXT, voice }, new AbortController().signal)[Symbol.asyncIterator]());
  const voices = (): unknown[] => fakes.requests.map(({ body }) => (body as { voice: unknown }).voice);
  const refuse = (unknown: string) =>
    fakes.speechRule(({ body }) => ((body as { voice: unknown }).voice === unknown ? refusal(400) : undefined));

  beforeEach(() => fakes.setDefaultSpeech({ kind: 'voice', content: 'indexed' }));

  it('speaks in the configured one, and the server is asked for the other once', async () => {
    refuse('marin');
    for (let n = 0; n < 2; n++) {
      const events = await speak('marin');
      expect(events.at(-1)).toEqual({ kind: 'finished' });
      expect(firstWrongSample(pcmOf(events), TEXT)).toBe(-1);
    }
    await speak('nova');
    expect(voices()).toEqual(['marin', 'alloy', 'alloy', 'nova']);
    expect(fakes.openConnections).toBeLessThanOrEqual(2);
  });

  it('is refused where the configured one is refused as well: it was not the voice', async () => {
    fakes.speechRule(() => refusal(400));
    expect(failureOf(await speak('marin'))).toMatchObject({ kind: 'rejected' });
    expect(failureOf(await speak(undefined))).toMatchObject({ kind: 'rejected' });
    expect(voices()).toEqual(['marin', 'alloy', 'alloy']);
  });

  it('is no reason to ask again where the server was busy, or is gone', async () => {
    fakes.speechRule(() => refusal(503));
    expect(failureOf(await speak('marin'))).toMatchObject({ kind: 'unavailable' });
    expect(voices()).toEqual(['marin']);
  });

  it('holds no connection to a server whose refusal never ends', async () => {
    let refusedIsOpen = true;
    const server = createServer((request, response) => {
      request.setEncoding('utf8').once('data', (body: string) => {
        if (body.includes('marin')) {
          response.on('close', () => (refusedIsOpen = false));
          response.writeHead(400, { 'content-type': 'application/json' }).write('{');
        } else response.writeHead(200, { 'content-type': 'audio/pcm' }).end(Buffer.alloc(480));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new InvariantError('no port');
    tts = voiceAt(`http://127.0.0.1:${address.port}/v1`);
    expect((await speak('marin')).at(-1)).toEqual({ kind: 'finished' });
    await pause(50);
    expect(refusedIsOpen).toBe(false);
    server.close();
    server.closeAllConnections();
  });
});
