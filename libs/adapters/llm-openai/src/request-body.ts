import type { ToolChoice, ToolDefinition } from '@parley/model';
import type { ChatMessage, LlmRequest } from '@parley/ports';
import type OpenAI from 'openai';
import { continuationOf, type Continuation, type Prefill } from './continuation';

type Body = OpenAI.ChatCompletionCreateParamsStreaming & Continuation['fields'];

/** llama.cpp refuses a function without parameters (issue 17667), though the API allows it. */
const NO_PARAMETERS = { type: 'object', properties: {} };

export interface RequestForm {
  /** Not for servers that do not know the parameter. */
  withUsage: boolean;
  prefill: Prefill;
  limit: LimitField;
}

/** What the limit of tokens is called: every server knows the first, OpenAI's newer models the second alone. */
export type LimitField = 'max_tokens' | 'max_completion_tokens';

/** A request in the words of the API. */
export function requestBody(
  { messages, continues, tools = [], toolChoice, maxOutputTokens = 'inf' }: LlmRequest,
  model: string,
  { withUsage, prefill, limit }: RequestForm,
): Body {
  const shortId = shortIds();
  const continuation = continuationOf(continues, prefill);
  return {
    model,
    messages: [...messages.map((message) => messageOf(message, shortId)), ...continuation.messages],
    ...continuation.fields,
    stream: true,
    ...(maxOutputTokens === 'inf' ? {} : { [limit]: maxOutputTokens }),
    ...(withUsage ? { stream_options: { include_usage: true } } : {}),
    ...(tools.length > 0 ? { tools: tools.map(toolOf) } : {}),
    // Refused by the API where no tool is offered.
    ...(tools.length > 0 && toolChoice !== undefined ? { tool_choice: choiceOf(toolChoice) } : {}),
  };
}

function messageOf(message: ChatMessage, shortId: (callId: string) => string): OpenAI.ChatCompletionMessageParam {
  const { role, content } = message;
  if (role === 'tool') return { role, tool_call_id: shortId(message.callId), content };
  if (role !== 'assistant' || !message.toolCalls?.length) return { role, content };
  return {
    role,
    content: content === '' ? null : content,
    tool_calls: message.toolCalls.map(({ callId, name, arguments: text }) => ({
      id: shortId(callId),
      type: 'function',
      function: { name, arguments: text },
    })),
  };
}

const toolOf = ({ name, description, parameters }: ToolDefinition): OpenAI.ChatCompletionFunctionTool => ({
  type: 'function',
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters ?? NO_PARAMETERS,
  },
});

const choiceOf = (choice: ToolChoice): OpenAI.ChatCompletionToolChoiceOption =>
  typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } };

/**
 * Ids that link calls with their results within one request, which is all they are for. Mistral's models (on vLLM too)
 * insist on nine letters and digits; the others take anything.
 */
function shortIds(): (callId: string) => string {
  const known = new Map<string, string>();
  return (callId) => {
    const id = known.get(callId) ?? `call${String(known.size).padStart(5, '0')}`;
    known.set(callId, id);
    return id;
  };
}
