import type { ProviderFailure, TokenLimit, ToolCall, ToolChoice, ToolDefinition, Usage } from '@parley/model';

export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  /** `content` may be '' beside calls. */
  | { role: 'assistant'; content: string; toolCalls?: readonly ToolCall[] }
  /** The result of one call. The results of all calls follow the assistant's message that holds them. */
  | { role: 'tool'; callId: string; content: string };

export interface LlmRequest {
  /** Undefined: the adapter's configured model. */
  model: string | undefined;
  messages: readonly ChatMessage[];
  /**
   * The beginning of the answer, which the user has been given already, as it was dispatched, white space included: the
   * model goes on from there. Null for a new answer; of white space alone it is one as well. Not among the messages.
   */
  continues: string | null;
  /** What the model may call. Absent or empty: nothing. */
  tools?: readonly ToolDefinition[];
  /** Of no effect without tools. Absent: the model decides. */
  toolChoice?: ToolChoice;
  /** Of the answer; absent or `inf`: as many as the provider lets it have. */
  maxOutputTokens?: TokenLimit;
}

/** Exactly one of `finished` and `failed` ends the stream, unless the caller aborted: then it ends without either. */
export type LlmEvent =
  | { kind: 'text'; text: string }
  /**
   * A whole call, in the order in which the model numbers them, after all text and before `finished`; a stream that fails
   * has none. The name need not be one that was offered, and `arguments` (JSON text, '{}' for none) need not parse.
   */
  | { kind: 'tool-called'; name: string; arguments: string }
  | {
      kind: 'finished';
      reason: 'stop' | 'length' | 'content_filter';
      usage: Usage;
    }
  | { kind: 'failed'; failure: ProviderFailure };

/**
 * A language model. Never throws for a provider's fault: failures are events. `text` is never empty; an answer of calls
 * alone has none, nor has what follows an answer that was all given. After an abort nothing more is yielded and the provider's connection is released. Deadlines of the stream
 * are the engine's (`firstTokenTimeoutMs`, `tokenTimeoutMs`), which abort.
 */
export interface LlmPort {
  /**
   * How the provider is made to go on from a given beginning. `prefill`: it completes a partial message, and writes only
   * what follows. `instruct`: it is told to in words, and may start over or repeat some of it. A server may take no notice
   * of either, so what comes is to be compared with the beginning in both cases.
   */
  readonly continuation: 'prefill' | 'instruct';
  generate(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent>;
  close(): Promise<void>;
}
