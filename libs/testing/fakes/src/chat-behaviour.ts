import type { ChatMessage } from './chat-body';
import type { ContinuationHabit } from './continuation';
import type { AnswerToolCall, ToolCallShape } from './tool-call-shapes';

/** What to answer: a fixed text, or one made from the conversation. */
export type AnswerText = string | ((messages: readonly ChatMessage[]) => string);

/** Token counts as the provider reports them. */
export interface ChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** How a text is cut into tokens and when each of them leaves. */
export interface TokenPace {
  /** From the request to the first token; headers and the role chunk leave at once. Default 0. */
  readonly firstTokenDelayMs?: number;
  /** Between two tokens. Default 0. */
  readonly tokenDelayMs?: number;
  /** Code points per token. Default: a word with the space before it. */
  readonly tokenChars?: number;
}

/** What an answer says and which tools it calls after that. A chunk with calls, or a piece of one, is a token as well. */
export interface AnswerContent extends TokenPace {
  /** The whole answer, also where the request has its beginning. A function is asked without that beginning. */
  readonly text: AnswerText;
  /** What is said where the request has the beginning of the answer. Default: what the server was told. */
  readonly continuation?: ContinuationHabit;
  /** Default: none. Whether the request offered the tools is not looked at. */
  readonly toolCalls?: readonly AnswerToolCall[];
  /** Default 'openai'. */
  readonly toolCallShape?: ToolCallShape;
}

/** Answers, streamed or whole as the request asks. */
export interface ChatAnswer extends AnswerContent {
  readonly kind: 'answer';
  /** Default: prompt and tokens counted by the fake. */
  readonly usage?: ChatUsage;
  /** Default: 'stop', with tool calls the one of their shape. */
  readonly finishReason?: 'stop' | 'length' | 'content_filter' | 'tool_calls';
}

/** Falls silent after some tokens; the socket stays open until the client or the server closes it. */
export interface ChatStall extends AnswerContent {
  readonly kind: 'stall';
  readonly afterTokens: number;
  /** Nothing is sent at all, not even the status line. */
  readonly beforeHeaders?: boolean;
}

/** Destroys the socket after some tokens, which all arrive. */
export interface ChatCut extends AnswerContent {
  readonly kind: 'cut';
  readonly afterTokens: number;
  /** The socket goes before the status line: the client sees a hang-up. */
  readonly beforeHeaders?: boolean;
}

/** Fails with a status and the provider's error body. */
export interface StatusBehaviour {
  readonly kind: 'status';
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
  /** Default: the provider's own for that status. */
  readonly type?: string;
  /** Sent as the Retry-After header, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** 200 and the right content type, but what it holds is not JSON. */
export interface ChatGarbage {
  readonly kind: 'garbage';
}

/** 200 with a web page, as a captive portal or a wrong base URL gives. */
export interface ChatHtml {
  readonly kind: 'html';
}

/** A proper answer without a word in it: finish reason 'stop' at once. */
export interface ChatEmpty {
  readonly kind: 'empty';
}

/** What the fake does with a chat completion request. */
export type ChatBehaviour = ChatAnswer | ChatStall | ChatCut | StatusBehaviour | ChatGarbage | ChatHtml | ChatEmpty;
