import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import { fnv1a32 } from './fnv1a';
import { indexedSampleAt, readIndexedSamples } from './indexed-pcm';
import { eventually, openSpeech, pauseMs, received, samplesOf } from './spec-client';
import { DEFAULT_SAMPLES_PER_CHARACTER, voicePcm, voiceSamples } from './voice-pcm';

const INPUT = 'Ten chars.';
const DEFAULT_BYTES = INPUT.length * DEFAULT_SAMPLES_PER_CHARACTER * 2;

let fakes: FakeProviders;

beforeEach(async () => {
  fakes = await startFakeProviders();
});

afterEach(() => fakes.close());

describe('a voice', () => {
  it('by default is a tone of 1440 samples per character, as chunked audio/pcm', async () => {
    const exchange = await openSpeech(fakes, INPUT);
    expect(await exchange.ended).toBe('end');
    expect(exchange.response.headers['content-type']).toBe('audio/pcm');
    expect(exchange.response.headers['transfer-encoding']).toBe('chunked');
    expect(received(exchange)).toHaveLength(DEFAULT_BYTES);
    const whole = samplesOf(voicePcm(INPUT, {}).render(0, DEFAULT_BYTES / 2));
    const differences = samplesOf(received(exchange)).map((level, index) => Math.abs(level - (whole[index] ?? 0)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  it('has as many samples as can be computed from outside, at least one', async () => {
    fakes.nextSpeech({ kind: 'voice', samplesPerCharacter: 333 });
    fakes.nextSpeech({ kind: 'voice', samplesPerCharacter: 0 });
    const [first, second] = [await openSpeech(fakes, INPUT), await openSpeech(fakes, INPUT)];
    await Promise.all([first.ended, second.ended]);
    expect(received(first)).toHaveLength(voiceSamples(INPUT, 333) * 2);
    expect(received(second)).toHaveLength(2);
  });

  it('with indexed content says of every sample which text and which sample it is', async () => {
    fakes.nextSpeech({ kind: 'voice', content: 'indexed' });
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    const pcm = samplesOf(received(exchange));
    const textHash = fnv1a32(INPUT);
    expect(readIndexedSamples(pcm, 5_001)).toEqual({ textHash, sampleIndex: 5_001 });
    expect(pcm.every((level, index) => level === indexedSampleAt(textHash, index))).toBe(true);
  });
});

describe('the chunks of a voice', () => {
  it('sends chunks of 20 ms, or as asked', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 10 });
    fakes.nextSpeech({ kind: 'voice', pace: 10, chunkMs: 100 });
    const [usual, large] = [await openSpeech(fakes, INPUT), await openSpeech(fakes, INPUT)];
    await Promise.all([usual.ended, large.ended]);
    expect(new Set(usual.pieces.map((piece) => piece.length))).toEqual(new Set([960]));
    expect(new Set(large.pieces.map((piece) => piece.length))).toEqual(new Set([4_800]));
  });

  it('ends every chunk but the last in the middle of a sample when chunks are odd', async () => {
    fakes.nextSpeech({ kind: 'voice', content: 'indexed', oddChunks: true, pace: 10 });
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    let offsetBytes = 0;
    const boundaries = exchange.pieces.map((piece) => (offsetBytes += piece.length));
    expect(boundaries.pop()).toBe(DEFAULT_BYTES);
    expect(boundaries.length).toBeGreaterThan(10);
    expect(boundaries.every((boundary) => boundary % 2 === 1)).toBe(true);
    const pcm = samplesOf(received(exchange));
    expect(pcm.every((level, index) => level === indexedSampleAt(fnv1a32(INPUT), index))).toBe(true);
  });

  it('sends each chunk no earlier than its place in real time, and does not drift', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 2, samplesPerCharacter: 1_440 });
    const startMs = performance.now();
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    const earlyMs = exchange.pieceAtMs.map((atMs, index) => startMs + index * 10 - atMs);
    expect(exchange.pieces).toHaveLength(30);
    expect(Math.max(...earlyMs)).toBeLessThanOrEqual(1);
    expect(performance.now() - startMs).toBeLessThan(290 + 1_000);
  });

  it('lets a head start leave at once and paces what follows from there', async () => {
    fakes.nextSpeech({ kind: 'voice', pace: 2, samplesPerCharacter: 1_440, headStartMs: 200 });
    const startMs = performance.now();
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    const earlyMs = exchange.pieceAtMs.map((atMs, index) => startMs + index * 10 - 100 - atMs);
    expect(exchange.pieces).toHaveLength(30);
    expect(Math.max(...earlyMs)).toBeLessThanOrEqual(1);
    expect(exchange.pieceAtMs[29] ?? 0).toBeLessThan(startMs + 190 + 90);
  });

  it('sends headers at once and the first byte after its delay', async () => {
    fakes.nextSpeech({ kind: 'voice', firstByteDelayMs: 120 });
    const startMs = performance.now();
    const exchange = await openSpeech(fakes, INPUT);
    expect(exchange.pieces).toHaveLength(0);
    await exchange.ended;
    expect((exchange.pieceAtMs[0] ?? 0) - startMs).toBeGreaterThanOrEqual(119);
  });

  it('puts a header before the same samples when wav is asked for', async () => {
    fakes.setDefaultSpeech({ kind: 'voice', content: 'indexed' });
    const exchange = await openSpeech(fakes, INPUT, { response_format: 'wav' });
    await exchange.ended;
    expect(exchange.response.headers['content-type']).toBe('audio/wav');
    expect(received(exchange).toString('latin1', 0, 4)).toBe('RIFF');
    expect(received(exchange)).toHaveLength(44 + DEFAULT_BYTES);
    expect(readIndexedSamples(samplesOf(received(exchange).subarray(44)))?.sampleIndex).toBe(0);
  });

  it('takes a voice object with an id', async () => {
    const exchange = await openSpeech(fakes, INPUT, { voice: { id: 'voice_1' } });
    expect(exchange.response.statusCode).toBe(200);
    await exchange.ended;
  });
});

