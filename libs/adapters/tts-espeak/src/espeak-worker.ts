import { parentPort } from 'node:worker_threads';
import type { EspeakEngine, EspeakEvent } from '@echogarden/espeak-ng-emscripten';
import { Resampler } from '@parley/audio';
import { InvariantError, SAMPLE_RATE_HZ, SAMPLES_PER_MS } from '@parley/model';
import type { SentenceOrder, ThreadMessage } from './espeak-protocol';
import { sentenceTimings } from './sentence-timings';
import { escapeSentence } from './sentences';

/**
 * The engine's thread, built as an ES module of its own: the engine is synchronous, of another licence and optional, so
 * nothing of it may be in the process's main bundle.
 */
const port = parentPort;
if (port === null) throw new InvariantError('this module is a worker thread');

const tell = (message: ThreadMessage, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const NOT_INSTALLED = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

async function loadEngine(): Promise<EspeakEngine | undefined> {
  try {
    const { default: init } = await import('@echogarden/espeak-ng-emscripten');
    const { eSpeakNGWorker: Engine } = await init();
    return await new Engine();
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_INSTALLED.has(String(error.code))) return undefined;
    throw error;
  }
}

const isSound = (event: EspeakEvent): boolean => event.type === 'phoneme' && event.id !== '';

/** A copy of its own: transferring a view would take the buffer behind it along. */
function pcmOf(samples: Int16Array): Uint8Array<ArrayBuffer> {
  const pcm = new Uint8Array(samples.byteLength);
  pcm.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  return pcm;
}

class Speaker {
  private voice: string | undefined;
  private readonly ownRate: number;

  constructor(private readonly engine: EspeakEngine) {
    this.ownRate = engine.get_rate();
  }

  speak(order: SentenceOrder): void {
    const { id } = order;
    if (!this.choose(order.voice) && !this.choose(order.ownVoice)) {
      tell({ kind: 'unknown-voice', id });
      return;
    }
    this.engine.set_rate(Math.round(this.ownRate * order.speed));
    const isCancelled = (): boolean => Atomics.load(order.cancelled, 0) !== 0;
    const resampler = new Resampler(this.engine.samplerate, SAMPLE_RATE_HZ);
    const sentence = escapeSentence(order.text);
    const events: EspeakEvent[] = [];
    const held: Int16Array[] = [];
    let samples = 0;
    const send = (piece: Int16Array): void => {
      if (piece.length > 0) held.push(piece);
      // Without a sound there is only a click of 7 ms: a text the voice has nothing to say for.
      if (isCancelled() || !events.some(isSound)) return;
      for (const each of held.splice(0)) {
        samples += each.length;
        const pcm = pcmOf(each);
        tell({ kind: 'audio', id, pcm }, [pcm.buffer]);
      }
    };
    if (!isCancelled()) {
      this.engine.synthesize(sentence.ssml, (piece, pieceEvents) => {
        events.push(...pieceEvents);
        if (piece !== null) send(resampler.push(piece));
        return isCancelled() ? 1 : 0;
      });
      send(resampler.end());
    }
    const timings = sentenceTimings(order.text, sentence, events, samples / SAMPLES_PER_MS);
    tell({ kind: 'spoken', id, timings });
  }

  private choose(voice: string): boolean {
    if (voice === this.voice) return true;
    if (this.engine.set_voice(voice) !== 0) return false;
    this.voice = voice;
    return true;
  }
}

/** Of usual length, with sounds of all kinds. */
const WARM_UP = [
  'Good evening, and thank you for waiting while everything is made ready for you.',
  'The young judge chose a few bright shoes, though the weather was rather rough that Thursday.',
  'Now we measure how quickly the next question can be answered in about twenty words or so.',
];

const engine = await loadEngine();
if (engine === undefined) {
  tell({ kind: 'missing' });
} else {
  // The engine is machine-made JavaScript that the compiler has to get to know: let no listener wait for that. The first
  // whole sentences of a process took 450 and 180 ms, later ones 45, and the mouth waits for the end of a sentence.
  for (const sentence of WARM_UP) engine.synthesize(sentence, () => 0);
  const speaker = new Speaker(engine);
  port.on('message', (order: SentenceOrder) => speaker.speak(order));
  tell({ kind: 'ready' });
}
