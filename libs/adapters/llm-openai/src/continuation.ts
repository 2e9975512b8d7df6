import type OpenAI from 'openai';

/**
 * How a server completes a partial message of the assistant, which OpenAI's own does not: to it, that is a message like any
 * other.
 *
 * - `last_message`: whenever it is the last one (llama.cpp, Ollama);
 * - `continue_final_message`: when the request says so (vLLM, SGLang; unless generation prompts are off, vLLM refuses it);
 * - `prefix`: when the message says so (Mistral; DeepSeek under its base URL that ends with `/beta`).
 *
 * Each refuses or overlooks what the others want, so it has to be configured. Many servers have models for which they
 * refuse it altogether, such as those that think first (llama.cpp answers 400).
 */
export type Prefill = 'none' | 'last_message' | 'continue_final_message' | 'prefix';

type PartialMessage = OpenAI.ChatCompletionAssistantMessageParam & { prefix?: true };

/** What is added to a request. */
export interface Continuation {
  /** After all other messages. */
  messages: readonly (PartialMessage | OpenAI.ChatCompletionUserMessageParam)[];
  fields: { continue_final_message?: true; add_generation_prompt?: false };
}

export const NEW_ANSWER: Continuation = { messages: [], fields: {} };

/**
 * For a server that cannot complete a message. From the user, because many chat templates refuse system messages that are
 * not the first, and a conversation that ends with the assistant.
 */
const INSTRUCTION =
  'Your answer was cut off by a technical fault after these words, which I have heard. Continue it exactly where it stops, in ' +
  'the same language and manner. Write only what follows: do not repeat anything, and say nothing about the fault.';

/** How the server is asked to go on after `given`; it is a new answer when that is blank. */
export function continuationOf(given: string | null, prefill: Prefill): Continuation {
  // White space at the end is refused by some servers, and bad for others: tokens begin with theirs.
  const content = given?.trimEnd() ?? '';
  if (content === '') return NEW_ANSWER;
  const partial: PartialMessage = { role: 'assistant', content };
  switch (prefill) {
    case 'none':
      return { messages: [partial, { role: 'user', content: INSTRUCTION }], fields: {} };
    case 'last_message':
      return { messages: [partial], fields: {} };
    case 'continue_final_message':
      return { messages: [partial], fields: { continue_final_message: true, add_generation_prompt: false } };
    case 'prefix':
      return { messages: [{ ...partial, prefix: true }], fields: {} };
  }
}
