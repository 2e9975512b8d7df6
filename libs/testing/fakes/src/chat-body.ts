import { badRequest, emptyArray, isRecord, missing, wrongType } from './api-error';
import type { Refusal } from './api-error';
import { checkToolCalls, checkTools } from './tool-rules';

/** One part of a message whose content is a list. */
export interface ChatContentPart {
  readonly type: string;
  readonly text?: string;
}

/** A call of the assistant, as the client gives it back. */
export interface ChatToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A function the model may call. */
export interface ChatTool {
  readonly type: string;
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
  };
}

/** A message of the conversation, as the client sent it. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly ChatContentPart[] | null;
  readonly tool_calls?: readonly ChatToolCall[];
  readonly tool_call_id?: string;
  /** Where the server knows it: this is the beginning of the answer. */
  readonly prefix?: boolean;
}

/** The body of a chat completion request. Of a refused request it holds whatever was sent, unchecked. */
export interface ChatBody {
  readonly model?: string;
  readonly messages?: readonly ChatMessage[];
  readonly stream?: boolean | null;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly tools?: readonly ChatTool[];
  readonly tool_choice?: string | { readonly type: string; readonly function?: { readonly name: string } };
  readonly [parameter: string]: unknown;
}

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];

/** Whether it has what every message has; the rest is not looked at. */
export const isChatMessage = (value: unknown): value is ChatMessage =>
  isRecord(value) && typeof value['role'] === 'string';

/** The words of a message; parts that are not text are left out. */
export function messageText(message: ChatMessage | undefined): string {
  const content = message?.content;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  // Also asked of messages that are about to be refused, so nothing is taken for granted.
  return content
    .map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join(' ');
}

/** What the user said last, '' when the user said nothing. */
export function lastUserText(messages: readonly ChatMessage[]): string {
  return messageText(messages.filter((message) => message.role === 'user').at(-1));
}

/** What the provider has against this body; undefined when it would answer. */
export function checkChatBody(body: Readonly<Record<string, unknown>>): Refusal | undefined {
  const { model, messages, stream, stream_options: streamOptions } = body;
  if (model === undefined || model === null || model === '') return badRequest('you must provide a model parameter');
  if (typeof model !== 'string') return wrongType('model', 'a string', model);
  if (messages === undefined || messages === null) return missing('messages');
  if (!Array.isArray(messages)) return wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0) return emptyArray('messages');
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    return wrongType('stream', 'a boolean', stream);
  }
  if (streamOptions !== undefined && streamOptions !== null && stream !== true) {
    return badRequest("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options');
  }
  return checkTools(body) ?? checkMessages(messages);
}

/** Each message by itself, then that every tool call is answered: a history cut in the wrong place is refused for that. */
function checkMessages(messages: readonly unknown[]): Refusal | undefined {
  let unanswered = new Set<unknown>();
  let calls = new Set<unknown>();
  for (const [index, message] of messages.entries()) {
    if (!isRecord(message)) return wrongType(`messages[${index}]`, 'an object', message);
    const refusal = checkRole(message, index) ?? checkToolCalls(message, index) ?? checkContent(message, index);
    if (refusal !== undefined) return refusal;
    if (message['role'] === 'tool') {
      if (calls.size === 0) return orphanToolMessage(index);
      if (!calls.has(message['tool_call_id'])) return unknownCall(message['tool_call_id'], index);
      unanswered.delete(message['tool_call_id']);
      continue;
    }
    if (unanswered.size > 0) return unansweredCalls(unanswered, index);
    calls = new Set(toolCallsOf(message).map((call) => (isRecord(call) ? call['id'] : undefined)));
    unanswered = new Set(calls);
  }
  return unanswered.size > 0 ? unansweredCalls(unanswered, messages.length) : undefined;
}

function checkRole({ role }: Readonly<Record<string, unknown>>, index: number): Refusal | undefined {
  if (role === undefined) return missing(`messages[${index}].role`);
  if (typeof role === 'string' && ROLES.includes(role)) return undefined;
  const given = typeof role === 'string' ? role : JSON.stringify(role);
  const message = `Invalid value: '${given}'. Supported values are: ${ROLES.map((name) => `'${name}'`).join(', ')}.`;
  return badRequest(message, `messages[${index}].role`, 'invalid_value');
}

const toolCallsOf = (message: Readonly<Record<string, unknown>>): readonly unknown[] => {
  const calls: unknown = message['tool_calls'];
  return message['role'] === 'assistant' && Array.isArray(calls) ? calls : [];
};

function checkContent(message: Readonly<Record<string, unknown>>, index: number): Refusal | undefined {
  const { content } = message;
  const param = `messages.[${index}].content`;
  if (typeof content === 'string') return undefined;
  if (content === undefined || content === null) {
    if (toolCallsOf(message).length > 0) return undefined;
    return badRequest("Invalid value for 'content': expected a string, got null.", param);
  }
  if (!Array.isArray(content)) return wrongType(`messages[${index}].content`, 'a string or an array of parts', content);
  if (content.length === 0) return emptyArray(`messages[${index}].content`);
  for (const [partIndex, part] of content.entries()) {
    const partParam = `messages[${index}].content[${partIndex}]`;
    if (!isRecord(part) || typeof part['type'] !== 'string') return wrongType(partParam, 'a content part', part);
    if (part['type'] === 'text' && typeof part['text'] !== 'string') {
      return missing(`${partParam}.text`);
    }
  }
  return undefined;
}

function orphanToolMessage(index: number): Refusal {
  const message =
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
  return badRequest(message, `messages.[${index}].role`);
}

function unknownCall(id: unknown, index: number): Refusal {
  const message = `Invalid parameter: 'tool_call_id' of '${String(id)}' not found in 'tool_calls' of previous message.`;
  return badRequest(message, `messages.[${index}].tool_call_id`);
}

function unansweredCalls(ids: ReadonlySet<unknown>, index: number): Refusal {
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${[...ids].join(', ')}`;
  return badRequest(message, `messages.[${index}].role`);
}
