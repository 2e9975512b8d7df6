import { samplesOf } from './spec-client';
import { defaultToneHz, voicePcm, voiceSamples, wavHeader } from './voice-pcm';

const TEXT = 'A tone.';

/** The share of a frequency in a piece of audio, as an amplitude between 0 and 1. */
function amplitudeAt(pcm: Int16Array, toneHz: number): number {
  let inPhase = 0;
  let quadrature = 0;
  for (const [index, level] of pcm.entries()) {
    inPhase += level * Math.cos((2 * Math.PI * toneHz * index) / 24_000);
    quadrature += level * Math.sin((2 * Math.PI * toneHz * index) / 24_000);
  }
  return (2 * Math.hypot(inPhase, quadrature)) / pcm.length / 32_767;
}

describe('the length of a voice', () => {
  it('is characters times samples per character, and at least one sample', () => {
    expect(voiceSamples('12345')).toBe(7_200);
    expect(voiceSamples('12345', 100)).toBe(500);
    expect(voiceSamples('123', 0.5)).toBe(2);
    expect(voiceSamples('1', 0)).toBe(1);
    expect(voicePcm('12345', { samplesPerCharacter: 100 }).samples).toBe(500);
  });
});

describe('a tone', () => {
  it('has the frequency asked for and amplitude 0.3', () => {
    const pcm = samplesOf(voicePcm(TEXT, { toneHz: 1_000 }).render(240, 4_800));
    expect(amplitudeAt(pcm, 1_000)).toBeCloseTo(0.3, 2);
    expect(amplitudeAt(pcm, 1_500)).toBeLessThan(0.01);
  });

  it('takes its frequency from the text, by a function or by default', () => {
    const own = samplesOf(voicePcm(TEXT, { toneHz: (text) => text.length * 100 }).render(240, 4_800));
    expect(amplitudeAt(own, 700)).toBeCloseTo(0.3, 2);
    const byDefault = samplesOf(voicePcm(TEXT, {}).render(240, 4_800));
    expect(amplitudeAt(byDefault, defaultToneHz(TEXT))).toBeCloseTo(0.3, 2);
  });

  it('fades for 5 ms at both ends', () => {
    const { samples, render } = voicePcm(TEXT, { toneHz: 3_000 });
    const pcm = samplesOf(render(0, samples));
    const peak = (from: number, to: number): number => Math.max(...pcm.slice(from, to).map(Math.abs));
    expect(pcm[0]).toBe(0);
    expect(pcm.at(-1)).toBe(0);
    expect(peak(0, 60)).toBeLessThan(9_830 * 0.55);
    expect(peak(samples - 60, samples)).toBeLessThan(9_830 * 0.55);
    expect(peak(120, 240)).toBeGreaterThan(9_830 * 0.95);
  });

  it('is the same however it is cut into pieces', () => {
    const voice = voicePcm(TEXT, { toneHz: 777 });
    const whole = samplesOf(voice.render(0, voice.samples));
    const pieces = [0, 1, 481, 5_000, voice.samples];
    const joined = pieces.slice(1).map((to, index) => voice.render(pieces[index] ?? 0, to));
    const differences = samplesOf(Buffer.concat(joined)).map((level, index) => Math.abs(level - (whole[index] ?? 0)));
    expect(differences).toHaveLength(voice.samples);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });
});

describe('the wav header', () => {
  it('says PCM, mono, 24 kHz, 16 bit, of unknown length as a stream does', () => {
    const header = wavHeader();
    expect(header.toString('latin1', 0, 4) + header.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect([header.readUInt16LE(20), header.readUInt16LE(22), header.readUInt32LE(24)]).toEqual([1, 1, 24_000]);
    expect([header.readUInt32LE(28), header.readUInt16LE(32), header.readUInt16LE(34)]).toEqual([48_000, 2, 16]);
    expect([header.readUInt32LE(4), header.readUInt32LE(40)]).toEqual([0xffffffff, 0xffffffff]);
  });
});