describe('backpressure', () => {
  const LONG_INPUT = 'x'.repeat(4_000);

  it('stops an unpaced voice while its client does not read, and loses nothing when it reads again', async () => {
    fakes.nextSpeech({ kind: 'voice', content: 'indexed' });
    const exchange = await openSpeech(fakes, LONG_INPUT);
    exchange.response.pause();
    const sentBytes = (): number => fakes.requests[0]?.bytesSent ?? 0;
    let beforeBytes = -1;
    await eventually(() => {
      const isQuiet = sentBytes() === beforeBytes && sentBytes() > 0;
      beforeBytes = sentBytes();
      return isQuiet;
    }, 'the server has stopped sending');
    await pauseMs(50);
    expect(sentBytes()).toBe(beforeBytes);
    expect(sentBytes()).toBeLessThan(LONG_INPUT.length * DEFAULT_SAMPLES_PER_CHARACTER * 2);
    exchange.response.resume();
    expect(await exchange.ended).toBe('end');
    const pcm = samplesOf(received(exchange));
    expect(pcm).toHaveLength(LONG_INPUT.length * DEFAULT_SAMPLES_PER_CHARACTER);
    const textHash = fnv1a32(LONG_INPUT);
    expect(pcm.findIndex((level, index) => level !== indexedSampleAt(textHash, index))).toBe(-1);
  }, 30_000);

  it('gives other streams a turn at least every 64 kB, however fast the client reads', async () => {
    let turns = 0;
    let next = setImmediate(function count() {
      turns += 1;
      next = setImmediate(count);
    });
    const exchange = await openSpeech(fakes, LONG_INPUT);
    await exchange.ended;
    clearImmediate(next);
    // 64 kB and the rest of a chunk.
    expect(turns).toBeGreaterThan(received(exchange).length / 70_000);
  });
});

describe('a client that disconnects', () => {
  it.each([1, 'unpaced'] as const)('stops the voice (pace %s) and is recorded as aborted', async (pace) => {
    fakes.nextSpeech({ kind: 'voice', pace });
    const exchange = await openSpeech(fakes, 'x'.repeat(4_000));
    if (pace === 'unpaced') exchange.response.pause();
    await fakes.waitForRequest((request) => request.bytesSent > 2_000, 2_000);
    exchange.request.destroy();
    const record = await fakes.waitForRequest((request) => request.outcome === 'aborted', 2_000);
    const { bytesSent } = record;
    await pauseMs(60);
    expect(record.bytesSent).toBe(bytesSent);
    expect(record.endedAtMs).toBeGreaterThanOrEqual(record.atMs);
    expect(fakes.openConnections).toBe(0);
  });
});

