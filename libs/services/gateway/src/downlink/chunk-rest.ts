import { SAMPLE_BYTES, type ChunkView } from '@parley/model';

/** The PCM of a chunk without its first `skipSamples`. */
export const pcmAfter = (chunk: ChunkView, skipSamples: number): Uint8Array =>
  skipSamples === 0 ? chunk.pcm : chunk.pcm.subarray(skipSamples * SAMPLE_BYTES);

/**
 * A binary frame without the samples that the client already has, at the sample it goes on with: the end of a rendering
 * that is shorter than the one it replaced lies before that.
 */
export function frameAfter(chunk: ChunkView, skipSamples: number, firstSample: number): Uint8Array {
  if (skipSamples === 0 && chunk.firstSample === firstSample) return chunk.frame;
  const headerBytes = chunk.frame.length - chunk.pcm.length;
  const frame = new Uint8Array(chunk.frame.length - skipSamples * SAMPLE_BYTES);
  frame.set(chunk.frame.subarray(0, headerBytes));
  frame.set(pcmAfter(chunk, skipSamples), headerBytes);
  new DataView(frame.buffer).setUint32(4, firstSample, true);
  return frame;
}
