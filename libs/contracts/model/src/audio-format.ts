/** Inside Parley all audio is PCM16 little-endian, mono, at this rate; edges convert (design §6). */
export const SAMPLE_RATE_HZ = 24_000;
/** Bytes of one sample: 16 bit, one channel. */
export const SAMPLE_BYTES = 2;
export const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/** Whole samples in `ms`, rounded down: a position never claims audio that was not there. */
export const samplesOfMs = (ms: number): number => Math.floor(ms * SAMPLES_PER_MS);
/** Whole milliseconds in `samples`, rounded down; the Realtime API requires integers. */
export const msOfSamples = (samples: number): number => Math.floor(samples / SAMPLES_PER_MS);
export const samplesOfBytes = (bytes: number): number => Math.floor(bytes / SAMPLE_BYTES);
