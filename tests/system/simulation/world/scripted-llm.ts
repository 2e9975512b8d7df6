import type { LlmEvent, LlmPort, LlmRequest } from '@parley/ports';
import type { ObservationOf } from '../checker/observation';
import { answerTo, callOf, restOf, type AnswerLength, type ContinuationHabit } from './answers';
import type { Dice } from './streams';
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

/** What the model's provider sees and remembers; shared by all processes that call it. */
export interface ModelProvider {
  mode: LlmMode;
  nextCall: number;
  readonly habit: ContinuationHabit;
  readonly length: AnswerLength;
  /** Its answers, by the call that asked for each first: whoever asks for the rest gets the rest of that very one. */
  readonly answers: Map<number, string>;
  touched: Record<Exclude<LlmMode, 'well'>, number>;
  onAsked(asked: Omit<ObservationOf<'asked'>, 'kind' | 'atMs'>): void;
  onAnswered(call: number, what: ObservationOf<'answered'>['what']): void;
  onHungUp(call: number): void;
}

const USAGE = { inputTokens: 10, outputTokens: 20 };

/** Of these the answer is given to its last word. */
const GIVES_ALL: readonly LlmMode[] = ['well', 'slow', 'ends-twice', 'never-ends'];

/** What one call is to come to, as it was settled when it was asked. */
interface Script {
  /** The whole answer, of which it writes `words`. */
  readonly answer: string;
  readonly words: readonly string[];
  readonly calls: readonly LlmEvent[];
}

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
    const { messages, continues } = request;
    const script = this.scriptOf(call, mode, request);
    provider.onAsked({ call, process: process.name, messages, continues, answer: script.answer });
    let open = true;
    const hangUp = (): void => {
      if (!open) return;
      open = false;
      provider.onHungUp(call);
    };
    signal.addEventListener('abort', hangUp, { once: true });
    process.onDeath(hangUp);
    try {
      for await (const event of this.answer(mode, script, signal)) {
        if (signal.aborted) return;
        const isEnd = event.kind === 'finished' || event.kind === 'failed';
        if (isEnd) open = false;
        provider.onAnswered(call, isEnd ? (isWhole(event, mode) ? 'whole' : 'short') : 'text');
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

  private scriptOf(call: number, mode: LlmMode, request: LlmRequest): Script {
    const { dice } = this.process;
    const { continues } = request;
    const calls = this.calls(request);
    // One that calls may say nothing at all.
    const isMute = calls.length > 0 && mode === 'well' && dice.chance(0.3) && continues === null;
    const answer = isMute ? '' : this.answerOf(call, continues, dice);
    const written = continues === null ? answer : restOf(answer, continues, this.provider.habit);
    const words = mode === 'empty' ? [' '] : written.split(/(?<= )/).filter((word) => word !== '');
    return { answer, words, calls };
  }

  /** Asked anew it words its answer anew; asked to go on, it goes on with the answer that it is shown the beginning of. */
  private answerOf(call: number, continues: string | null, dice: Dice): string {
    const { answers } = this.provider;
    const known = continues === null ? undefined : answers.get(callOf(continues) ?? 0);
    if (known !== undefined) return known;
    const answer = answerTo(call, dice, this.provider.length);
    answers.set(call, answer);
    return answer;
  }

  private async *answer(mode: LlmMode, { words, calls }: Script, signal: AbortSignal): AsyncIterable<LlmEvent> {
    const { dice } = this.process;
    const slow = mode === 'slow';
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

/** What is held back at the end of an answer that the model cuts short may be a repetition: it counts as none. */
const isWhole = (event: LlmEvent, mode: LlmMode): boolean =>
  event.kind === 'finished' && event.reason === 'stop' && GIVES_ALL.includes(mode);
