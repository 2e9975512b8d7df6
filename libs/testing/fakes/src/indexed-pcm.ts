/**
 * PCM that says of every sample which text it belongs to and where in it, so that a test can prove from the bytes a client
 * received that nothing was lost, repeated, reordered or mixed up.
 *
 * The audio is a row of frames of 32 samples, frame 0 at sample 0. Slots within a frame:
 *
 *     0        +24576                            sync mark: these two levels occur nowhere else
 *     1        -24576
 *     2 .. 5   FNV-1a hash of the text, 4 bytes, lowest first
 *     6 .. 9   number of the frame, 4 bytes, lowest first
 *     10 .. 31 one check byte per sample, a mix of hash and absolute sample index
 *
 * A byte b is carried as the level (b - 128) * 64. The last frame may be incomplete. Any 63 consecutive samples hold a whole
 * frame, and each sample is a pure function of (hash, index), so a reader knows where it is and can then follow every sample.
 * Levels may be off by 31, which survives a trip through floating point; a resampler, a gain or G.711 is not survived.
 */
const SYNC_LEVEL = 24_576;
const LEVEL_STEP = 64;
const TOLERANCE = 31;
const FRAME_SAMPLES = 32;

// Per sample only locals: inside Jest every look-up of a global is slow enough to make a voice 20 times slower.
const { abs, floor, imul, round } = Math;

/** What a sample says about itself. */
export interface IndexedPosition {
  /** {@link fnv1a32} of the input text. */
  readonly textHash: number;
  /** Samples since the start of that text's audio. */
  readonly sampleIndex: number;
}

function checkByte(textHash: number, sampleIndex: number): number {
  let mixed = textHash ^ imul(sampleIndex + 1, 0x9e3779b1);
  mixed = imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed >>> 24;
}

/** The level of one sample of the 'indexed' content: lets a test check received audio sample by sample. */
export function indexedSampleAt(textHash: number, sampleIndex: number): number {
  const slot = sampleIndex % FRAME_SAMPLES;
  if (slot === 0) return SYNC_LEVEL;
  if (slot === 1) return -SYNC_LEVEL;
  if (slot >= 10) return (checkByte(textHash, sampleIndex) - 128) * LEVEL_STEP;
  const word = slot < 6 ? textHash : floor(sampleIndex / FRAME_SAMPLES);
  const byte = (word >>> (((slot - 2) % 4) * 8)) & 0xff;
  return (byte - 128) * LEVEL_STEP;
}

function readWord(pcm: Int16Array, at: number): number {
  let word = 0;
  for (let byteIndex = 3; byteIndex >= 0; byteIndex -= 1) {
    const byte = round((pcm[at + byteIndex] ?? 0) / LEVEL_STEP) + 128;
    word = ((word << 8) | (byte & 0xff)) >>> 0;
  }
  return word;
}

const near = (level: number | undefined, expected: number): boolean =>
  level !== undefined && abs(level - expected) <= TOLERANCE;

/**
 * Tells which sample of which text `pcm[offset]` is, at any alignment: it searches for the sync mark and then checks every
 * sample from `offset` to the end of the frame found. 63 samples are always enough.
 *
 * Undefined when `pcm[offset]` is not indexed audio (silence, a tone), belongs to a piece shorter than a frame, or is cut off
 * from the next sync mark by a splice. Follow a run with {@link indexedSampleAt} and read again where it ends: the exact
 * sample of a splice is then known.
 */
export function readIndexedSamples(pcm: Int16Array, offset = 0): IndexedPosition | undefined {
  const lastStart = Math.min(offset + FRAME_SAMPLES - 1, pcm.length - FRAME_SAMPLES);
  for (let start = offset; start <= lastStart; start += 1) {
    if (!near(pcm[start], SYNC_LEVEL) || !near(pcm[start + 1], -SYNC_LEVEL)) continue;
    const textHash = readWord(pcm, start + 2);
    const sampleIndex = readWord(pcm, start + 6) * FRAME_SAMPLES - (start - offset);
    return matches(pcm, offset, start + FRAME_SAMPLES, textHash, sampleIndex) ? { textHash, sampleIndex } : undefined;
  }
  return undefined;
}

function matches(pcm: Int16Array, from: number, to: number, textHash: number, sampleIndex: number): boolean {
  if (sampleIndex < 0) return false;
  for (let at = from; at < to; at += 1) {
    if (!near(pcm[at], indexedSampleAt(textHash, sampleIndex + at - from))) return false;
  }
  return true;
}
