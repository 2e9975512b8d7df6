import { badRequest, errorBody } from './api-error';
import { messageText } from './chat-body';
import type { ChatBody } from './chat-body';
import { continuationText } from './continuation';
import type { ContinuationHabit, OpenAnswer } from './continuation';
import type { AnswerContent, ChatAnswer, ChatBehaviour, ChatUsage, StatusBehaviour, TokenPace } from './chat-behaviour';
import type { Outlet } from './outlet';
import { finishReasonOf, toolCallDeltas, wholeCall } from './tool-call-shapes';

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
const JSON_TYPE = { 'content-type': 'application/json' };
const HTML_TYPE = { 'content-type': 'text/html; charset=utf-8' };

/** A page where an API was expected. */
export const HTML_PAGE =
  '<!doctype html><html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>';

type Delta = Readonly<Record<string, unknown>>;

/** What is asked for. */
export interface ChatQuestion {
  readonly body: ChatBody;
  /** The answer to go on with, if there is one. */
  readonly open: OpenAnswer | undefined;
  /** Of an answer that names no habit of its own. */
  readonly habit: ContinuationHabit;
}

/** One request on its way to an answer. */
interface ChatCall extends ChatQuestion {
  readonly outlet: Outlet;
  /** Monotonic milliseconds at which the request was accepted; delays count from here. */
  readonly startMs: number;
  readonly id: string;
  readonly createdSeconds: number;
}

/** Plays a behaviour to its end, or until the client is gone. */
export async function playChat(
  behaviour: ChatBehaviour,
  question: ChatQuestion,
  outlet: Outlet,
  number: number,
): Promise<void> {
  const createdSeconds = Math.floor(Date.now() / 1_000);
  const call: ChatCall = {
    ...question,
    outlet,
    startMs: outlet.nowMs(),
    id: `chatcmpl-fake-${number}`,
    createdSeconds,
  };
  switch (behaviour.kind) {
    case 'answer':
      return answer(call, behaviour);
    case 'empty':
      return answer({ ...call, open: undefined }, { kind: 'answer', text: '' });
    case 'stall':
      if (await playTokens(call, behaviour)) await outlet.hang();
      return;
    case 'cut':
      if (await playTokens(call, behaviour)) await outlet.cut();
      return;
    case 'status':
      return playStatus(outlet, behaviour);
    case 'html':
      return outlet.answer(200, HTML_TYPE, HTML_PAGE);
    case 'garbage':
      return playGarbage(call);
  }
}

/** Answers with a status and the provider's error body. */
export async function playStatus(outlet: Outlet, behaviour: StatusBehaviour): Promise<void> {
  const { status, code, message, type, retryAfterSeconds } = behaviour;
  const headers = retryAfterSeconds === undefined ? JSON_TYPE : { ...JSON_TYPE, 'retry-after': `${retryAfterSeconds}` };
  const refusal = { ...badRequest(message, null, code), status, ...(type === undefined ? {} : { type }) };
  await outlet.answer(status, headers, errorBody(refusal));
}

async function playGarbage({ body, outlet }: ChatCall): Promise<void> {
  if (body.stream !== true) return outlet.answer(200, JSON_TYPE, '{"id":"chatcmpl-');
  outlet.begin(200, EVENT_STREAM);
  await outlet.write('data: {"id":"chatcmpl-\n\ndata: this is not JSON\n\ndata: [DONE]\n\n');
  outlet.end();
}

async function answer(call: ChatCall, behaviour: ChatAnswer): Promise<void> {
  const { outlet, body } = call;
  const tokens = tokensOf(behaviour, call);
  const { toolCalls = [], toolCallShape = 'openai' } = behaviour;
  const finishReason = behaviour.finishReason ?? (toolCalls.length > 0 ? finishReasonOf(toolCallShape) : 'stop');
  const usage = behaviour.usage ?? countUsage(body, tokens.length);
  if (body.stream !== true) {
    if (await outlet.waitUntil(tokenDueMs(call, behaviour, tokens.length - 1))) {
      await outlet.answer(200, JSON_TYPE, completion(call, behaviour, finishReason, usage));
    }
    return;
  }
  if (!(await streamTokens(call, behaviour, tokens))) return;
  await outlet.write(choiceEvent(call, {}, finishReason));
  if (wantsUsage(body)) await outlet.write(event(call, { choices: [], usage }));
  await outlet.write('data: [DONE]\n\n');
  outlet.end();
}

