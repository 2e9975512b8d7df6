import { Resampler } from './resample';

const tone = (hz: number, rateHz: number, samples: number, level = 10_000): Int16Array =>
  Int16Array.from({ length: samples }, (_, n) => Math.round(level * Math.sin((2 * Math.PI * hz * n) / rateHz)));

function resample(input: Int16Array, fromHz: number, toHz: number, chunk = input.length): Int16Array {
  const resampler = new Resampler(fromHz, toHz);
  const parts: Int16Array[] = [];
  for (let at = 0; at < input.length; at += chunk) parts.push(resampler.push(input.subarray(at, at + chunk)));
  parts.push(resampler.end());
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** Root of the mean square of a stretch away from the ends, where the tone was cut on and off. */
function levelOf(samples: Int16Array, margin = 200): number {
  const inner = samples.subarray(margin, samples.length - margin);
  return Math.sqrt(inner.reduce((sum, sample) => sum + sample * sample, 0) / inner.length);
}

const decibels = (level: number, reference: number): number => 20 * Math.log10(Math.max(level, 1e-9) / reference);

const RATES: [number, number][] = [
  [22_050, 24_000],
  [24_000, 22_050],
  [24_000, 8_000],
  [8_000, 24_000],
  [24_000, 16_000],
  [16_000, 24_000],
  [48_000, 24_000],
  [44_100, 24_000],
  [24_000, 24_000],
];

describe('Resampler', () => {
  it.each(RATES)('gives ceil(n × to ÷ from) samples: %i to %i Hz', (fromHz, toHz) => {
    for (const samples of [0, 1, 2, 100, 147, 2_206, 10_000]) {
      expect(resample(tone(440, fromHz, samples), fromHz, toHz)).toHaveLength(Math.ceil((samples * toHz) / fromHz));
    }
  });

  it.each(RATES)('gives the same samples however the input is cut: %i to %i Hz', (fromHz, toHz) => {
    const input = tone(440, fromHz, 3_000);
    const whole = resample(input, fromHz, toHz);
    for (const chunk of [1, 7, 100, 441, 2_999]) expect(resample(input, fromHz, toHz, chunk)).toEqual(whole);
  });

  it.each(RATES)('keeps a tone in place, level and phase: %i to %i Hz', (fromHz, toHz) => {
    const output = resample(tone(1_000, fromHz, fromHz), fromHz, toHz);
    const expected = tone(1_000, toHz, output.length);
    const error = output.map((sample, n) => sample - (expected[n] ?? 0));
    expect(decibels(levelOf(error), levelOf(expected))).toBeLessThan(-60);
  });

  it.each<[number, number, number]>([
    [24_000, 8_000, 3_300],
    [24_000, 16_000, 6_600],
    [22_050, 24_000, 9_000],
    [48_000, 24_000, 9_900],
  ])('keeps what the lower rate can carry: %i to %i Hz at %i Hz', (fromHz, toHz, hz) => {
    const input = tone(hz, fromHz, fromHz);
    expect(decibels(levelOf(resample(input, fromHz, toHz)), levelOf(input))).toBeGreaterThan(-0.5);
  });

  it.each<[number, number, number]>([
    [24_000, 8_000, 4_100],
    [24_000, 8_000, 7_500],
    [24_000, 8_000, 11_000],
    [24_000, 16_000, 8_200],
    [48_000, 24_000, 12_300],
    [44_100, 24_000, 20_000],
  ])('lets nothing fold back that the lower rate cannot carry: %i to %i Hz at %i Hz', (fromHz, toHz, hz) => {
    const input = tone(hz, fromHz, fromHz);
    expect(decibels(levelOf(resample(input, fromHz, toHz)), levelOf(input))).toBeLessThan(-65);
  });

  it('makes no mirror image when the rate is raised', () => {
    const output = resample(tone(3_000, 8_000, 8_000), 8_000, 24_000);
    const expected = tone(3_000, 24_000, output.length);
    const image = output.map((sample, n) => sample - (expected[n] ?? 0));
    expect(decibels(levelOf(image), levelOf(expected))).toBeLessThan(-60);
  });

  it('keeps a constant level constant', () => {
    const output = resample(new Int16Array(2_000).fill(12_345), 22_050, 24_000);
    expect(new Set(output.subarray(100, 2_000))).toEqual(new Set([12_345]));
  });

  it('clips instead of wrapping around', () => {
    const square = Int16Array.from({ length: 2_000 }, (_, n) => (Math.floor(n / 20) % 2 === 0 ? 32_767 : -32_768));
    const output = resample(square, 22_050, 24_000);
    for (let n = 1; n < output.length; n++) {
      const place = Math.floor((n * 22_050) / 24_000) % 20;
      // In the middle of each half wave the sign is certain.
      if (place > 5 && place < 15)
        expect(Math.sign(output[n] ?? 0)).toBe(Math.floor((n * 147) / 160 / 20) % 2 === 0 ? 1 : -1);
    }
  });

  it('refuses rates that are none', () => {
    expect(() => new Resampler(0, 24_000)).toThrow('no sample rates');
    expect(() => new Resampler(22_050.5, 24_000)).toThrow('no sample rates');
  });
});
