import type { ProviderFailure, RateLimit, Usage } from '@parley/model';
import type { LlmEvent } from '@parley/ports';
import { z } from 'zod';
import { EventStreamDecoder } from './event-stream-decoder';
import { toolCallDeltaSchema, ToolCallReader } from './tool-call-reader';

/** What is read of a chunk. Reasoning and whatever else servers add is left out. */
const chunkSchema = z.object({
  choices: z.array(
    z.object({
      index: z.number().nullish(),
      delta: z.object({ content: z.string().nullish(), tool_calls: z.array(toolCallDeltaSchema).nullish() }).nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
});
/** How OpenAI and others report a failure after the stream has begun. */
const errorSchema = z.object({ error: z.unknown() });

/** The events that end an answer: `failed`, or the calls and `finished`. */
type Ending = readonly Exclude<LlmEvent, { kind: 'text' }>[];
type FinishReason = Extract<LlmEvent, { kind: 'finished' }>['reason'];

const count = (value: number | null | undefined): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

/** Reads the body of a streamed completion, piece by piece. Without text it is a failure unless it may be empty. */
export class CompletionParser {
  private readonly events = new EventStreamDecoder();
  private readonly toolCalls = new ToolCallReader();
  /** As the server gave it. */
  private reason: string | undefined;
  private hasText = false;
  private receivedBytes = 0;
  private hasEvents = false;
  private usage: Usage = { inputTokens: 0, outputTokens: 0 };

  constructor(
    private readonly mayBeEmpty: boolean,
    private readonly rateLimits: RateLimit[],
  ) {}

  /** The answer is complete; only the usage and the end of the stream may follow. */
  get isComplete(): boolean {
    return this.reason !== undefined;
  }

  /** The text this piece brought, and the answer's end if it is in it. */
  push(bytes: Uint8Array): { text: string; ending: Ending | undefined } {
    this.receivedBytes += bytes.length;
    let text = '';
    for (const data of this.events.push(bytes)) {
      this.hasEvents = true;
      if (data === '[DONE]') return { text, ending: this.finish() };
      const taken = this.takeChunk(data);
      if (typeof taken !== 'string') return { text, ending: taken };
      text += taken;
    }
    return { text, ending: this.events.isOverfull ? invalid(NO_COMPLETIONS) : undefined };
  }

  /** The body has ended, or broke off. */
  end(): Ending {
    if (this.reason !== undefined) return this.finish();
    if (this.receivedBytes > 0 && !this.hasEvents) return invalid(NO_COMPLETIONS);
    return failed({ kind: 'cut', message: 'The language model’s answer was cut off.' });
  }

  private finish(): Ending {
    const reason = reasonOf(this.reason);
    const calls = this.toolCalls.finish(reason !== 'stop');
    if (calls.some(({ name }) => name === '')) return invalid('The language model called a tool without a name.');
    if (calls.length === 0 && this.reason === 'tool_calls') {
      return invalid('The language model’s answer ends with a tool call, but has none.');
    }
    if (this.hasText || calls.length > 0 || this.mayBeEmpty) {
      const { rateLimits } = this;
      const usage = { ...this.usage, ...(rateLimits.length > 0 ? { rateLimits } : {}) };
      return [...calls, { kind: 'finished', reason, usage }];
    }
    return failed({ kind: 'empty_answer', message: 'The language model gave an empty answer.' });
  }

  private takeChunk(data: string): string | Ending {
    const json = parseJson(data);
    const chunk = chunkSchema.safeParse(json);
    if (!chunk.success) {
      if (!errorSchema.safeParse(json).success) return invalid(NO_COMPLETIONS);
      return failed({
        kind: 'unavailable',
        message: 'The language model reported an error in the middle of its answer.',
      });
    }
    const { choices, usage } = chunk.data;
    if (usage) {
      this.usage = { inputTokens: count(usage.prompt_tokens), outputTokens: count(usage.completion_tokens) };
    }
    let text = '';
    // Some gateways divide one choice over two entries of a chunk.
    for (const { index, delta, finish_reason: reason } of choices) {
      if ((index ?? 0) !== 0) continue;
      if (reason) this.reason = reason;
      text += delta?.content ?? '';
      for (const call of delta?.tool_calls ?? []) this.toolCalls.push(call);
    }
    if (this.toolCalls.isOverfull) return invalid('The language model’s tool calls are too many or too long.');
    if (text !== '') this.hasText = true;
    return text;
  }
}

const NO_COMPLETIONS = 'The language model’s answer is not a stream of chat completions.';
const failed = (failure: ProviderFailure): Ending => [{ kind: 'failed', failure }];
const invalid = (message: string): Ending => failed({ kind: 'invalid_answer', message });

/** Reasons that only servers with tools or dialects of their own give count as a normal end. */
const reasonOf = (reason: string | undefined): FinishReason =>
  reason === 'length' || reason === 'content_filter' ? reason : 'stop';

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
