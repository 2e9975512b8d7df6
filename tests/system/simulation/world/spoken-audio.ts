import { fnv1a32, indexedSampleAt, readIndexedSamples } from '@parley/fakes';
import type { Sound } from '../checker/observation';

/** Whole frames of the indexed content alone, so that each piece says by itself where it is from. */
export const FRAME_SAMPLES = 32;
const FRAME_BYTES = 2 * FRAME_SAMPLES;

/** An unbroken piece of one text; of what is none `sound` is null. */
export interface Heard {
  readonly sound: Sound | null;
  readonly samples: number;
}

interface Audio {
  readonly textHash: number;
  /** Of the text's beginning, as far as it was asked for. */
  pcm: Int16Array;
}

/**
 * The audio of every text the voice has spoken, of which each sample tells its text and its place in it. Kept, because the same
 * samples are spoken once and read once.
 */
export class SpokenAudio {
  private readonly byText = new Map<string, Audio>();
  private readonly byHash = new Map<number, Audio>();

  /** At least the first `samples` samples of `text`, as bytes. */
  of(text: string, samples: number): Uint8Array {
    const audio = this.audioOf(text);
    if (audio.pcm.length < samples) audio.pcm = indexed(audio.textHash, samples);
    return bytesOf(audio.pcm);
  }

  hashOf(text: string): number {
    return this.audioOf(text).textHash;
  }

  /** What these bytes are, piece by piece; nothing, where there are none. */
  read(pcm: Uint8Array): Heard[] {
    const heard: Heard[] = [];
    for (let at = 0; at < pcm.length;) {
      const next = this.readFirst(pcm.subarray(at));
      heard.push(next);
      at += 2 * next.samples;
    }
    return heard;
  }

  private readFirst(pcm: Uint8Array): Heard {
    // A copy, because it begins at any byte.
    const sound = readIndexedSamples(new Int16Array(new Uint8Array(pcm.subarray(0, FRAME_BYTES)).buffer)) ?? null;
    const audio = sound && this.byHash.get(sound.textHash);
    if (!sound || !audio) return { sound: null, samples: pcm.length / 2 };
    const spoken = bytesOf(audio.pcm).subarray(2 * sound.sampleIndex, 2 * sound.sampleIndex + pcm.length);
    if (Buffer.compare(spoken, pcm) === 0) return { sound, samples: pcm.length / 2 };
    let same = FRAME_BYTES;
    while (isSameFrame(spoken, pcm, same)) same += FRAME_BYTES;
    return { sound, samples: same / 2 };
  }

  private audioOf(text: string): Audio {
    const known = this.byText.get(text);
    if (known) return known;
    const audio = { textHash: fnv1a32(text), pcm: new Int16Array() };
    this.byText.set(text, audio);
    this.byHash.set(audio.textHash, audio);
    return audio;
  }
}

function indexed(textHash: number, samples: number): Int16Array {
  const pcm = new Int16Array(samples);
  for (let at = 0; at < samples; at++) pcm[at] = indexedSampleAt(textHash, at);
  return pcm;
}

const isSameFrame = (a: Uint8Array, b: Uint8Array, from: number): boolean =>
  from + FRAME_BYTES <= Math.min(a.length, b.length) &&
  Buffer.compare(a.subarray(from, from + FRAME_BYTES), b.subarray(from, from + FRAME_BYTES)) === 0;

const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
