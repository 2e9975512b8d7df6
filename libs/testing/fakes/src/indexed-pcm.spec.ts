import { fnv1a32 } from './fnv1a';
import { indexedSampleAt, readIndexedSamples } from './indexed-pcm';

const indexed = (text: string, fromSample: number, samples: number): number[] =>
  Array.from({ length: samples }, (_, index) => indexedSampleAt(fnv1a32(text), fromSample + index));

describe('FNV-1a', () => {
  it('gives the published values, over UTF-8 bytes', () => {
    expect(fnv1a32('')).toBe(0x811c9dc5);
    expect(fnv1a32('a')).toBe(0xe40c292c);
    expect(fnv1a32('foobar')).toBe(0xbf9cf968);
    expect(fnv1a32('ü')).not.toBe(fnv1a32('u'));
  });
});

describe('indexed samples', () => {
  it('are read from any 64 consecutive samples, at every alignment', () => {
    const textHash = fnv1a32('Any alignment.');
    for (const base of [0, 1_000_000, 5_898_000]) {
      for (let shift = 0; shift < 64; shift += 1) {
        const window = Int16Array.from(indexed('Any alignment.', base + shift, 64));
        expect(readIndexedSamples(window)).toEqual({ textHash, sampleIndex: base + shift });
      }
    }
  });

  it('are read from an offset within a longer piece', () => {
    const pcm = Int16Array.from(indexed('Offset.', 300, 500));
    expect(readIndexedSamples(pcm, 123)).toEqual({ textHash: fnv1a32('Offset.'), sampleIndex: 423 });
  });

  it('carry hashes with the highest bit set', () => {
    const text = ['a', 'b', 'c', 'd'].find((candidate) => fnv1a32(candidate) >= 0x80000000) ?? '';
    expect(readIndexedSamples(Int16Array.from(indexed(text, 7, 64)))?.textHash).toBe(fnv1a32(text));
  });

  it('stay well inside 16 bits and survive a trip through floating point', () => {
    const levels = indexed('Float.', 77, 4_000);
    expect(Math.max(...levels.map(Math.abs))).toBeLessThan(32_000);
    const travelled = Int16Array.from(levels.map((level) => Math.trunc(Math.fround(level / 32_768) * 32_767)));
    expect(readIndexedSamples(travelled)).toEqual({ textHash: fnv1a32('Float.'), sampleIndex: 77 });
  });

  it('are not found in silence, in a tone, or past the end', () => {
    const tone = Int16Array.from({ length: 200 }, (_, index) => Math.round(9_830 * Math.sin(index / 10)));
    expect(readIndexedSamples(new Int16Array(200))).toBeUndefined();
    expect(readIndexedSamples(tone)).toBeUndefined();
    expect(readIndexedSamples(Int16Array.from(indexed('Short.', 0, 64)), 64)).toBeUndefined();
    expect(readIndexedSamples(new Int16Array(0))).toBeUndefined();
  });

  it('show one lost, one repeated and one exchanged sample', () => {
    const whole = indexed('Splice.', 0, 64);
    const lost = [...whole.slice(0, 20), ...whole.slice(21)];
    const repeated = [...whole.slice(0, 20), whole[19] ?? 0, ...whole.slice(20)];
    const exchanged = [...whole.slice(0, 20), ...indexed('Other.', 20, 44)];
    for (const spliced of [lost, repeated, exchanged]) {
      expect(readIndexedSamples(Int16Array.from(spliced))).toBeUndefined();
    }
  });

  it('locate a splice between two texts exactly, in the middle of a frame', () => {
    const pcm = Int16Array.from([...indexed('First.', 0, 77), ...indexed('Second.', 1_005, 90)]);
    const first = readIndexedSamples(pcm);
    if (first === undefined) throw new Error('the first text was not recognised');
    let at = 0;
    while (pcm[at] === indexedSampleAt(first.textHash, first.sampleIndex + at)) at += 1;
    expect(at).toBe(77);
    expect(readIndexedSamples(pcm, at)).toEqual({ textHash: fnv1a32('Second.'), sampleIndex: 1_005 });
  });
});