describe('a stall', () => {
  it('stops after its bytes, an odd number too, and keeps the socket open', async () => {
    fakes.nextSpeech({ kind: 'stall', afterBytes: 4_001, voice: { content: 'indexed' } });
    const exchange = await openSpeech(fakes, INPUT);
    await eventually(() => received(exchange).length === 4_001, 'all bytes have arrived');
    await pauseMs(50);
    expect(received(exchange)).toHaveLength(4_001);
    expect(readIndexedSamples(samplesOf(received(exchange)))?.sampleIndex).toBe(0);
    expect([fakes.requests[0]?.outcome, fakes.openConnections]).toEqual(['running', 1]);
  });

  it('withholds only the end when it comes after all bytes', async () => {
    fakes.nextSpeech({ kind: 'stall', afterBytes: 1_000_000 });
    const exchange = await openSpeech(fakes, INPUT);
    await eventually(() => received(exchange).length === DEFAULT_BYTES, 'all bytes have arrived');
    await pauseMs(50);
    expect(fakes.requests[0]?.outcome).toBe('running');
  });

  it('can withhold even the status line', async () => {
    fakes.nextSpeech({ kind: 'stall', afterBytes: 0, beforeHeaders: true });
    const answered = jest.fn();
    openSpeech(fakes, INPUT).then(answered, () => undefined);
    await fakes.waitForRequest((request) => request.outcome === 'running', 2_000);
    await pauseMs(50);
    expect(answered).not.toHaveBeenCalled();
  });
});

describe('a cut', () => {
  it.each([0, 1, 5_001, DEFAULT_BYTES])('destroys the socket after exactly %i bytes', async (afterBytes) => {
    fakes.nextSpeech({ kind: 'cut', afterBytes });
    const exchange = await openSpeech(fakes, INPUT);
    expect(await exchange.ended).toBe('cut');
    expect(received(exchange)).toHaveLength(afterBytes);
    const record = await fakes.waitForRequest((request) => request.outcome === 'aborted', 2_000);
    expect(record.bytesSent).toBe(afterBytes);
  });

  it('waits for a slow client, so that it too receives exactly those bytes', async () => {
    fakes.nextSpeech({ kind: 'cut', afterBytes: 9_000_001 });
    const exchange = await openSpeech(fakes, 'x'.repeat(4_000));
    exchange.response.pause();
    await pauseMs(200);
    exchange.response.resume();
    expect(await exchange.ended).toBe('cut');
    expect(received(exchange)).toHaveLength(9_000_001);
  });

  it('can hang up before the status line', async () => {
    fakes.nextSpeech({ kind: 'cut', afterBytes: 0, beforeHeaders: true });
    await expect(openSpeech(fakes, INPUT)).rejects.toThrow('socket hang up');
  });

  it('may fall into the header of a wav', async () => {
    fakes.nextSpeech({ kind: 'cut', afterBytes: 20 });
    const exchange = await openSpeech(fakes, INPUT, { response_format: 'wav' });
    await exchange.ended;
    expect(received(exchange)).toHaveLength(20);
  });
});

describe('answers that are none', () => {
  it('a status is an error body', async () => {
    const code = 'rate_limit_exceeded';
    fakes.nextSpeech({ kind: 'status', status: 429, code, message: 'Slow down', retryAfterSeconds: 2 });
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    expect([exchange.response.statusCode, exchange.response.headers['retry-after']]).toEqual([429, '2']);
    expect(JSON.parse(received(exchange).toString())).toMatchObject({ error: { code, message: 'Slow down' } });
  });

  it.each([
    ['json', 'application/json'],
    ['html', 'text/html'],
  ] as const)('garbage (%s) is status 200 without audio', async (body, contentType) => {
    fakes.nextSpeech({ kind: 'garbage', body });
    const exchange = await openSpeech(fakes, INPUT);
    await exchange.ended;
    expect(exchange.response.statusCode).toBe(200);
    expect(exchange.response.headers['content-type']).toContain(contentType);
    expect(received(exchange).length).toBeGreaterThan(10);
  });

  it('empty is status 200 and no byte', async () => {
    fakes.nextSpeech({ kind: 'empty' });
    const exchange = await openSpeech(fakes, INPUT);
    expect(await exchange.ended).toBe('end');
    expect([exchange.response.statusCode, received(exchange).length]).toEqual([200, 0]);
    expect(exchange.response.headers['content-type']).toBe('audio/pcm');
  });
});
