import { type ProviderFailure, SAMPLE_BYTES, SAMPLES_PER_MS } from '@parley/model';
import type { LogPort, SystemPorts, TtsEvent, TtsPort, TtsRequest } from '@parley/ports';
import { EspeakThread } from './espeak-thread';
import { type Sentence, sentencesOf } from './sentences';
import { SentenceStream } from './sentence-stream';

export interface EspeakTtsOptions {
  /** The built module of `espeak-worker.ts`. */
  workerUrl: URL;
  system: SystemPorts;
  /** The engine's name of the voice of requests that name none; default `en-us`. */
  voice?: string | undefined;
  log: LogPort;
}

const NO_SOUND: ProviderFailure = { kind: 'empty_answer', message: 'The espeak voice has no sound for this text.' };

/** A voice that knows its timings and needs no service: espeak-ng in a thread of its own. */
export function createEspeakTts({ workerUrl, system, voice = 'en-us', log }: EspeakTtsOptions): TtsPort {
  const thread = new EspeakThread(workerUrl, system.timers, log);
  return {
    timings: 'phonemes',
    // The engine's own noise source makes the same text differ in a few samples.
    deterministic: false,
    unavailable: async () => (await thread.trouble())?.message,
    synthesize: (request, signal) => speak(thread, request, voice, signal),
    close: () => thread.close(),
  };
}

/**
 * Sentence after sentence: the next one is ordered when the one before was taken, so that all who speak at once take
 * turns, and nobody buffers more than a sentence.
 */
async function* speak(
  thread: EspeakThread,
  { text, voice, speed = 1 }: TtsRequest,
  ownVoice: string,
  signal: AbortSignal,
): AsyncGenerator<TtsEvent, undefined> {
  let spokenSamples = 0;
  for (const sentence of sentencesOf(text)) {
    const trouble = await unlessAborted(thread.trouble(), signal);
    if (signal.aborted) return;
    if (trouble !== undefined) {
      yield { kind: 'failed', failure: trouble };
      return;
    }
    const order = { text: sentence.text, voice: voice ?? ownVoice, ownVoice, speed };
    const stream = new SentenceStream(thread, order, signal);
    const startMs = spokenSamples / SAMPLES_PER_MS;
    try {
      for (let part = await stream.next(); part !== undefined; part = await stream.next()) {
        switch (part.kind) {
          case 'audio':
            spokenSamples += part.pcm.length / SAMPLE_BYTES;
            yield part;
            break;
          case 'timings':
            yield shifted(part, sentence, startMs);
            break;
          case 'failed':
            yield part;
            return;
        }
      }
    } finally {
      stream.close();
    }
  }
  if (signal.aborted) return;
  if (spokenSamples > 0) yield { kind: 'finished' };
  else yield { kind: 'failed', failure: NO_SOUND };
}

/** The result, or undefined as soon as the caller aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    void promise.then((result) => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    });
  });
}

type Timings = Extract<TtsEvent, { kind: 'timings' }>;

/** A sentence's timings in positions of the whole request. */
const shifted = ({ words, phonemes }: Timings, { start }: Sentence, startMs: number): Timings => ({
  kind: 'timings',
  words: words.map((word) => ({
    word: word.word,
    charStart: word.charStart + start,
    charEnd: word.charEnd + start,
    startMs: word.startMs + startMs,
    endMs: word.endMs + startMs,
  })),
  phonemes: phonemes.map((each) => ({ ...each, startMs: each.startMs + startMs })),
});
