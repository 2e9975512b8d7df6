import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { TtsEvent, TtsPort } from '@parley/ports';
import { createEspeakTts } from './espeak-tts';

/** A thread that does what `onOrder` says with each order; `tell` answers. */
const threadOf = (onOrder: string, onStart = `tell({ kind: 'ready' })`): URL => {
  const source = `
    import { parentPort } from 'node:worker_threads';
    const tell = (message) => parentPort.postMessage(message);
    const audio = (id) => tell({ kind: 'audio', id, pcm: new Uint8Array(960) });
    const spoken = (id) => tell({ kind: 'spoken', id, timings: { words: [], phonemes: [] } });
    parentPort.on('message', (order) => { const { id } = order; ${onOrder} });
    ${onStart};`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
};

let system: VirtualSystem;
let log: RecordingLog;
let tts: TtsPort;

const use = (workerUrl: URL): void => {
  tts = createEspeakTts({ workerUrl, system, log });
};

beforeEach(() => {
  system = new VirtualSystem();
  log = new RecordingLog();
});
afterEach(async () => {
  await tts.close();
  expect(system.pendingTimers).toBe(0);
});

const begin = (text = 'Hello.', signal = new AbortController().signal) =>
  tts.synthesize({ text, voice: undefined }, signal)[Symbol.asyncIterator]();

async function speak(text?: string): Promise<TtsEvent[]> {
  const stream = begin(text);
  const events: TtsEvent[] = [];
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) events.push(next.value);
  return events;
}

const FINISHED = [{ kind: 'audio' }, { kind: 'finished' }];
const lost = (kind = 'worker_lost') => ({ kind: 'failed', failure: { kind } });

describe('the thread of the engine', () => {
  it('says what to install when the package is missing', async () => {
    use(threadOf('', `tell({ kind: 'missing' })`));
    expect(await tts.unavailable()).toMatch(/npm install @echogarden\/espeak-ng-emscripten/);
    expect(await speak()).toMatchObject([lost('missing')]);
    expect(await tts.unavailable()).toMatch(/npm install/);
  });

  it('says so when it cannot be started at all', async () => {
    use(new URL('file:///nowhere/espeak-worker.mjs'));
    expect(await tts.unavailable()).toMatch(/cannot be started/);
    expect(log.lines.map((line) => line.message)).toContain('the espeak thread crashed');
  });

  it('serves all who wait for its start', async () => {
    use(threadOf(`audio(id); spoken(id);`));
    const all = await Promise.all([tts.unavailable(), speak(), speak(), tts.unavailable()]);
    expect(all).toMatchObject([undefined, FINISHED, FINISHED, undefined]);
  });

  it('fails what runs when it crashes, and is started again', async () => {
    use(
      threadOf(
        `if (order.text === 'crash.') throw new Error('broken'); audio(id); if (order.text !== 'hang.') spoken(id);`,
      ),
    );
    const running = begin('hang.');
    expect((await running.next()).value).toMatchObject({ kind: 'audio' });
    expect(await speak('crash.')).toMatchObject([lost()]);
    expect((await running.next()).value).toMatchObject(lost());
    expect((await running.next()).done).toBe(true);
    expect(await speak()).toMatchObject(FINISHED);
    expect(log.lines).toContainEqual({
      level: 'error',
      message: 'the espeak thread crashed',
      fields: expect.anything(),
    });
  });

  it('is given up when it says nothing for 4 s while it is to speak', async () => {
    use(threadOf(`if (order.text === 'hang.') { audio(id); for (;;); } audio(id); spoken(id);`));
    const stream = begin('hang.');
    expect((await stream.next()).value).toMatchObject({ kind: 'audio' });
    const next = stream.next();
    await system.advanceBy(3_999);
    expect(system.pendingTimers).toBe(1);
    await system.advanceBy(1);
    expect((await next).value).toMatchObject(lost());
    expect(await speak()).toMatchObject(FINISHED);
  });

  it('is given up when it does not become ready', async () => {
    use(threadOf('', ''));
    const trouble = tts.unavailable();
    await system.advanceBy(10_000);
    expect(await trouble).toMatch(/cannot be started/);
  });

  it('is not waited for by a caller who aborts while it starts', async () => {
    use(threadOf('', ''));
    const controller = new AbortController();
    const stream = begin('Hello.', controller.signal);
    const next = stream.next();
    controller.abort();
    expect((await next).done).toBe(true);
  });

  it('has no timer while nobody speaks', async () => {
    use(threadOf(`audio(id); spoken(id);`));
    await speak();
    expect(system.pendingTimers).toBe(0);
  });

  it('cannot be used after it was closed', async () => {
    use(threadOf(`audio(id); spoken(id);`));
    await speak();
    await tts.close();
    expect(await tts.unavailable()).toMatch(/closed/);
    expect(await speak()).toMatchObject([lost()]);
  });
});

describe('sentences', () => {
  it('are ordered one at a time, the next when the one before was taken', async () => {
    use(threadOf(`tell({ kind: 'audio', id, pcm: new Uint8Array(order.text.trim().length * 2) }); spoken(id);`));
    const stream = begin('One. Three. Seventeen.');
    const sizes: number[] = [];
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) {
      if (next.value.kind === 'audio') sizes.push(next.value.pcm.length / 2);
    }
    expect(sizes).toEqual([4, 6, 10]);
  });

  it('have timings in positions of the whole text', async () => {
    use(
      threadOf(`
        tell({ kind: 'audio', id, pcm: new Uint8Array(48_000) });
        const word = order.text.trim().slice(0, -1);
        const words = [{ word, charStart: 0, charEnd: word.length, startMs: 10, endMs: 900 }];
        tell({ kind: 'spoken', id, timings: { words, phonemes: [{ phoneme: 'a', startMs: 10, durationMs: 890 }] } });`),
    );
    const text = 'One. Two.';
    const events = await speak(text);
    expect(events.map((event) => event.kind)).toEqual(['audio', 'timings', 'audio', 'timings', 'finished']);
    expect(events[1]).toMatchObject({ words: [{ word: 'One', charStart: 0, charEnd: 3, startMs: 10, endMs: 900 }] });
    expect(events[3]).toMatchObject({
      words: [{ word: 'Two', charStart: 5, charEnd: 8, startMs: 1_010, endMs: 1_900 }],
      phonemes: [{ phoneme: 'a', startMs: 1_010, durationMs: 890 }],
    });
  });

  it('are given up in the thread when nobody listens any more', async () => {
    use(
      threadOf(`
        if (order.text !== 'Long.') { audio(id); spoken(id); return; }
        audio(id);
        while (Atomics.load(order.cancelled, 0) === 0);
        spoken(id);`),
    );
    const controller = new AbortController();
    const stream = begin('Long.', controller.signal);
    await stream.next();
    controller.abort();
    expect((await stream.next()).done).toBe(true);
    expect(await speak()).toMatchObject(FINISHED);
  });
});
