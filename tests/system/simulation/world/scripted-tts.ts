import type { TtsEvent, TtsPort, TtsRequest } from '@parley/ports';
import type { ObservationOf } from '../checker/observation';
import type { SimulatedProcess } from './simulated-process';
import { FRAME_SAMPLES, type SpokenAudio } from './spoken-audio';

export const TTS_MODES = ['slow', 'stalled', 'failing', 'ends-early', 'ends-twice', 'never-ends', 'throws'] as const;
export type TtsMode = (typeof TTS_MODES)[number] | 'well';

/** The voice's provider; shared by all processes that call it. */
export interface VoiceProvider {
  mode: TtsMode;
  /** Of the next rendering alone. */
  next: TtsMode | undefined;
  /** A multiple of `FRAME_SAMPLES`. */
  samplesPerCharacter: number;
  /** Whether it says the same again when it is asked for the same. */
  deterministic: boolean;
  readonly audio: SpokenAudio;
  touched: Record<Exclude<TtsMode, 'well'>, number>;
  onSpoke(spoke: Omit<ObservationOf<'spoke'>, 'kind' | 'atMs'>): void;
}

/** What is not spoken to its end breaks off here: no `last` follows. */
const BREAKS_OFF: readonly TtsMode[] = ['stalled', 'failing', 'throws', 'never-ends'];

/** Audio comes in pieces of so many ms. */
const PIECE_MS = 100;
const PIECE_SAMPLES = PIECE_MS * 24;

/** A voice of a constant rate, faster than real time, and bad while a fault says so. */
export class ScriptedTts implements TtsPort {
  readonly timings = 'none';
  readonly deterministic: boolean;

  constructor(
    private readonly provider: VoiceProvider,
    private readonly process: SimulatedProcess,
  ) {
    this.deterministic = provider.deterministic;
  }

  async unavailable(): Promise<string | undefined> {
    return undefined;
  }

  async *synthesize({ text }: TtsRequest, signal: AbortSignal): AsyncIterable<TtsEvent> {
    const { provider, process } = this;
    const { dice } = process;
    const mode = provider.next ?? provider.mode;
    provider.next = undefined;
    if (mode !== 'well') provider.touched[mode]++;
    const total = text.length * provider.samplesPerCharacter;
    const until = ['stalled', 'failing', 'ends-early', 'throws'].includes(mode)
      ? FRAME_SAMPLES * dice.integer(0, total / FRAME_SAMPLES - 1)
      : total;
    provider.onSpoke({
      ...{ process: process.name, text, textHash: provider.audio.hashOf(text) },
      ...{ ends: BREAKS_OFF.includes(mode) ? null : until, deterministic: provider.deterministic },
    });
    await process.pause(mode === 'slow' ? dice.between(500, 4_500) : dice.between(30, 250), signal);
    const pieceMs = mode === 'slow' ? PIECE_MS * dice.between(0.8, 2) : PIECE_MS / dice.between(2, 12);
    for (let sent = 0; sent < until && !signal.aborted; sent += PIECE_SAMPLES) {
      yield { kind: 'audio', pcm: provider.audio.piece(text, sent, Math.min(sent + PIECE_SAMPLES, until)) };
      await process.pause(pieceMs, signal);
    }
    const more = (): Uint8Array => provider.audio.piece(text, until, until + PIECE_SAMPLES);
    if (!signal.aborted) yield* this.end(mode, more, signal);
  }

  async close(): Promise<void> {
    // Holds nothing.
  }

  private async *end(mode: TtsMode, more: () => Uint8Array, signal: AbortSignal): AsyncIterable<TtsEvent> {
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
        yield { kind: 'audio', pcm: more() };
        return yield { kind: 'finished' };
      case 'well':
      case 'slow':
      case 'ends-early':
        return yield { kind: 'finished' };
    }
  }
}
