import type { LlmEvent, LlmPort, RandomPort } from '@parley/ports';
import { ContinuationTrim } from '@parley/speech-text';
import type { Effect, EngineInput } from '@parley/turn-engine';

type StartGeneration = Extract<Effect, { kind: 'start-generation' }>;

/** Answers of the language model under way, each with its abort. What comes after an abort is never handed on. */
export class Generations {
  private readonly running = new Map<number, AbortController>();

  constructor(
    private readonly llm: LlmPort,
    private readonly random: RandomPort,
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

  private inputOf(event: LlmEvent, of: { lane: number; ordinal: number }): EngineInput {
    switch (event.kind) {
      case 'text':
        return { kind: 'text-generated', ...of, text: event.text };
      case 'tool-called': {
        // At most 32 characters, as the Realtime API's.
        const call = { callId: `call_${this.random.hex(12)}`, name: event.name, arguments: event.arguments };
        return { kind: 'tool-called', ...of, itemId: `item_${this.random.hex(12)}`, call };
      }
      case 'finished':
        return { kind: 'generation-finished', ...of, reason: event.reason, usage: event.usage };
      case 'failed':
        return { kind: 'generation-failed', ...of, failure: event.failure };
    }
  }

  private async read(effect: StartGeneration, signal: AbortSignal): Promise<void> {
    const { kind: _order, lane, ordinal, ...request } = effect;
    const { continues } = request;
    // Of an adapter that lets its provider complete a prefix as well: some servers take no notice of it and start over.
    const trim = continues === null ? undefined : new ContinuationTrim(continues);
    try {
      for await (const event of this.llm.generate(request, signal)) {
        for (const fresh of trim === undefined ? [event] : freshOf(event, trim)) {
          if (signal.aborted) return;
          this.onInput(this.inputOf(fresh, { lane, ordinal }));
        }
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

/** What is new in an event of an answer that continues another one. */
function freshOf(event: LlmEvent, trim: ContinuationTrim): LlmEvent[] {
  switch (event.kind) {
    case 'text':
      return textEvents(trim.push(event.text));
    case 'tool-called':
      return [...textEvents(trim.end()), event];
    case 'finished':
      // Of an answer that breaks off, what is held back may well be words that the user has heard: it is not new then.
      return [...(event.reason === 'stop' ? textEvents(trim.end()) : []), event];
    case 'failed':
      return [event];
  }
}

const textEvents = (text: string): LlmEvent[] => (text === '' ? [] : [{ kind: 'text', text }]);
