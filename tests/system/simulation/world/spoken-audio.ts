import { fnv1a32 } from '@parley/fakes';
import type { Sound } from '../checker/observation';

/**
 * Audio is a row of frames: a mark (one sample), the hash of the text and the number of the frame (two each), and silence. So a
 * reader knows what it hears at every frame, and a sample too many or too few shows in the next one.
 */
export const FRAME_SAMPLES = 32;
const FRAME_BYTES = 2 * FRAME_SAMPLES;
const MARK = 0x7fff;
const HASH_BYTE = 2;
const NUMBER_BYTE = 6;

/** An unbroken piece of one text; of what is none `sound` is null. */
export interface Heard {
  readonly sound: Sound | null;
  readonly samples: number;
}

interface Audio {
  readonly textHash: number;
  /** Of the text's beginning, as far as it was asked for: much of what a voice would say is never said. */
  pcm: Uint8Array;
  /** Of `pcm`, those that are written. */
  bytes: number;
}

/** A second; whole frames. */
const FIRST_BYTES = 48_000;

/** The audio of every text the voice has spoken. Kept, because the same samples are spoken once and read once. */
export class SpokenAudio {
  private readonly byText = new Map<string, Audio>();
  private readonly byHash = new Map<number, Audio>();

  /** The samples of `text` from one to another, which is a whole number of frames, as PCM16LE bytes. */
  piece(text: string, fromSample: number, toSample: number): Uint8Array {
    const audio = this.audioOf(text);
    extend(audio, 2 * toSample);
    return audio.pcm.subarray(2 * fromSample, 2 * toSample);
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
    const sound = readFrame(pcm);
    const audio = sound && this.byHash.get(sound.textHash);
    if (!sound || !audio) return { sound: null, samples: pcm.length / 2 };
    const fromByte = 2 * sound.sampleIndex;
    const spoken = audio.pcm.subarray(fromByte, Math.min(fromByte + pcm.length, audio.bytes));
    if (Buffer.compare(spoken, pcm) === 0) return { sound, samples: pcm.length / 2 };
    let same = FRAME_BYTES;
    while (isSameFrame(spoken, pcm, same)) same += FRAME_BYTES;
    return { sound, samples: same / 2 };
  }

  private audioOf(text: string): Audio {
    const known = this.byText.get(text);
    if (known) return known;
    const audio = { textHash: fnv1a32(text), pcm: new Uint8Array(FIRST_BYTES), bytes: 0 };
    this.byText.set(text, audio);
    this.byHash.set(audio.textHash, audio);
    return audio;
  }
}

function extend(audio: Audio, toByte: number): void {
  if (audio.bytes >= toByte) return;
  if (audio.pcm.length < toByte) {
    const { pcm } = audio;
    audio.pcm = new Uint8Array(Math.max(toByte, 2 * pcm.length));
    audio.pcm.set(pcm);
  }
  const view = viewOf(audio.pcm);
  for (; audio.bytes < toByte; audio.bytes += FRAME_BYTES) {
    view.setInt16(audio.bytes, MARK, true);
    view.setUint32(audio.bytes + HASH_BYTE, audio.textHash, true);
    view.setUint32(audio.bytes + NUMBER_BYTE, audio.bytes / FRAME_BYTES, true);
  }
}

function readFrame(pcm: Uint8Array): Sound | null {
  const view = viewOf(pcm);
  if (pcm.length < FRAME_BYTES || view.getInt16(0, true) !== MARK) return null;
  const frame = view.getUint32(NUMBER_BYTE, true);
  return { textHash: view.getUint32(HASH_BYTE, true), sampleIndex: frame * FRAME_SAMPLES };
}

const isSameFrame = (a: Uint8Array, b: Uint8Array, from: number): boolean =>
  from + FRAME_BYTES <= Math.min(a.length, b.length) &&
  Buffer.compare(a.subarray(from, from + FRAME_BYTES), b.subarray(from, from + FRAME_BYTES)) === 0;

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
