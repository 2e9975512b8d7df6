import type { TtsEvent, TtsPort, TtsRequest } from '@parley/ports';
import type { SimulatedProcess } from './simulated-process';

export const TTS_MODES = ['slow', 'stalled', 'failing', 'ends-early', 'ends-twice', 'never-ends', 'throws'] as const;
export type TtsMode = (typeof TTS_MODES)[number] | 'well';

/** The voice's provider; shared by all processes that call it. */
export interface VoiceProvider {
  mode: TtsMode;
  samplesPerCharacter: number;
  touched: Record<Exclude<TtsMode, 'well'>, number>;
}

/** Audio comes in pieces of so many ms. */
const PIECE_MS = 100;
const PIECE_SAMPLES = PIECE_MS * 24;

/** A voice of a constant rate, faster than real time, and bad while a fault says so. */
export class ScriptedTts implements TtsPort {
  readonly timings = 'none';
  readonly deterministic = false;

  constructor(
    private readonly provider: VoiceProvider,
    private readonly process: SimulatedProcess,
  ) {}

  async unavailable(): Promise<string | undefined> {
    return undefined;
  }

  async *synthesize({ text }: TtsRequest, signal: AbortSignal): AsyncIterable<TtsEvent> {
    const { provider, process } = this;
    const { dice } = process;
    const { mode } = provider;
    if (mode !== 'well') provider.touched[mode]++;
    const total = Math.round(text.trimEnd().length * provider.samplesPerCharacter);
    const until = ['stalled', 'failing', 'ends-early', 'throws'].includes(mode) ? dice.integer(0, total - 1) : total;
    await process.pause(mode === 'slow' ? dice.between(500, 4_500) : dice.between(30, 250), signal);
    const pieceMs = mode === 'slow' ? PIECE_MS * dice.between(0.8, 2) : PIECE_MS / dice.between(2, 12);
    for (let sent = 0; sent < until && !signal.aborted; sent += PIECE_SAMPLES) {
      yield { kind: 'audio', pcm: new Uint8Array(2 * Math.min(PIECE_SAMPLES, until - sent)) };
      await process.pause(pieceMs, signal);
    }
    if (!signal.aborted) yield* this.end(mode, signal);
  }

  async close(): Promise<void> {
    // Holds nothing.
  }

  private async *end(mode: TtsMode, signal: AbortSignal): AsyncIterable<TtsEvent> {
    switch (mode) {
      case 'stalled':
        return void (await this.process.pause(1e9, signal));
      case 'failing':
        return yield { kind: 'failed', failure: { kind: 'cut', message: 'The voice broke.' } };
      case 'throws':
        throw new Error('the voice adapter broke its promise');
      case 'never-ends':
        return;
      case 'ends-twice':
        yield { kind: 'finished' };
        yield { kind: 'audio', pcm: new Uint8Array(2 * PIECE_SAMPLES) };
        return yield { kind: 'finished' };
      case 'well':
      case 'slow':
      case 'ends-early':
        return yield { kind: 'finished' };
    }
  }
}
