import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemPorts } from '@parley/adapter-system';
import { describeTtsConformance, RecordingLog } from '@parley/harness';
import type { TtsEvent, TtsPort } from '@parley/ports';
import { build } from 'esbuild';
import { createEspeakTts } from './espeak-tts';

// Each case starts an engine of its own, cold, perhaps beside other suites.
jest.setTimeout(60_000);

/** Inside the repository, so that the built module finds the optional package. */
const CACHE = join(process.cwd(), '.cache');
let folder: string;
let workerUrl: URL;

beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, 'espeak-'));
  const outfile = join(folder, 'espeak-worker.mjs');
  await build({
    entryPoints: [join(__dirname, 'espeak-worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@echogarden/espeak-ng-emscripten'],
    logLevel: 'warning',
  });
  workerUrl = pathToFileURL(outfile);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeTtsConformance('tts-espeak', () =>
  Promise.resolve({
    tts: createEspeakTts({ workerUrl, system: systemPorts, log: new RecordingLog() }),
    system: systemPorts,
    dispose: () => Promise.resolve(),
  }),
);

describe('the espeak engine', () => {
  let tts: TtsPort;

  beforeEach(() => {
    tts = createEspeakTts({ workerUrl, system: systemPorts, log: new RecordingLog() });
  });
  afterEach(() => tts.close());

  async function speak(text: string, voice?: string, speed = 1): Promise<TtsEvent[]> {
    const events: TtsEvent[] = [];
    for await (const event of tts.synthesize({ text, voice, speed }, new AbortController().signal)) events.push(event);
    return events;
  }

  const wordsOf = (events: TtsEvent[]) =>
    events.flatMap((event) => (event.kind === 'timings' ? event.words.map((word) => word.word) : []));
  const samplesOf = (events: TtsEvent[]) =>
    events.reduce((sum, event) => sum + (event.kind === 'audio' ? event.pcm.length / 2 : 0), 0);

  const phonemesOf = (events: TtsEvent[]) =>
    events.flatMap((event) => (event.kind === 'timings' ? event.phonemes.map((each) => each.phoneme) : [])).join('');

  it('speaks in its own voice where a client names one that it does not know', async () => {
    const [own, unknown, french] = [
      await speak('Bonjour.'),
      await speak('Bonjour.', 'marin'),
      await speak('Bonjour.', 'roa/fr'),
    ];
    // The engine has noise in its sounds: no two are the same to the sample.
    expect(phonemesOf(unknown)).toBe(phonemesOf(own));
    expect(phonemesOf(french)).not.toBe(phonemesOf(own));
    for (const events of [unknown, french]) expect(events.at(-1)).toEqual({ kind: 'finished' });
  });

  it('speaks as fast as it is told, one sentence after the other', async () => {
    const text = 'A sentence of a few words that takes its time to say.';
    const [own, fast, slow] = [await speak(text), await speak(text, undefined, 1.5), await speak(text, undefined, 0.5)];
    expect(samplesOf(fast) / samplesOf(own)).toBeCloseTo(1 / 1.5, 1);
    expect(samplesOf(slow) / samplesOf(own)).toBeGreaterThan(1.6);
    expect(samplesOf(await speak(text)) / samplesOf(own)).toBeCloseTo(1, 2);
  });

  it('changes the voice from one text to the next', async () => {
    const [english, german] = await Promise.all([speak('Wirklich gut.', 'en-us'), speak('Wirklich gut.', 'de')]);
    expect(phonemesOf(english)).not.toBe(phonemesOf(german));
    expect(phonemesOf(german)).toContain('v');
  });

  it('swallows nothing that looks like a tag, and tells the words at their places', async () => {
    expect(wordsOf(await speak('Is a<b>c true & so on? It costs 3.50 now, 👋 friend.'))).toEqual(
      expect.arrayContaining(['Is', 'b', 'c', 'true', 'so', 'on', 'It', 'costs', '3.50', 'now', 'friend']),
    );
  });

  it('gives the timings of a sentence before the audio that is sent only later', async () => {
    const text = `${'This sentence goes on and on and on, '.repeat(8)}and ends.`;
    const startMs = systemPorts.clock.nowMs();
    await speak(text);
    const engineMs = systemPorts.clock.nowMs() - startMs;
    const stream = tts.synthesize({ text, voice: undefined }, new AbortController().signal)[Symbol.asyncIterator]();
    const first = await stream.next();
    expect(first.value).toMatchObject({ kind: 'audio' });
    // The listener is slower than the engine, as always.
    await new Promise<void>((resolve) => {
      systemPorts.timers.after(2 * engineMs, resolve);
    });
    const kinds: string[] = [];
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) kinds.push(next.value.kind);
    expect(kinds.indexOf('timings')).toBeLessThan(3);
    expect(kinds.lastIndexOf('audio')).toBeGreaterThan(20);
  });

  it('says that there is nothing to say', async () => {
    expect(await speak('…!')).toMatchObject([{ kind: 'failed', failure: { kind: 'empty_answer' } }]);
  });

  it('lets a short text through while a long one is spoken', async () => {
    const order: string[] = [];
    const long = speak('A sentence of a long story. '.repeat(40)).then(() => order.push('long'));
    const short = speak('A short one.').then(() => order.push('short'));
    await Promise.all([long, short]);
    expect(order).toEqual(['short', 'long']);
  });

  it('gives an aborted text up at its next piece', async () => {
    const controller = new AbortController();
    await speak('Warm.');
    const text = 'word and word and '.repeat(20);
    const stream = tts.synthesize({ text, voice: undefined }, controller.signal)[Symbol.asyncIterator]();
    await stream.next();
    controller.abort();
    expect((await stream.next()).done).toBe(true);
    expect(samplesOf(await speak('Still here.'))).toBeGreaterThan(10_000);
  });
});
