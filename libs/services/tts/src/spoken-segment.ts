import { ChunkTemplate, SAMPLE_BYTES, SAMPLES_PER_MS, type VoiceOpen } from '@parley/model';
import type { TtsPort } from '@parley/ports';
import { mapSpeakable, type SpeakableText, type VoiceRate } from '@parley/speech-text';
import { rawStretch, type Stretch } from './raw-timings';
import type { OrderedSegment } from './segment-queue';
import { TextStretches } from './text-stretches';

type Timings = Parameters<typeof rawStretch>[2];

/**
 * A segment while it is spoken. One that another rendering began goes on after the last sample that was delivered: a
 * voice that says the same again is asked for all of it and its beginning left out; any other for the words that are
 * left. Positions are samples from the segment's first one, whoever spoke it.
 */
export class SpokenSegment {
  /** What the voice is asked for. */
  readonly spoken: SpeakableText;
  private readonly text: string;
  private template: ChunkTemplate;
  private readonly stretches: TextStretches | undefined;
  /** Of the voice's first sample. */
  private readonly startSample: number;
  /** Of the voice's samples, still to be left out. */
  private skipSamples: number;
  private position: number;

  constructor(
    readonly order: OrderedSegment,
    open: VoiceOpen,
    { deterministic, timings }: Pick<TtsPort, 'deterministic' | 'timings'>,
    rate: VoiceRate,
  ) {
    const { from } = order;
    this.text = deterministic ? order.text : order.text.slice(from.character);
    this.spoken = mapSpeakable(this.text);
    this.template = this.templateOf(open);
    this.stretches = open.lipSync && timings === 'none' ? new TextStretches(this.text, this.spoken, rate) : undefined;
    this.startSample = deterministic ? 0 : from.sample;
    this.skipSamples = from.sample - this.startSample;
    this.position = from.sample;
  }

  /** From now on its chunks are of the rendering as its new owner numbers it. */
  adopt(open: VoiceOpen): void {
    this.template = this.templateOf(open);
  }

  /** Audio of this rendering, left out or not: what it says of the voice's pace. */
  get renderedSamples(): number {
    return this.position - this.startSample;
  }

  /** The voice's next samples without those that were delivered before. */
  rest(pcm: Uint8Array): Uint8Array {
    const skipped = Math.min(this.skipSamples, pcm.length / SAMPLE_BYTES);
    if (skipped === 0) return pcm;
    this.skipSamples -= skipped;
    // Their text was told by the rendering that delivered them.
    this.stretches?.sent(skipped, false);
    return pcm.subarray(skipped * SAMPLE_BYTES);
  }

  /** The chunk that goes on with `pcm`. */
  chunk(pcm: Uint8Array, last: boolean): Uint8Array {
    const chunk = this.template.encode(this.position, pcm, last);
    this.position += pcm.length / SAMPLE_BYTES;
    return chunk;
  }

  /** Which text belongs to the audio that was just sent; undefined for a voice that knows, or when it is too little. */
  stretchOf(samples: number, last: boolean): Stretch | undefined {
    const stretch = this.stretches?.sent(samples, last);
    return stretch && this.placed(stretch);
  }

  /** What the voice says of its timings, from the segment's first sample and character. */
  timed(timings: Timings): Stretch | undefined {
    const stretch = rawStretch(this.text, this.spoken, timings);
    return stretch && this.placed(stretch);
  }

  private templateOf(open: VoiceOpen): ChunkTemplate {
    return new ChunkTemplate({ ...open, traceparent: this.order.traceparent, segment: this.order.segment });
  }

  private placed(stretch: Stretch): Stretch | undefined {
    const atMs = this.startSample / SAMPLES_PER_MS;
    const atCharacter = this.order.text.length - this.text.length;
    const endMs = stretch.endMs + atMs;
    const fromMs = this.order.from.sample / SAMPLES_PER_MS;
    if (fromMs > 0 && endMs <= fromMs) return undefined;
    return {
      text: stretch.text,
      startMs: stretch.startMs + atMs,
      endMs,
      words: stretch.words.map((word) => ({
        ...word,
        charStart: word.charStart + atCharacter,
        charEnd: word.charEnd + atCharacter,
        startMs: word.startMs + atMs,
        endMs: word.endMs + atMs,
      })),
      phonemes: stretch.phonemes
        .map((phoneme) => ({ ...phoneme, startMs: phoneme.startMs + atMs }))
        .filter(({ startMs }) => startMs >= fromMs),
    };
  }
}
