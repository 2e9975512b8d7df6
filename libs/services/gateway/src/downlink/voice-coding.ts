import { encodeALaw, encodeMuLaw, Resampler } from '@parley/audio';
import { SAMPLE_RATE_HZ, type WireAudioFormat } from '@parley/model';

const TELEPHONE_RATE_HZ = 8_000;
/** One byte of G.711 stands for so many of our samples. */
const SAMPLES_PER_BYTE = SAMPLE_RATE_HZ / TELEPHONE_RATE_HZ;

/** PCM of a response, each piece where the one before it ended. */
export interface VoicePiece {
  segment: number;
  /** Its place in the segment. */
  firstSample: number;
  pcm: Uint8Array;
  /** The segment ends with it. */
  last: boolean;
}

/** What one event carries. `firstSample`: where it begins in its segment, in samples of 24 kHz. */
export interface CodedVoice {
  segment: number;
  firstSample: number;
  bytes: Uint8Array;
}

/** The voice of one response in the format of its events. Pieces go in as they go to the socket. */
export interface VoiceCoding {
  /** Some of what went in comes out with what follows, or with the end. */
  readonly lags: boolean;
  push(piece: VoicePiece): CodedVoice[];
  /** What is still inside: the response is over. */
  end(): CodedVoice[];
}

/**
 * `bySegment`: the client counts what it has of each segment, to go on from there with another connection. So each segment is
 * coded by itself and has its own whole bytes. Otherwise the response is one stream, and `n` samples make `ceil(n ÷ 3)` bytes.
 */
export function voiceCodingOf({ type }: WireAudioFormat, { bySegment }: { bySegment: boolean }): VoiceCoding {
  switch (type) {
    case 'audio/pcm':
      return UNCODED;
    case 'audio/pcmu':
      return new TelephoneCoding(encodeMuLaw, bySegment);
    case 'audio/pcma':
      return new TelephoneCoding(encodeALaw, bySegment);
  }
}

const UNCODED: VoiceCoding = {
  lags: false,
  push: ({ segment, firstSample, pcm }) => (pcm.length === 0 ? [] : [{ segment, firstSample, bytes: pcm }]),
  end: () => [],
};

/** What the resampler sees as one stream. */
interface Stretch {
  resampler: Resampler;
  segment: number;
  /** Where its next byte stands. */
  nextSample: number;
}

/** G.711, 8 kHz. Lags 4 ms: the resampler looks so far ahead. */
class TelephoneCoding implements VoiceCoding {
  readonly lags = true;
  private stretch: Stretch | undefined;

  constructor(
    private readonly encode: (samples: Int16Array) => Uint8Array,
    private readonly bySegment: boolean,
  ) {}

  push({ segment, firstSample, pcm, last }: VoicePiece): CodedVoice[] {
    const stretch = (this.stretch ??= {
      resampler: new Resampler(SAMPLE_RATE_HZ, TELEPHONE_RATE_HZ),
      segment,
      nextSample: firstSample,
    });
    const coded = this.coded(stretch, stretch.resampler.push(samplesOf(pcm)));
    return last && this.bySegment ? [...coded, ...this.end()] : coded;
  }

  end(): CodedVoice[] {
    const { stretch } = this;
    this.stretch = undefined;
    return stretch ? this.coded(stretch, stretch.resampler.end()) : [];
  }

  private coded(stretch: Stretch, samples: Int16Array): CodedVoice[] {
    if (samples.length === 0) return [];
    const { segment, nextSample } = stretch;
    stretch.nextSample += samples.length * SAMPLES_PER_BYTE;
    return [{ segment, firstSample: nextSample, bytes: this.encode(samples) }];
  }
}

/** A copy: in the message it came with, PCM may lie at an odd place. */
const samplesOf = (pcm: Uint8Array): Int16Array => new Int16Array(new Uint8Array(pcm).buffer);
