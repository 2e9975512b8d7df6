import { samplesOfMs, SAMPLES_PER_MS } from '@parley/model';
import { samplesPerCharacter, type SpeakableText, type VoiceRate } from '@parley/speech-text';
import type { Stretch } from './raw-timings';

/** A face needs no more than two stretches a second, and each is a message. */
const MIN_STRETCH_SAMPLES = samplesOfMs(500);

/**
 * For a voice without timings: which part of the text was about spoken in which stretch of audio, by the voice's pace so
 * far. Each stretch but the last takes at most half of what is left, so that a slow voice does not run out of text.
 */
export class TextStretches {
  private taken = 0;
  private toldSamples = 0;
  private sentSamples = 0;

  constructor(
    private readonly raw: string,
    private readonly spoken: SpeakableText,
    private readonly rate: VoiceRate,
  ) {}

  /** `samples` more of the segment were sent, `last`: and no more will be. The stretch that is to be told now, if any. */
  sent(samples: number, last: boolean): Stretch | undefined {
    this.sentSamples += samples;
    const stretchSamples = this.sentSamples - this.toldSamples;
    if (last ? stretchSamples <= 0 : stretchSamples < MIN_STRETCH_SAMPLES) return undefined;
    const startMs = this.toldSamples / SAMPLES_PER_MS;
    this.toldSamples = this.sentSamples;
    const text = this.takeText(last ? Infinity : stretchSamples / samplesPerCharacter(this.rate));
    return { text, startMs, endMs: this.sentSamples / SAMPLES_PER_MS, words: [], phonemes: [] };
  }

  private takeText(characters: number): string {
    const { text, origin } = this.spoken;
    const from = this.taken;
    const left = text.length - from;
    const take = characters >= Infinity ? left : Math.min(Math.round(characters), Math.floor(left / 2));
    let to = from + take;
    // Never between the halves of a character.
    if (/[\uDC00-\uDFFF]/.test(text.charAt(to))) to++;
    this.taken = to;
    return this.raw.slice(from === 0 ? 0 : origin[from], origin[to] ?? this.raw.length);
  }
}
