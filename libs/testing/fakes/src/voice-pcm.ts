import { endianness } from 'node:os';
import { fnv1a32 } from './fnv1a';
import { indexedSampleAt } from './indexed-pcm';
import type { SpeechVoice } from './speech-behaviour';

/** Rate of all audio the fake speaks, in Hz; mono, signed 16 bit, little endian. */
export const SAMPLE_RATE_HZ = 24_000;
/** Samples one UTF-16 unit of text takes unless the behaviour says otherwise: 60 ms, a natural pace of speech. */
export const DEFAULT_SAMPLES_PER_CHARACTER = 1_440;
export const BYTES_PER_SAMPLE = 2;

// Per sample only locals: inside Jest every look-up of a global is slow enough to make a voice 20 times slower.
const { min, round } = Math;

const TONE_LEVEL = 0.3 * 32_767;
const FADE_SAMPLES = (SAMPLE_RATE_HZ * 5) / 1_000;

/** Audio that can be computed from any sample on, so that a stream needs no memory of its past. */
export interface VoicePcm {
  readonly samples: number;
  /** The samples [fromSample, toSample) as PCM16LE bytes. */
  readonly render: (fromSample: number, toSample: number) => Buffer;
}

/** Samples the fake speaks for a text: its UTF-16 length times the voice's pace, at least one. */
export function voiceSamples(text: string, samplesPerCharacter: number = DEFAULT_SAMPLES_PER_CHARACTER): number {
  return Math.max(1, Math.round(text.length * samplesPerCharacter));
}

/** The frequency in Hz of a text whose voice names none: 220 to 1480 in steps of 20, so that texts can be told apart. */
export function defaultToneHz(text: string): number {
  return 220 + (fnv1a32(text) % 64) * 20;
}

/** The audio a voice speaks for a text. */
export function voicePcm(text: string, voice: Omit<SpeechVoice, 'kind'>): VoicePcm {
  const samples = voiceSamples(text, voice.samplesPerCharacter);
  if (voice.content === 'indexed') return indexedPcm(fnv1a32(text), samples);
  const { toneHz = defaultToneHz } = voice;
  return tonePcm(typeof toneHz === 'number' ? toneHz : toneHz(text), samples);
}

function indexedPcm(textHash: number, samples: number): VoicePcm {
  const render = (fromSample: number, toSample: number): Buffer => {
    const levels = new Int16Array(toSample - fromSample);
    for (let at = 0; at < levels.length; at += 1) levels[at] = indexedSampleAt(textHash, fromSample + at);
    return littleEndian(levels);
  };
  return { samples, render };
}

function tonePcm(toneHz: number, samples: number): VoicePcm {
  const step = (2 * Math.PI * toneHz) / SAMPLE_RATE_HZ;
  const fadeSamples = Math.min(FADE_SAMPLES, Math.floor(samples / 2));
  // sin(n) = 2 cos(step) sin(n-1) - sin(n-2): hundreds of streams share a core, and Math.sin per sample would show.
  const factor = 2 * Math.cos(step);
  const render = (fromSample: number, toSample: number): Buffer => {
    const levels = new Int16Array(toSample - fromSample);
    let value = TONE_LEVEL * Math.sin(step * fromSample);
    let previous = TONE_LEVEL * Math.sin(step * (fromSample - 1));
    for (let at = 0; at < levels.length; at += 1) {
      const toEdge = min(fromSample + at, samples - 1 - fromSample - at);
      levels[at] = round(toEdge < fadeSamples ? (value * toEdge) / fadeSamples : value);
      const next = factor * value - previous;
      previous = value;
      value = next;
    }
    return littleEndian(levels);
  };
  return { samples, render };
}

function littleEndian(levels: Int16Array): Buffer {
  const bytes = Buffer.from(levels.buffer);
  return endianness() === 'BE' ? bytes.swap16() : bytes;
}

/** The 44 bytes before the samples of a 'wav' answer. The provider streams, so both sizes are 0xFFFFFFFF: unknown. */
export function wavHeader(): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(0xffffffff, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(0xffffffff, 40);
  return header;
}
