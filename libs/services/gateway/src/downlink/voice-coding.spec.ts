import type { WireAudioFormat } from '@parley/model';
import { voiceCodingOf, type CodedVoice, type VoiceCoding } from './voice-coding';

const PCMU: WireAudioFormat = { type: 'audio/pcmu' };
const PCMA: WireAudioFormat = { type: 'audio/pcma' };

/** µ-law as the standard decodes it (G.711, table 2a), in 16 bit. */
function fromMuLaw(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 0x0f) << 1) + 33) << ((inverted >> 4) & 7)) - 33;
  return (inverted & 0x80 ? -magnitude : magnitude) * 4;
}

const tone = (hz: number, samples: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => Math.round(10_000 * Math.sin((2 * Math.PI * hz * n) / 24_000)));

/** A segment of these samples in chunks, as they come from a voice. */
function speak(coding: VoiceCoding, pcm: Int16Array, chunk: number, segment = 0): CodedVoice[] {
  const coded: CodedVoice[] = [];
  for (let at = 0; at < pcm.length; at += chunk) {
    const part = pcm.slice(at, at + chunk);
    const last = at + chunk >= pcm.length;
    coded.push(...coding.push({ segment, firstSample: at, pcm: new Uint8Array(part.buffer), last }));
  }
  return coded;
}
const bytesOf = (coded: readonly CodedVoice[]): number[] => coded.flatMap(({ bytes }) => [...bytes]);

describe('PCM', () => {
  it('goes out as it came, piece by piece, and nothing stays behind', () => {
    const coding = voiceCodingOf({ type: 'audio/pcm', rate: 24_000 }, { bySegment: true });
    const pcm = Uint8Array.of(1, 2, 3, 4);
    expect(coding.push({ segment: 2, firstSample: 7, pcm, last: false })).toEqual([
      { segment: 2, firstSample: 7, bytes: pcm },
    ]);
    expect(coding.push({ segment: 2, firstSample: 9, pcm: new Uint8Array(0), last: true })).toEqual([]);
    expect(coding.end()).toEqual([]);
  });
});

describe('G.711', () => {
  it.each([1, 2, 3, 100, 2_400, 7_201])(
    'is a third of the samples, rounded up, over the whole response: %i',
    (samples) => {
      for (const chunk of [1, 7, 480, 5_000]) {
        const coding = voiceCodingOf(PCMU, { bySegment: false });
        const first = speak(coding, tone(400, samples), chunk);
        const second = speak(coding, tone(400, 1_000), chunk, 1);
        expect(bytesOf([...first, ...second, ...coding.end()])).toHaveLength(Math.ceil((samples + 1_000) / 3));
      }
    },
  );

  it('is the same however the voice was cut into chunks and segments', () => {
    const whole = voiceCodingOf(PCMA, { bySegment: false });
    const expected = bytesOf([...speak(whole, tone(1_000, 4_801), 9_999), ...whole.end()]);
    for (const chunk of [1, 50, 480, 1_000]) {
      const coding = voiceCodingOf(PCMA, { bySegment: false });
      const pcm = tone(1_000, 4_801);
      const coded = [...speak(coding, pcm.slice(0, 1_999), chunk), ...speak(coding, pcm.slice(1_999), chunk, 1)];
      expect(bytesOf([...coded, ...coding.end()])).toEqual(expected);
    }
  });

  it('sounds as the voice does: every third sample of a tone, but for the steps of the law', () => {
    const coding = voiceCodingOf(PCMU, { bySegment: false });
    const pcm = tone(1_000, 24_000);
    const heard = bytesOf([...speak(coding, pcm, 480), ...coding.end()]).map(fromMuLaw);
    const wanted = heard.map((_, n) => pcm[3 * n] ?? 0);
    const energy = (samples: readonly number[]): number => samples.slice(100, -100).reduce((sum, s) => sum + s * s, 0);
    const noise = energy(heard.map((sample, n) => sample - (wanted[n] ?? 0)));
    expect(10 * Math.log10(energy(wanted) / noise)).toBeGreaterThan(33);
  });

  it('lets nothing through that 8 kHz cannot carry', () => {
    const coding = voiceCodingOf(PCMU, { bySegment: false });
    const heard = bytesOf([...speak(coding, tone(6_500, 24_000), 480), ...coding.end()]).map(fromMuLaw);
    // It would be a tone of 1.5 kHz.
    expect(Math.max(...heard.slice(100, -100).map(Math.abs))).toBeLessThan(50);
  });

  it('of one response knows nothing of another', () => {
    const [one, other] = [voiceCodingOf(PCMU, { bySegment: false }), voiceCodingOf(PCMU, { bySegment: false })];
    const silence = new Int16Array(960);
    one.push({ segment: 0, firstSample: 0, pcm: new Uint8Array(tone(400, 960).buffer), last: false });
    const heard = bytesOf([...speak(other, silence, 480), ...other.end()]);
    expect(new Set(heard)).toEqual(new Set([0xff]));
  });

  it('takes PCM from any place in a message', () => {
    const pcm = new Uint8Array(tone(400, 480).buffer);
    const odd = new Uint8Array(pcm.length + 1);
    odd.set(pcm, 1);
    const [even, shifted] = [pcm, odd.subarray(1)].map((each) => {
      const coding = voiceCodingOf(PCMU, { bySegment: false });
      return bytesOf([...coding.push({ segment: 0, firstSample: 0, pcm: each, last: true }), ...coding.end()]);
    });
    expect(shifted).toEqual(even);
  });
});

describe('G.711 for a client that counts by segment', () => {
  it('ends each segment with its own last byte, and says where each piece begins in samples of 24 kHz', () => {
    const coding = voiceCodingOf(PCMU, { bySegment: true });
    const coded = [...speak(coding, tone(400, 1_000), 480), ...speak(coding, tone(400, 500), 480, 1)];
    expect(coding.end()).toEqual([]);
    for (const [segment, samples] of [1_000, 500].entries()) {
      let next = 0;
      for (const each of coded.filter((piece) => piece.segment === segment)) {
        expect(each.firstSample).toBe(next);
        next += 3 * each.bytes.length;
      }
      expect(next).toBe(3 * Math.ceil(samples / 3));
    }
    expect(coded.every(({ firstSample }) => firstSample % 3 === 0)).toBe(true);
  });

  it('goes on at the sample that an older connection stopped at', () => {
    const coding = voiceCodingOf(PCMU, { bySegment: true });
    const pcm = new Uint8Array(tone(400, 601).buffer);
    const coded = coding.push({ segment: 3, firstSample: 300, pcm, last: true });
    expect(coded[0]).toMatchObject({ segment: 3, firstSample: 300 });
    expect(300 + 3 * bytesOf(coded).length).toBe(300 + 603);
  });
});
