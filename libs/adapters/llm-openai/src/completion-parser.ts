import type { ProviderFailure } from '@parley/model';
import type { LlmEvent } from '@parley/ports';
import { z } from 'zod';
import { EventStreamDecoder } from './event-stream-decoder';

/** What is read of a chunk. Reasoning, tool calls and whatever else servers add are left out. */
const chunkSchema = z.object({
  choices: z.array(
    z.object({
      index: z.number().nullish(),
      delta: z.object({ content: z.string().nullish() }).nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
});
/** How OpenAI and others report a failure after the stream has begun. */
const errorSchema = z.object({ error: z.unknown() });

type Ending = Exclude<LlmEvent, { kind: 'text' }>;
type FinishReason = Extract<LlmEvent, { kind: 'finished' }>['reason'];

const count = (value: number | null | undefined): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

/** Reads the body of a streamed completion, piece by piece. */
export class CompletionParser {
  private readonly events = new EventStreamDecoder();
  private reason: FinishReason | undefined;
  private hasText = false;
  private receivedBytes = 0;
  private hasEvents = false;
  private usage = { inputTokens: 0, outputTokens: 0 };

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
    return { text, ending: this.events.isOverfull ? invalid() : undefined };
  }

  /** The body has ended, or broke off. */
  end(): Ending {
    if (this.reason !== undefined) return this.finish();
    if (this.receivedBytes > 0 && !this.hasEvents) return invalid();
    return failed({ kind: 'cut', message: 'The language model’s answer was cut off.' });
  }

  private finish(): Ending {
    const { usage } = this;
    if (this.hasText) return { kind: 'finished', reason: this.reason ?? 'stop', usage };
    return failed({ kind: 'empty_answer', message: 'The language model gave an empty answer.' });
  }

  private takeChunk(data: string): string | Ending {
    const json = parseJson(data);
    const chunk = chunkSchema.safeParse(json);
    if (!chunk.success) {
      if (!errorSchema.safeParse(json).success) return invalid();
      return failed({
        kind: 'unavailable',
        message: 'The language model reported an error in the middle of its answer.',
      });
    }
    const { choices, usage } = chunk.data;
    if (usage) {
      this.usage = { inputTokens: count(usage.prompt_tokens), outputTokens: count(usage.completion_tokens) };
    }
    const choice = choices.find(({ index }) => (index ?? 0) === 0);
    if (choice?.finish_reason) this.reason = reasonOf(choice.finish_reason);
    const text = choice?.delta?.content ?? '';
    if (text !== '') this.hasText = true;
    return text;
  }
}

const failed = (failure: ProviderFailure): Ending => ({ kind: 'failed', failure });
const invalid = (): Ending =>
  failed({ kind: 'invalid_answer', message: 'The language model’s answer is not a stream of chat completions.' });

/** Reasons that only servers with tools or dialects of their own give count as a normal end. */
const reasonOf = (reason: string): FinishReason =>
  reason === 'length' || reason === 'content_filter' ? reason : 'stop';

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
