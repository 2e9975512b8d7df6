import type { TtsEvent, TtsPort, TtsRequest } from '@parley/ports';

/** One synthesis, played by the test. */
export class ScriptedSynthesis {
  private readonly events: TtsEvent[] = [];
  private waiting: ((result: IteratorResult<TtsEvent, undefined>) => void) | undefined;
  /** Events asked for so far. */
  asked = 0;
  /** Aborted, left, or ended: nothing of it is held. */
  released = false;

  constructor(
    readonly request: TtsRequest,
    signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.release());
  }

  play(...events: TtsEvent[]): void {
    this.events.push(...events);
    if (this.waiting !== undefined) this.deliver(this.waiting);
  }

  audio(samples: number, level = 1): void {
    this.play({ kind: 'audio', pcm: new Uint8Array(samples * 2).fill(level) });
  }

  finish(): void {
    this.play({ kind: 'finished' });
  }

  iterator(): AsyncIterableIterator<TtsEvent> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => {
        this.asked++;
        return new Promise((resolve) => this.deliver(resolve));
      },
      return: () => {
        this.release();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  private deliver(resolve: (result: IteratorResult<TtsEvent, undefined>) => void): void {
    this.waiting = undefined;
    if (this.released) {
      resolve({ done: true, value: undefined });
      return;
    }
    const event = this.events.shift();
    if (event === undefined) this.waiting = resolve;
    else {
      if (event.kind === 'finished' || event.kind === 'failed') this.released = true;
      resolve({ done: false, value: event });
    }
  }

  private release(): void {
    this.released = true;
    if (this.waiting !== undefined) this.deliver(this.waiting);
  }
}

/** A voice that says what the test plays. */
export class ScriptedVoice implements TtsPort {
  timings: TtsPort['timings'] = 'none';
  deterministic = false;
  trouble: string | undefined;
  readonly syntheses: ScriptedSynthesis[] = [];

  unavailable(): Promise<string | undefined> {
    return Promise.resolve(this.trouble);
  }

  synthesize(request: TtsRequest, signal: AbortSignal): AsyncIterable<TtsEvent> {
    const synthesis = new ScriptedSynthesis(request, signal);
    this.syntheses.push(synthesis);
    return synthesis.iterator();
  }

  get held(): number {
    return this.syntheses.filter((synthesis) => !synthesis.released).length;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
