import type { LlmEvent, LlmPort, LlmRequest } from '@parley/ports';
import { answerTo } from './answers';
import type { ChatMessage } from '../checker/observation';
import type { SimulatedProcess } from './simulated-process';

/** How the model behaves towards calls that begin now. */
export const LLM_MODES = [
  'slow',
  'stalled',
  'failing',
  'ends-early',
  'ends-twice',
  'never-ends',
  'empty',
  'throws',
] as const;
export type LlmMode = (typeof LLM_MODES)[number] | 'well';

/** What the model's provider sees; shared by all processes that call it. */
export interface ModelProvider {
  mode: LlmMode;
  nextCall: number;
  touched: Record<Exclude<LlmMode, 'well'>, number>;
  onAsked(call: number, process: string, messages: readonly ChatMessage[]): void;
  onAnswered(call: number, what: 'text' | 'end'): void;
  onHungUp(call: number): void;
}

const USAGE = { inputTokens: 10, outputTokens: 20 };

/** A model that answers in words, and badly while a fault says so. */
export class ScriptedLlm implements LlmPort {
  readonly continuation = 'instruct';

  constructor(
    private readonly provider: ModelProvider,
    private readonly process: SimulatedProcess,
  ) {}

  async *generate(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent> {
    const { provider, process } = this;
    const call = provider.nextCall++;
    const { mode } = provider;
    if (mode !== 'well') provider.touched[mode]++;
    provider.onAsked(call, process.name, request.messages);
    let open = true;
    const hangUp = (): void => {
      if (!open) return;
      open = false;
      provider.onHungUp(call);
    };
    signal.addEventListener('abort', hangUp, { once: true });
    process.onDeath(hangUp);
    try {
      for await (const event of this.answer(call, mode, request, signal)) {
        if (signal.aborted) return;
        const isEnd = event.kind === 'finished' || event.kind === 'failed';
        if (isEnd) open = false;
        provider.onAnswered(call, isEnd ? 'end' : 'text');
        yield event;
      }
    } finally {
      // Also of one that threw: nothing of it is awaited any more.
      hangUp();
    }
  }

  async close(): Promise<void> {
    // Holds nothing.
  }

  private async *answer(
    call: number,
    mode: LlmMode,
    request: LlmRequest,
    signal: AbortSignal,
  ): AsyncIterable<LlmEvent> {
    const { dice } = this.process;
    const slow = mode === 'slow';
    const calls = this.calls(request);
    // One that calls may say nothing at all.
    const isMute = calls.length > 0 && mode === 'well' && dice.chance(0.3);
    const words = isMute ? [] : mode === 'empty' ? [' '] : answerTo(call, dice).split(/(?<= )/);
    const until = ['stalled', 'failing', 'ends-early', 'throws'].includes(mode)
      ? dice.integer(0, words.length - 1)
      : words.length;
    await this.process.pause(slow ? dice.between(2_000, 15_000) : dice.between(20, 500), signal);
    const wordMs = slow ? dice.between(100, 1_500) : dice.between(5, 80);
    for (const text of words.slice(0, until)) {
      yield { kind: 'text', text };
      await this.process.pause(wordMs, signal);
    }
    if (mode === 'well' || mode === 'slow') yield* calls;
    yield* this.end(mode, signal);
  }

  /** A model calls what it is offered, and not again when it was given a result. */
  private calls({ messages, tools = [] }: LlmRequest): LlmEvent[] {
    const { dice } = this.process;
    const [tool] = tools;
    if (tool === undefined || messages.at(-1)?.role === 'tool' || dice.chance(0.2)) return [];
    const called = { kind: 'tool-called', name: tool.name, arguments: '{}' } as const;
    return Array.from({ length: dice.integer(1, 2) }, () => called);
  }

  private async *end(mode: LlmMode, signal: AbortSignal): AsyncIterable<LlmEvent> {
    const finished = { kind: 'finished', reason: 'stop', usage: USAGE } as const;
    switch (mode) {
      case 'stalled':
        return void (await this.process.pause(1e9, signal));
      case 'failing':
        return yield { kind: 'failed', failure: { kind: 'unavailable', message: 'The model broke.' } };
      case 'throws':
        throw new Error('the model adapter broke its promise');
      case 'never-ends':
        return;
      case 'ends-twice':
        yield finished;
        yield { kind: 'text', text: ' And more. ' };
        await this.process.pause(50, signal);
        return yield finished;
      case 'well':
      case 'slow':
      case 'ends-early':
      case 'empty':
        return yield this.process.dice.chance(0.95) ? finished : { ...finished, reason: 'length' };
    }
  }
}
