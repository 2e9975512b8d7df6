import { badRequest } from './api-error';
import type { Refusal } from './api-error';
import { isChatMessage, messageText } from './chat-body';
import type { ChatBody, ChatMessage } from './chat-body';

/**
 * What a server does with a last message that is the assistant's: 'none' takes it for any other message and knows no
 * parameters for it, as OpenAI's; 'last_message' completes it, as llama.cpp and Ollama do; 'continue_final_message' and
 * 'prefix' do so when the request or the message says so, as vLLM's and Mistral's.
 */
export type PrefillDialect = 'none' | 'last_message' | 'continue_final_message' | 'prefix';

/** How a model goes on with its own partial answer. */
export type ContinuationHabit = 'continues' | 'starts-over' | 'repeats-last-sentence';

/** A request for the rest of an answer. */
export interface OpenAnswer {
  /** The conversation without that answer. */
  readonly before: readonly ChatMessage[];
  /** Its beginning, as the client gave it. */
  readonly given: string;
  /** Completed in place, or the model was told in words. */
  readonly way: 'prefill' | 'words';
}

/** Words by which a model would understand that its answer is to be continued. */
const ASKS_TO_CONTINUE = /\b(continue|go on|carry on)\b/i;
const SAYS_WHY = /\b(cut off|broke off|broken off|interrupted)\b/i;

/** What the request wants continued, judged from it alone; undefined when it wants a new answer. */
export function openAnswerOf(body: ChatBody, dialect: PrefillDialect): OpenAnswer | undefined {
  const { messages } = body;
  if (!Array.isArray(messages) || !messages.every(isChatMessage)) return undefined;
  const last = messages.at(-1);
  const isCompleted = {
    none: false,
    last_message: true,
    continue_final_message: body['continue_final_message'] === true,
    prefix: last?.prefix === true,
  }[dialect];
  if (isPartial(last) && isCompleted) {
    return { before: messages.slice(0, -1), given: messageText(last), way: 'prefill' };
  }
  const told = messageText(last);
  const partial = messages.at(-2);
  const isTold =
    (last?.role === 'user' || last?.role === 'system') && ASKS_TO_CONTINUE.test(told) && SAYS_WHY.test(told);
  return isTold && isPartial(partial)
    ? { before: messages.slice(0, -2), given: messageText(partial), way: 'words' }
    : undefined;
}

const isPartial = (message: ChatMessage | undefined): boolean =>
  message?.role === 'assistant' && message.tool_calls === undefined && messageText(message) !== '';

/** vLLM's. */
const PARAMETERS = ['continue_final_message', 'add_generation_prompt'];

/** What a server of this dialect has against the way in which a body asks to complete a message. */
export function checkPrefill(body: Readonly<Record<string, unknown>>, dialect: PrefillDialect): Refusal | undefined {
  const messages: readonly unknown[] = Array.isArray(body['messages']) ? body['messages'] : [];
  const roles = messages.map((message) => (isChatMessage(message) ? message.role : undefined));
  const endsWithAssistant = roles.at(-1) === 'assistant';
  switch (dialect) {
    case 'none':
      return unknownParameter(body, messages);
    case 'last_message':
      return endsWithAssistant && roles.at(-2) === 'assistant'
        ? badRequest('Cannot have 2 or more assistant messages at the end of the list.')
        : undefined;
    case 'continue_final_message': {
      const wants = body['continue_final_message'] === true;
      // vLLM's default is true.
      if (wants && body['add_generation_prompt'] !== false) {
        return badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.');
      }
      return wants && !endsWithAssistant
        ? badRequest('Cannot set `continue_final_message` when the last message is not from the assistant.')
        : undefined;
    }
    case 'prefix': {
      const extra = PARAMETERS.find((name) => name in body);
      if (extra !== undefined)
        return { ...badRequest('Extra inputs are not permitted', extra, 'extra_forbidden'), status: 422 };
      const isMarked = messages.map((message) => isChatMessage(message) && message.prefix === true).at(-1) === true;
      if (!endsWithAssistant || isMarked) return undefined;
      const message = 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant';
      return { ...badRequest(message), type: 'invalid_request_message_order', code: '3230' };
    }
  }
}

function unknownParameter(body: Readonly<Record<string, unknown>>, messages: readonly unknown[]): Refusal | undefined {
  const marked = messages.findIndex((message) => isChatMessage(message) && message.prefix !== undefined);
  const param = marked < 0 ? PARAMETERS.find((name) => name in body) : `messages[${marked}].prefix`;
  return param === undefined ? undefined : badRequest(`Unknown parameter: '${param}'.`, param, 'unknown_parameter');
}

/** What a model of this habit writes when the whole answer would be `whole`. Throws when `given` is not its beginning. */
export function continuationText(whole: string, { given, way }: OpenAnswer, habit: ContinuationHabit): string {
  const end = endOf(given, whole);
  if (end === undefined) throw new Error(`'${given}' is not the beginning of the answer '${whole}'`);
  switch (habit) {
    case 'continues':
      // A completion begins with the space before the next word, a message does not.
      return way === 'prefill' ? whole.slice(end) : whole.slice(end).trimStart();
    case 'starts-over':
      return whole;
    case 'repeats-last-sentence':
      return whole.slice(lastSentenceStart(whole.slice(0, end)));
  }
}

/** Where a beginning ends in the text, other white space allowed; undefined when it is not its beginning. */
function endOf(given: string, text: string): number | undefined {
  let at = 0;
  for (const character of given.replace(/\s+/gu, '')) {
    while (/\s/u.test(text.charAt(at))) at++;
    if (!text.startsWith(character, at)) return undefined;
    at += character.length;
  }
  return at;
}

/** Where the last sentence begins, or as much as there is of it. */
const lastSentenceStart = (text: string): number =>
  /^[\s\S]*(?:[.!?…][”’"')]*\s+|[。！？]\s*)(?=\S)/u.exec(text.trimEnd())?.[0].length ?? 0;
