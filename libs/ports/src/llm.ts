import type { ProviderFailure } from '@parley/model';

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface LlmRequest {
  /** Undefined: the adapter's configured model. */
  model: string | undefined;
  messages: readonly ChatMessage[];
}

/** Exactly one of `finished` and `failed` ends the stream, unless the caller aborted: then it ends without either. */
export type LlmEvent =
  | { kind: 'text'; text: string }
  | {
      kind: 'finished';
      reason: 'stop' | 'length' | 'content_filter';
      usage: { inputTokens: number; outputTokens: number };
    }
  | { kind: 'failed'; failure: ProviderFailure };

/**
 * A language model. Never throws for a provider's fault: failures are events. `text` is never empty. After an abort
 * nothing more is yielded and the provider's connection is released. Deadlines of the stream are the engine's
 * (`firstTokenTimeoutMs`, `tokenTimeoutMs`), which abort.
 */
export interface LlmPort {
  /** How it goes on from a given beginning after a takeover: from a prefix, or by an instruction. */
  readonly continuation: 'prefill' | 'instruct';
  generate(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent>;
  close(): Promise<void>;
}
