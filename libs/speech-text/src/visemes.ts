import type { PhonemeTiming, Viseme, VisemeName } from '@parley/model';
import { layOut, mergeEqual } from './viseme-line';

/** IPA letters by the shape of the mouth (Oculus-15); diacritics, stress and length have none. */
const IPA: readonly (readonly [VisemeName, string])[] = [
  ['aa', 'aɑɐʌɒæ'],
  ['E', 'eɛəɜɚɝøœɘ'],
  ['I', 'iɪɨᵻjyʏ'],
  ['O', 'oɔɤɵ'],
  ['U', 'uʊwɯɰʉ'],
  ['PP', 'pbmɓ'],
  ['FF', 'fvɸβⱱɱ'],
  ['TH', 'θð'],
  ['DD', 'tdɾʈɖ'],
  ['kk', 'kɡgŋqxɣχħhɢʔcɟɦ'],
  ['CH', 'ʃʒɕʑɲ'],
  ['SS', 'szʂʐɬ'],
  ['nn', 'nlɫɭɳʎɴʟ'],
  ['RR', 'rɹɻʀʁɽ'],
];

const VISEME_OF_IPA: ReadonlyMap<string, VisemeName> = new Map(
  IPA.flatMap(([viseme, letters]) => [...letters].map((letter) => [letter, viseme] as const)),
);

/**
 * The mouth's shapes for phonemes in IPA, ms as given. A phoneme of several letters (a diphthong, an affricate) is split
 * evenly over its shapes; '' is a pause; what has no shape of its own leaves the mouth as it was.
 */
export function visemesOfPhonemes(phonemes: readonly PhonemeTiming[]): Viseme[] {
  const visemes: Viseme[] = [];
  for (const { phoneme, startMs, durationMs } of phonemes) {
    const shapes: VisemeName[] = phoneme === '' ? ['sil'] : shapesOf(phoneme);
    if (shapes.length === 0) {
      const before = visemes.at(-1);
      if (before !== undefined) before.durationMs = startMs + durationMs - before.startMs;
      continue;
    }
    const weighted = shapes.map((viseme) => ({ viseme, weight: 1 }));
    visemes.push(...layOut(weighted, startMs, durationMs));
  }
  return mergeEqual(visemes);
}

function shapesOf(phoneme: string): VisemeName[] {
  const shapes: VisemeName[] = [];
  for (const letter of phoneme.normalize('NFD')) {
    const shape = VISEME_OF_IPA.get(letter);
    if (shape !== undefined && shape !== shapes.at(-1)) shapes.push(shape);
  }
  return shapes;
}