/** The part of an answer before it fails; a request that does not stream gets nothing before it fails. */
async function playTokens(
  call: ChatCall,
  behaviour: AnswerContent & { afterTokens: number; beforeHeaders?: boolean },
): Promise<boolean> {
  const tokens = tokensOf(behaviour, call).slice(0, behaviour.afterTokens);
  if (behaviour.beforeHeaders !== true && call.body.stream === true) return streamTokens(call, behaviour, tokens);
  return call.outlet.waitUntil(tokenDueMs(call, behaviour, tokens.length - 1));
}

/** Headers, the chunk that names the role, and the tokens, each at its time; false when the client left. */
async function streamTokens(call: ChatCall, pace: TokenPace, tokens: readonly Delta[]): Promise<boolean> {
  const { outlet } = call;
  outlet.begin(200, EVENT_STREAM);
  if (!(await outlet.write(choiceEvent(call, { role: 'assistant', content: '', refusal: null }, null)))) return false;
  for (const [index, token] of tokens.entries()) {
    if (!(await outlet.waitUntil(tokenDueMs(call, pace, index)))) return false;
    if (!(await outlet.write(choiceEvent(call, token, null)))) return false;
  }
  // Without a token the end comes no earlier than the first token would have.
  return outlet.waitUntil(tokenDueMs(call, pace, 0));
}

/** Due times are absolute: a late timer delays one token, not all after it. */
const tokenDueMs = ({ startMs }: ChatCall, pace: TokenPace, index: number): number =>
  startMs + (pace.firstTokenDelayMs ?? 0) + Math.max(0, index) * (pace.tokenDelayMs ?? 0);

function textOf({ text, continuation }: AnswerContent, { body, open, habit }: ChatQuestion): string {
  const whole = typeof text === 'string' ? text : text(open?.before ?? body.messages ?? []);
  return open === undefined ? whole : continuationText(whole, open, continuation ?? habit);
}

/** The deltas of an answer: its text in tokens, then its calls. */
const tokensOf = (content: AnswerContent, question: ChatQuestion): readonly Delta[] => [
  ...textTokens(content, textOf(content, question)).map((token) => ({ content: token })),
  ...toolCallDeltas(content.toolCalls ?? [], content.toolCallShape ?? 'openai').map((calls) => ({ tool_calls: calls })),
];

/** Tokens joined are the text, whatever its white space. */
function textTokens({ tokenChars }: TokenPace, text: string): readonly string[] {
  if (tokenChars === undefined) return text.match(/\s*\S+|\s+$/gu) ?? [];
  const characters = [...text];
  const size = Math.max(1, Math.floor(tokenChars));
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, index) =>
    characters.slice(index * size, (index + 1) * size).join(''),
  );
}

function countUsage(body: ChatBody, completionTokens: number): ChatUsage {
  const promptTokens = (body.messages ?? []).reduce(
    (sum, message) => sum + 4 + Math.ceil(messageText(message).length / 4),
    0,
  );
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

const wantsUsage = (body: ChatBody): boolean => body.stream_options?.include_usage === true;

function choiceEvent(call: ChatCall, delta: Delta, finishReason: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  // Once usage is asked for, every other chunk carries it as null.
  return event(call, wantsUsage(call.body) ? { choices, usage: null } : { choices });
}

function event(call: ChatCall, fields: Delta): string {
  return `data: ${JSON.stringify({ ...envelope(call, 'chat.completion.chunk'), ...fields })}\n\n`;
}

function completion(call: ChatCall, answered: ChatAnswer, finishReason: string, usage: ChatUsage): string {
  const { toolCalls = [] } = answered;
  const text = textOf(answered, call);
  const calls = toolCalls.length > 0 ? { tool_calls: toolCalls.map(wholeCall) } : {};
  const message = {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    ...calls,
    refusal: null,
  };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }];
  return JSON.stringify({ ...envelope(call, 'chat.completion'), choices, usage });
}

const envelope = ({ id, createdSeconds, body }: ChatCall, object: string): Delta => ({
  id,
  object,
  created: createdSeconds,
  model: body.model,
  system_fingerprint: 'fp_fake',
});
