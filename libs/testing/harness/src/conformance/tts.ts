import { SAMPLES_PER_MS } from '@parley/model';
import type { PhonemeTiming, WordTiming } from '@parley/model';
import type { SystemPorts, TtsEvent, TtsPort, TtsRequest } from '@parley/ports';

/** A voice that works: its provider answers every request. Time is real. */
export interface TtsSubject {
  tts: TtsPort;
  system: SystemPorts;
  /** Releases whatever the adapter leaves to its owner; the voice may be closed already. */
  dispose(): Promise<void>;
}

const SHORT = 'Hello there.';
const LONG = 'This is the first of three sentences. The second one goes on for a while. Then it is over.';
/** Slower and faster than any voice at a usual pace, in ms per character. */
const MIN_MS_PER_CHARACTER = 15;
const MAX_MS_PER_CHARACTER = 250;

/** What every voice does, case by case; none depends on which adapter it is. */
export function describeTtsConformance(name: string, makeSubject: () => Promise<TtsSubject>): void {
  describe(`${name} as a voice`, () => {
    let subject: TtsSubject;
    let tts: TtsPort;

    beforeEach(async () => {
      subject = await makeSubject();
      ({ tts } = subject);
    });
    afterEach(async () => {
      await tts.close();
      await subject.dispose();
    });

    const begin = (text: string, signal = new AbortController().signal, more: Partial<TtsRequest> = {}) =>
      tts.synthesize({ text, voice: undefined, ...more }, signal)[Symbol.asyncIterator]();
    const speak = (text: string): Promise<TtsEvent[]> => collect(begin(text));
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        subject.system.timers.after(ms, resolve);
      });

    it('says that it can speak', async () => {
      expect(await tts.unavailable()).toBeUndefined();
    });

    it('ends with exactly one terminal event, the last one', async () => {
      const events = await speak(SHORT);
      expect(events.at(-1)).toEqual({ kind: 'finished' });
      expect(events.slice(0, -1).every((event) => event.kind === 'audio' || event.kind === 'timings')).toBe(true);
    });

    it('gives audio in pieces of whole samples, none empty', async () => {
      const pieces = audioOf(await speak(LONG));
      expect(pieces.length).toBeGreaterThan(1);
      for (const pcm of pieces) {
        expect(pcm.length).toBeGreaterThan(0);
        expect(pcm.length % 2).toBe(0);
      }
    });

    it('speaks at a usual pace in 24 kHz', async () => {
      for (const text of [SHORT, LONG]) {
        const msPerCharacter = durationMs(await speak(text)) / text.length;
        expect(msPerCharacter).toBeGreaterThan(MIN_MS_PER_CHARACTER);
        expect(msPerCharacter).toBeLessThan(MAX_MS_PER_CHARACTER);
      }
    });

    it('can be heard, and does not clip all the time', async () => {
      const levels = levelsOf(audioOf(await speak(LONG)));
      expect(levels.root).toBeGreaterThan(300);
      expect(levels.peak).toBeGreaterThan(2_000);
      expect(levels.clipped).toBeLessThan(0.01);
    });

    it.each(['Привет, как дела?', '你好，世界。', 'مرحبا بالعالم', 'नमस्ते दुनिया', 'Ça coûte 3,50 €.', 'Wow 👋!'])(
      'speaks text of other scripts without failing: %s',
      async (text) => {
        const events = await speak(text);
        expect(events.at(-1)).toEqual({ kind: 'finished' });
        expect(durationMs(events)).toBeGreaterThan(0);
      },
    );

    it('speaks what looks like markup or a command as text', async () => {
      const events = await speak('Say <break time="9s"/> & "quit" \\n [[h@loU]] {"a":1} now.');
      expect(events.at(-1)).toEqual({ kind: 'finished' });
      expect(durationMs(events)).toBeGreaterThan(1_000);
      expect(durationMs(events)).toBeLessThan(25_000);
    });

    it('gives the timings it declares: in order, not overlapping, inside the audio, at the words of the text', async () => {
      const events = await speak(LONG);
      const { words, phonemes } = timingsOf(events);
      expect(words.length > 0).toBe(tts.timings !== 'none');
      expect(phonemes.length > 0).toBe(tts.timings === 'phonemes');
      expect(faultsOf(LONG, words, phonemes, durationMs(events))).toEqual([]);
      const spoken = new Set(words.map((word) => word.word));
      const missing = (LONG.match(/\p{L}+/gu) ?? []).filter((word) => !spoken.has(word));
      expect(missing).toHaveLength(tts.timings === 'none' ? (LONG.match(/\p{L}+/gu) ?? []).length : 0);
    });

    it('gives the same samples again if it says so', async () => {
      const [first, second] = [concat(await speak(SHORT)), concat(await speak(SHORT))];
      expect(Buffer.compare(first, second) === 0 || !tts.deterministic).toBe(true);
    });

    it('leaves its buffers to the receiver', async () => {
      const kept: { pcm: Uint8Array; copy: Buffer }[] = [];
      for await (const event of tts.synthesize({ text: LONG, voice: undefined }, new AbortController().signal)) {
        if (event.kind === 'audio') kept.push({ pcm: event.pcm, copy: Buffer.from(event.pcm) });
      }
      await speak(SHORT);
      expect(kept.every(({ pcm, copy }) => copy.equals(pcm))).toBe(true);
      // Writing into one piece does not reach another.
      const [first, second] = kept;
      first?.pcm.fill(0);
      expect(second?.copy.equals(second.pcm)).toBe(true);
    });

    it('begins nothing before it is asked', async () => {
      begin(LONG);
      expect((await speak(SHORT)).at(-1)).toEqual({ kind: 'finished' });
    });

    it('waits while nobody asks, and loses nothing by it', async () => {
      const whole = durationMs(await speak(LONG));
      const stream = begin(LONG);
      const first = await stream.next();
      await pause(200);
      const rest = await collect(stream);
      expect(rest.at(-1)).toEqual({ kind: 'finished' });
      const events = first.done === true ? rest : [first.value, ...rest];
      // Voices with a noise source of their own differ by some samples.
      expect(Math.abs(durationMs(events) - whole)).toBeLessThan(whole * 0.02);
    });

    it('speaks several texts at once without mixing them up', async () => {
      const texts = [SHORT, LONG, `${SHORT} ${SHORT}`, LONG.slice(0, 47)];
      const alone: number[] = [];
      for (const text of texts) alone.push(durationMs(await speak(text)));
      const together = await Promise.all(texts.map(async (text) => durationMs(await speak(text))));
      together.forEach((ms, index) => {
        expect(Math.abs(ms - (alone[index] ?? 0))).toBeLessThan(20 + ms * 0.02);
      });
    });

    it('yields nothing when it was aborted before', async () => {
      const controller = new AbortController();
      controller.abort();
      expect(await collect(begin(LONG, controller.signal))).toEqual([]);
    });

    it('yields nothing more after an abort in the middle', async () => {
      const controller = new AbortController();
      const stream = begin(LONG, controller.signal);
      expect((await stream.next()).done).not.toBe(true);
      controller.abort();
      expect(await collect(stream)).toEqual([]);
    });

    it('releases at once whoever waits when it is aborted', async () => {
      for (const waitMs of [0, 1, 5]) {
        const controller = new AbortController();
        const stream = begin(LONG, controller.signal);
        const drained = collect(stream);
        await pause(waitMs);
        const abortedMs = subject.system.clock.nowMs();
        controller.abort();
        await drained;
        expect(subject.system.clock.nowMs() - abortedMs).toBeLessThan(500);
      }
    });

    it('goes on with others after an abort', async () => {
      const controller = new AbortController();
      const other = speak(LONG);
      const stream = begin(LONG, controller.signal);
      await stream.next();
      controller.abort();
      expect((await other).at(-1)).toEqual({ kind: 'finished' });
      expect((await speak(SHORT)).at(-1)).toEqual({ kind: 'finished' });
    });

    it('is released by leaving the loop', async () => {
      for await (const event of tts.synthesize({ text: LONG, voice: undefined }, new AbortController().signal)) {
        expect(event.kind).not.toBe('failed');
        break;
      }
      expect((await speak(SHORT)).at(-1)).toEqual({ kind: 'finished' });
    });

    it('yields nothing after its end', async () => {
      const stream = begin(SHORT);
      await collect(stream);
      expect((await stream.next()).done).toBe(true);
      expect((await stream.next()).done).toBe(true);
    });

    it('ends what runs as failed when it is closed, and does not throw', async () => {
      const stream = begin(LONG.repeat(20));
      await stream.next();
      await tts.close();
      expect((await collect(stream)).at(-1)).toMatchObject({ kind: 'failed' });
    });

    it('can be closed twice', async () => {
      await speak(SHORT);
      await tts.close();
      await expect(tts.close()).resolves.toBeUndefined();
    });
  });
}

