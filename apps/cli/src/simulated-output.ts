import type { AudioOutput, ClientSystem, Piece } from '@parley/client';
import { SAMPLE_BYTES, samplesOfMs } from '@parley/model';
import type { ResponseId } from '@parley/model';

/** A loudspeaker that makes no sound: it keeps what it was given, and its clock is the system's. */
export class SimulatedOutput implements AudioOutput {
  readonly leadSamples = 0;
  private readonly startMs: number;
  private readonly pcm = new Map<ResponseId, Uint8Array[]>();

  constructor(private readonly system: ClientSystem) {
    this.startMs = system.clock.nowMs();
  }

  nowSample(): number {
    return samplesOfMs(this.system.clock.nowMs() - this.startMs);
  }

  heardSample(): number {
    return this.nowSample();
  }

  play(piece: Piece, pcm: Uint8Array): void {
    const kept = this.pcm.get(piece.responseId);
    if (kept === undefined) this.pcm.set(piece.responseId, [pcm]);
    else kept.push(pcm);
  }

  /** Where a piece stands is the timeline's business; there is no sound to move, cut or release. */
  move(): void {}
  cut(): void {}
  release(): void {}

  /** The first `samples` of a response, as PCM16LE. */
  recording(responseId: ResponseId, samples: number): Uint8Array {
    const pcm = new Uint8Array(samples * SAMPLE_BYTES);
    let filled = 0;
    for (const part of this.pcm.get(responseId) ?? []) {
      const fitting = part.subarray(0, pcm.length - filled);
      pcm.set(fitting, filled);
      filled += fitting.length;
    }
    return pcm;
  }
}
