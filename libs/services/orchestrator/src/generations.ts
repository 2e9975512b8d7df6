import type { LlmPort } from '@parley/ports';
import type { Effect, EngineInput } from '@parley/turn-engine';

type StartGeneration = Extract<Effect, { kind: 'start-generation' }>;

/** Answers of the language model under way, each with its abort. What comes after an abort is never handed on. */
export class Generations {
  private readonly running = new Map<number, AbortController>();

  constructor(
    private readonly llm: LlmPort,
    private readonly onInput: (input: EngineInput) => void,
  ) {}

  start(effect: StartGeneration): void {
    const abort = new AbortController();
    this.running.set(effect.ordinal, abort);
    void this.read(effect, abort.signal);
  }

  abort(ordinal: number): void {
    this.running.get(ordinal)?.abort();
    this.running.delete(ordinal);
  }

  abortAll(): void {
    for (const ordinal of [...this.running.keys()]) this.abort(ordinal);
  }

  private async read(effect: StartGeneration, signal: AbortSignal): Promise<void> {
    const { lane, ordinal, messages, model } = effect;
    try {
      for await (const event of this.llm.generate({ model, messages }, signal)) {
        if (signal.aborted) return;
        if (event.kind === 'text') this.onInput({ kind: 'text-generated', lane, ordinal, text: event.text });
        else if (event.kind === 'failed')
          this.onInput({ kind: 'generation-failed', lane, ordinal, failure: event.failure });
        else if (event.kind === 'finished')
          this.onInput({ kind: 'generation-finished', lane, ordinal, reason: event.reason, usage: event.usage });
      }
    } catch {
      // The port promises not to throw; an adapter that breaks this must not leave the agent silent.
      const failure = { kind: 'unavailable', message: 'The language model adapter failed.' } as const;
      if (!signal.aborted) this.onInput({ kind: 'generation-failed', lane, ordinal, failure });
    } finally {
      if (!signal.aborted) this.running.delete(ordinal);
    }
  }
}
