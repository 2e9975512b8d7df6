import { fnv1a32, indexedSampleAt, readIndexedSamples, voiceSamples } from '@parley/fakes';

/** Samples that follow each other in one text's audio; `textHash` undefined: not a sample of any text. */
export interface Run {
  textHash: number | undefined;
  from: number;
  samples: number;
}

/** A sentence as it is to be heard. */
export interface Expected {
  text: string;
  textHash: number;
  samples: number;
}

export type HeardFault =
  | { kind: 'sample-twice'; segment: number; samples: number }
  | { kind: 'sample-missing'; segment: number; samples: number }
  | { kind: 'out-of-order'; segment: number; samples: number }
  | { kind: 'foreign-sound'; segment: undefined; samples: number };

/** The segments of a transcript as the fake voice speaks them: without the white space around them. */
export const expectedOf = (texts: readonly string[], samplesPerCharacter: number): Expected[] =>
  texts.map((each) => {
    const text = each.trim();
    return { text, textHash: fnv1a32(text), samples: voiceSamples(text, samplesPerCharacter) };
  });

/**
 * What was heard, read from the samples alone. `lengthOf` says how long a text's audio is: where one ends and another begins, the
 * first samples of the second could as well go on with the first.
 */
export function runsIn(pcm: Int16Array, lengthOf: (textHash: number) => number | undefined): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < pcm.length;) {
    const position = readIndexedSamples(pcm, at);
    if (position === undefined) {
      addForeign(runs, at);
      at++;
      continue;
    }
    const { textHash, sampleIndex } = position;
    const end = Math.min(pcm.length, at + Math.max(1, (lengthOf(textHash) ?? Infinity) - sampleIndex));
    const start = at++;
    while (at < end && pcm[at] === indexedSampleAt(textHash, sampleIndex + at - start)) at++;
    runs.push({ textHash, from: sampleIndex, samples: at - start });
  }
  return runs;
}

function addForeign(runs: Run[], from: number): void {
  const last = runs.at(-1);
  if (last && last.textHash === undefined) last.samples++;
  else runs.push({ textHash: undefined, from, samples: 1 });
}

/** What sounded: where playback waits for audio there are zeros of no text, be it for a single sample. */
export const withoutPauses = (runs: readonly Run[], pcm: Int16Array): Run[] =>
  runs.filter(
    ({ textHash, from, samples }) =>
      textHash !== undefined || pcm.subarray(from, from + samples).some((sample) => sample !== 0),
  );

interface Interval {
  from: number;
  to: number;
}

/** Each sample of each expected text exactly once, in order: what is not so. */
export function heardFaults(runs: readonly Run[], expected: readonly Expected[]): HeardFault[] {
  const faults: HeardFault[] = [];
  const heard = expected.map((): Interval[] => []);
  let next = { segment: 0, sample: 0 };
  for (const { textHash, from, samples } of runs) {
    const segment = expected.findIndex((each) => each.textHash === textHash);
    const before = heard[segment];
    if (!before) {
      faults.push({ kind: 'foreign-sound', segment: undefined, samples });
      continue;
    }
    const run = { from, to: from + samples };
    const again = common(before, run);
    if (again > 0) faults.push({ kind: 'sample-twice', segment, samples: again });
    // Passed over before and made up for now: whoever listened heard it in the wrong place.
    const passed = { from, to: segment < next.segment ? run.to : Math.min(run.to, next.sample) };
    const late = segment > next.segment ? 0 : Math.max(0, passed.to - passed.from) - common(before, passed);
    if (late > 0) faults.push({ kind: 'out-of-order', segment, samples: late });
    before.push(run);
    if (segment > next.segment || (segment === next.segment && run.to > next.sample))
      next = { segment, sample: run.to };
  }
  expected.forEach(({ samples }, segment) => {
    const missing = samples - common(heard[segment] ?? [], { from: 0, to: samples });
    if (missing > 0) faults.push({ kind: 'sample-missing', segment, samples: missing });
  });
  return faults;
}

/** Whether the missing samples are the end and nothing but the end, as of an answer that was interrupted. */
export function isBeginning(runs: readonly Run[], expected: readonly Expected[]): boolean {
  let segment = 0;
  let sample = 0;
  for (const run of runs) {
    while (expected[segment] !== undefined && sample === expected[segment]?.samples) {
      segment++;
      sample = 0;
    }
    if (run.textHash !== expected[segment]?.textHash || run.from !== sample) return false;
    sample += run.samples;
  }
  return true;
}

/** Samples of `of` that lie in any of the intervals. */
function common(intervals: readonly Interval[], of: Interval): number {
  let sum = 0;
  let end = of.from;
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    const until = Math.min(to, of.to);
    sum += Math.max(0, until - Math.max(from, end));
    end = Math.max(end, until);
  }
  return sum;
}
