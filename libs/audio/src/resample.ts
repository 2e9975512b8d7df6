import { InvariantError } from '@parley/model';

/**
 * Half the filter's length, in periods of the lower rate: about 80 dB of stop band behind a transition of 8 % of that
 * rate, so telephone audio (8 kHz) keeps its 3.4 kHz.
 */
const HALF_PERIODS = 32;
/** Shape of the Kaiser window for 80 dB. */
const KAISER_BETA = 7.86;
/** Middle of the transition, as a part of the lower rate: the stop band begins at half of it. */
const CUTOFF = 0.46;

/** The filter of one pair of rates: a row of taps for each position between two input samples. */
interface Filter {
  /** Output samples per `step` input samples. */
  phases: number;
  step: number;
  taps: number;
  rows: Float32Array;
}

const filters = new Map<string, Filter>();

/**
 * Changes the sample rate of one stream of mono PCM16, chunk by chunk: the same samples come out however the input is
 * cut. The output is in time with the input (no delay is added); `n` samples in give `ceil(n × to ÷ from)` out.
 */
export class Resampler {
  private readonly filter: Filter;
  /** Input still in the filter's reach; begins `half` - 1 samples before the next output's place. */
  private pending: Int16Array;
  /** Place of the next output sample between pending[half - 1] and the next, in 1/phases. */
  private phase = 0;
  private samplesIn = 0;
  private samplesOut = 0;

  constructor(fromHz: number, toHz: number) {
    this.filter = filterOf(fromHz, toHz);
    // Silence before the first sample.
    this.pending = new Int16Array(this.half - 1);
  }

  push(input: Int16Array): Int16Array {
    this.samplesIn += input.length;
    return this.run(input);
  }

  /** The rest that was waiting for what follows; the stream is over. */
  end(): Int16Array {
    const { phases, step } = this.filter;
    const total = Math.ceil((this.samplesIn * phases) / step);
    const missing = total - this.samplesOut;
    return this.run(new Int16Array(this.half + step)).subarray(0, missing);
  }

  private get half(): number {
    return this.filter.taps / 2;
  }

  private run(input: Int16Array): Int16Array {
    const { phases, step, taps, rows } = this.filter;
    const samples = new Int16Array(this.pending.length + input.length);
    samples.set(this.pending);
    samples.set(input, this.pending.length);
    const positions = Math.max(0, samples.length - taps + 1);
    const output = new Int16Array(Math.max(0, Math.ceil((positions * phases - this.phase) / step)));
    let at = 0;
    let { phase } = this;
    for (let n = 0; n < output.length; n++) {
      output[n] = dot(samples, at, rows, phase * taps, taps);
      phase += step;
      at += Math.floor(phase / phases);
      phase %= phases;
    }
    this.phase = phase;
    // One step is shorter than the filter, so the next place is never beyond what is there.
    this.pending = samples.subarray(at);
    this.samplesOut += output.length;
    return output;
  }
}

/** The hot loop: four sums that do not wait for each other halve its time. */
function dot(samples: Int16Array, at: number, rows: Float32Array, row: number, taps: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let tap = 0; tap < taps; tap += 4) {
    a += (samples[at + tap] ?? 0) * (rows[row + tap] ?? 0);
    b += (samples[at + tap + 1] ?? 0) * (rows[row + tap + 1] ?? 0);
    c += (samples[at + tap + 2] ?? 0) * (rows[row + tap + 2] ?? 0);
    d += (samples[at + tap + 3] ?? 0) * (rows[row + tap + 3] ?? 0);
  }
  return Math.max(-32_768, Math.min(32_767, Math.round(a + b + c + d)));
}

function filterOf(fromHz: number, toHz: number): Filter {
  if (!(fromHz > 0 && toHz > 0 && Number.isInteger(fromHz) && Number.isInteger(toHz))) {
    throw new InvariantError(`no sample rates: ${fromHz} Hz to ${toHz} Hz`);
  }
  const key = `${fromHz}/${toHz}`;
  const filter = filters.get(key) ?? makeFilter(fromHz, toHz);
  filters.set(key, filter);
  return filter;
}

function makeFilter(fromHz: number, toHz: number): Filter {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const phases = toHz / divisor;
  const lowerRate = Math.min(1, toHz / fromHz);
  // Even, so that the taps can be taken by four.
  const half = 2 * Math.ceil(HALF_PERIODS / lowerRate / 2);
  const taps = 2 * half;
  const rows = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    const weights = Array.from({ length: taps }, (_, tap) => weight(tap - half + 1 - phase / phases, half, lowerRate));
    // Every place between two samples has the same gain, or a constant level would ripple.
    const sum = weights.reduce((total, each) => total + each, 0);
    weights.forEach((each, tap) => {
      rows[phase * taps + tap] = each / sum;
    });
  }
  return { phases, step: fromHz / divisor, taps, rows };
}

/** Windowed sinc at `distance` input samples from the output's place. */
function weight(distance: number, half: number, lowerRate: number): number {
  const x = 2 * CUTOFF * lowerRate * distance;
  const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  const place = distance / half;
  return place * place >= 1 ? 0 : sinc * besselI0(KAISER_BETA * Math.sqrt(1 - place * place));
}

function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > sum * 1e-12; n++) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