async function collect(stream: AsyncIterator<TtsEvent>): Promise<TtsEvent[]> {
  const events: TtsEvent[] = [];
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) events.push(next.value);
  return events;
}

const audioOf = (events: readonly TtsEvent[]): Uint8Array[] =>
  events.flatMap((event) => (event.kind === 'audio' ? [event.pcm] : []));

const concat = (events: readonly TtsEvent[]): Buffer => Buffer.concat(audioOf(events));

const durationMs = (events: readonly TtsEvent[]): number => concat(events).length / 2 / SAMPLES_PER_MS;

function levelsOf(pieces: readonly Uint8Array[]): { root: number; peak: number; clipped: number } {
  const pcm = Buffer.concat(pieces);
  const samples = pcm.length / 2;
  let [squares, peak, clipped] = [0, 0, 0];
  for (let index = 0; index < samples; index++) {
    const level = Math.abs(pcm.readInt16LE(index * 2));
    squares += level * level;
    peak = Math.max(peak, level);
    if (level >= 32_767) clipped++;
  }
  return { root: Math.sqrt(squares / samples), peak, clipped: clipped / samples };
}

function timingsOf(events: readonly TtsEvent[]): { words: WordTiming[]; phonemes: PhonemeTiming[] } {
  const timings = events.flatMap((event) => (event.kind === 'timings' ? [event] : []));
  return {
    words: timings.flatMap(({ words }) => words),
    phonemes: timings.flatMap(({ phonemes }) => phonemes),
  };
}

/** Every way in which timings contradict their text, their audio or each other. */
function faultsOf(
  text: string,
  words: readonly WordTiming[],
  phonemes: readonly PhonemeTiming[],
  totalMs: number,
): string[] {
  const faults: string[] = [];
  words.forEach((word, index) => {
    const next = words[index + 1];
    if (text.slice(word.charStart, word.charEnd) !== word.word) faults.push(`"${word.word}" is not at its place`);
    if (!(word.startMs >= 0 && word.endMs > word.startMs && word.endMs <= totalMs + 1))
      faults.push(`"${word.word}" time`);
    if (next && (next.startMs < word.endMs || next.charStart < word.charEnd)) faults.push(`"${word.word}" overlaps`);
  });
  phonemes.forEach(({ startMs, durationMs: ms }, index) => {
    const next = phonemes[index + 1];
    if (!(startMs >= 0 && ms > 0 && startMs + ms <= totalMs + 1)) faults.push(`phoneme ${index} time`);
    // Sums of fractions.
    if (next && next.startMs < startMs + ms - 0.001) faults.push(`phoneme ${index} overlaps`);
  });
  return faults;
}
