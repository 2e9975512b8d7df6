import type { ProviderFailure } from '@parley/model';
import type { TtsEvent } from '@parley/ports';
import type { SentenceOrder, SentenceTimings } from './espeak-protocol';
import type { EspeakThread, SentenceListener } from './espeak-thread';

type SentencePart = Exclude<TtsEvent, { kind: 'finished' }>;

/** One sentence on its way from the thread to whoever asks for it. Its audio is bounded by the sentence. */
export class SentenceStream implements SentenceListener {
  private readonly parts: SentencePart[] = [];
  private ended = false;
  private waiting: ((part: SentencePart | undefined) => void) | undefined;
  private readonly cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor(
    thread: EspeakThread,
    sentence: Omit<SentenceOrder, 'id' | 'cancelled'>,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', this.close);
    thread.speak({ ...sentence, cancelled: this.cancelled }, this);
  }

  /** The next part; undefined when there is none any more. */
  next(): Promise<SentencePart | undefined> {
    const part = this.parts.shift();
    if (part !== undefined || this.ended) return Promise.resolve(part);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  /** Nobody listens any more: the thread leaves the sentence at its next piece. Idempotent. */
  readonly close = (): void => {
    Atomics.store(this.cancelled, 0, 1);
    this.parts.length = 0;
    this.end();
  };

  onAudio(pcm: Uint8Array): void {
    this.put({ kind: 'audio', pcm });
  }

  onSpoken({ words, phonemes }: SentenceTimings): void {
    // Before the audio that still waits: a face needs them while it plays, and audio is sent only some seconds ahead.
    if (words.length + phonemes.length > 0) this.put({ kind: 'timings', words, phonemes }, 'first');
    this.end();
  }

  onUnknownVoice(): void {
    this.fail({ kind: 'rejected', message: 'The espeak voice does not know the configured voice by this name.' });
  }

  onLost(): void {
    this.fail({ kind: 'worker_lost', message: 'The espeak thread was lost.' });
  }

  private fail(failure: ProviderFailure): void {
    this.put({ kind: 'failed', failure });
    this.end();
  }

  private put(part: SentencePart, place: 'first' | 'last' = 'last'): void {
    if (this.ended) return;
    const resolve = this.waiting;
    this.waiting = undefined;
    if (resolve !== undefined) resolve(part);
    else if (place === 'first') this.parts.unshift(part);
    else this.parts.push(part);
  }

  private end(): void {
    this.ended = true;
    this.signal.removeEventListener('abort', this.close);
    this.waiting?.(undefined);
    this.waiting = undefined;
  }
}
