import { SAMPLE_BYTES } from '@parley/model';

/** Half a second of audio: what one bus message carries at most. */
const MAX_PIECE_BYTES = 24_000;

/** Makes pieces of whole samples out of a byte stream that may be cut anywhere. Copies only to mend a cut sample. */
export class SampleCutter {
  private half: number | undefined;

  push(bytes: Buffer): Uint8Array[] {
    const joined = this.half === undefined ? bytes : Buffer.concat([Buffer.of(this.half), bytes]);
    const wholeBytes = joined.length - (joined.length % SAMPLE_BYTES);
    this.half = joined[wholeBytes];
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < wholeBytes; from += MAX_PIECE_BYTES) {
      pieces.push(joined.subarray(from, Math.min(from + MAX_PIECE_BYTES, wholeBytes)));
    }
    return pieces;
  }
}
