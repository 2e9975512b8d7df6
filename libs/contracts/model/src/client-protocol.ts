import type { ErrorCode } from './errors';
import type { ItemId, ResponseId, SessionId, TurnId } from './ids';
import type { WirePolicy } from './policy';
import type {
  InputPatch,
  OutputModality,
  OutputPatch,
  SettingsPatch,
  TokenLimit,
  WireAudioFormat,
  WirePrompt,
} from './session-settings';
import type { Viseme } from './timings';
import type { ToolDefinition } from './tools';

/** The API as it was before GA: asked for by this path (Azure's), this subprotocol, or the header `OpenAI-Beta: realtime=v1`. */
export const BETA_PATH = '/openai/realtime';
export const BETA_SUBPROTOCOL = 'openai-beta.realtime-v1';

/** WebSocket subprotocols. `parley.v1` is selected when offered; the Realtime API's `realtime` otherwise. */
export const PARLEY_SUBPROTOCOL = 'parley.v1';
export const REALTIME_SUBPROTOCOL = 'realtime';
/** Browsers cannot set headers: the API key travels as an offered subprotocol with this prefix and is never selected. */
export const KEY_SUBPROTOCOL_PREFIX = 'openai-insecure-api-key.';
export const REALTIME_PATH = '/v1/realtime';
/** Azure's clients have a prefix of their own. */
export const REALTIME_PATHS = [REALTIME_PATH, `/openai${REALTIME_PATH}`] as const;

/** Behind a path of those: where client secrets are made. */
export const CLIENT_SECRETS = 'client_secrets';
/** A client secret begins like this. */
export const SECRET_PREFIX = 'ek_';

/** Client → server, parsed (PROTOCOL.md, "The client protocol"). Unknown events and fields are refused by name. */
export type ClientEvent = { event_id?: string } & (
  | { type: 'session.update'; session: SessionUpdate }
  | { type: 'conversation.item.create'; previous_item_id?: ItemId | null; item: ClientItem }
  | { type: 'conversation.item.truncate'; item_id: ItemId; content_index: number; audio_end_ms: number }
  | { type: 'conversation.item.retrieve'; item_id: ItemId }
  | { type: 'conversation.item.delete'; item_id: ItemId }
  | { type: 'response.create'; response?: ResponseWishes }
  | { type: 'response.cancel'; response_id?: ResponseId }
  | { type: 'parley.speech.started' }
  | { type: 'parley.speech.stopped' }
  | { type: 'parley.transcript.partial'; turn_id: TurnId; text: string }
  | { type: 'parley.transcript.speculative'; turn_id: TurnId; text: string }
  | { type: 'parley.transcript.resumed'; turn_id: TurnId }
  | { type: 'parley.transcript.final'; turn_id?: TurnId; text: string }
  | { type: 'parley.interrupt'; response_id?: ResponseId }
  | { type: 'parley.say'; text: string; interruptible?: boolean }
  | { type: 'parley.mute'; muted: boolean }
  | { type: 'parley.policy.update'; policy: Partial<WirePolicy> }
  | { type: 'parley.playback'; response_id: ResponseId; played_ms: number; ended?: boolean }
  | { type: 'parley.ping' }
);
export type ClientEventType = ClientEvent['type'];

/** What a session is and stays (`model`) may be named again; what only some models know (`reasoning`) is taken and changes nothing. */
export interface SessionUpdate extends Omit<SettingsPatch, 'audio'> {
  type: 'realtime';
  model?: string;
  instructions?: string | null;
  audio?: { input?: InputPatch; output?: OutputPatch & { voice?: WireVoice } };
  tools?: WireTool[];
  tool_choice?: WireToolChoice;
  parallel_tool_calls?: boolean;
  reasoning?: Record<string, unknown> | null;
}

/** What one response has of its own. What only some models know (`reasoning`, `prompt`) is taken and changes nothing. */
export interface ResponseWishes {
  conversation?: 'auto' | 'none';
  input?: (ClientItem | ItemReference)[];
  instructions?: string;
  tools?: WireTool[];
  tool_choice?: WireToolChoice;
  max_output_tokens?: TokenLimit;
  output_modalities?: [OutputModality];
  audio?: { output?: { format?: WireAudioFormat; voice?: WireVoice } };
  metadata?: Record<string, string> | null;
  parallel_tool_calls?: boolean;
  prompt?: WirePrompt | null;
  reasoning?: Record<string, unknown> | null;
}

/** An item of the conversation, by its id. */
export interface ItemReference {
  type: 'item_reference';
  id: ItemId;
}

export type WireVoice = string | { id: string };
export type WireTool = { type: 'function' } & ToolDefinition;
export type WireToolChoice = 'auto' | 'none' | 'required' | { type: 'function'; name: string };

export type ClientItem = MessageItem | CallItem | CallOutputItem;

/** What a client repeats of an item that it was given. */
interface RepeatedItem {
  id?: ItemId;
  object?: 'realtime.item';
  status?: 'completed' | 'incomplete' | 'in_progress';
}

/** A function that was called in a conversation which the client brings along. */
export interface CallItem extends RepeatedItem {
  type: 'function_call';
  call_id?: string;
  name: string;
  arguments: string;
}

/** What a function that the model called has returned. */
export interface CallOutputItem extends RepeatedItem {
  type: 'function_call_output';
  call_id: string;
  output: string;
}

export interface MessageItem extends RepeatedItem {
  type: 'message';
  role: 'user' | 'system' | 'assistant';
  content: { type: 'input_text' | 'output_text'; text: string }[];
}

/** The name of the voice worker's own voice: clients that are strict want one. */
export const DEFAULT_VOICE = 'default';

/** What this server can do now, so that a client need not guess. */
export const CAPABILITIES = [
  'text',
  'audio',
  'audio_binary',
  'interrupt',
  'playback',
  'visemes',
  'policy',
  'speculation',
  'speech',
  'say',
  'tools',
  'resume',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Who has the floor, as `parley.state` says it. */
export type FloorState = 'idle' | 'listening' | 'thinking' | 'speaking';

/** Server → client events of Parley's own; the Realtime API's are in `response-events`. */
export type ParleyEvent =
  | {
      type: 'parley.session';
      session_id: SessionId;
      /** Gets the session back after its connection was lost; valid until its successor is used. */
      resume_token: string;
      resumed: boolean;
      /** The last of the client's events that was applied; it sends later ones again. */
      last_client_event_id: string | null;
      capabilities: Capability[];
    }
  | { type: 'parley.state'; state: FloorState; response_id?: ResponseId }
  /** `queued`: it waits for the response in progress to end. */
  | { type: 'parley.turn.accepted'; turn_id: TurnId; response_id: ResponseId; queued?: true }
  | { type: 'parley.policy.updated'; policy: WirePolicy }
  /** The client stops playing at `from_ms`, until `resumed` of this response or until it is interrupted. */
  | { type: 'parley.output.paused'; response_id: ResponseId; from_ms: number }
  | { type: 'parley.output.resumed'; response_id: ResponseId; from_ms: number }
  | { type: 'parley.user'; state: 'present' | 'away' }
  | {
      type: 'parley.response.interrupted';
      response_id: ResponseId;
      turn_id: TurnId;
      heard_ms: number;
      heard_text: string;
    }
  | ({ type: 'parley.turn.metrics'; turn_id: TurnId; response_id: ResponseId } & TurnMetrics)
  | { type: 'parley.visemes'; response_id: ResponseId; item_id: ItemId; visemes: WireViseme[] }
  /** This gateway stops: the client resumes with a new connection, within so many ms, and at a moment of its own. */
  | { type: 'parley.going_away'; reconnect_within_ms: number }
  | { type: 'parley.pong' };

/** Stage times in whole ms from the moment the owner accepted the turn; null when the stage was not reached. */
export interface TurnMetrics {
  first_token_ms: number | null;
  first_segment_ms: number | null;
  first_audio_ms: number | null;
  generated_ms: number | null;
}

/** `start_ms` counts from the response's first sample. */
export interface WireViseme {
  viseme: Viseme['viseme'];
  start_ms: number;
  duration_ms: number;
}

/** `received` of the query: JSON, an array of these (see `ReceivedResponse`). */
export interface WireReceived {
  response_id: ResponseId;
  samples: number[];
  played_ms: number;
  done: boolean;
}

/** An `error` event's payload. */
export interface WireError {
  type: 'invalid_request_error' | 'server_error';
  code: ErrorCode;
  message: string;
  param: string | null;
  event_id: string | null;
}

/** Close codes (RFC 6455 §7.4.1 and IANA registry). */
export const CLOSE_CODES = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidText: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  /** The client has resumed its session with another connection. */
  resumedElsewhere: 4001,
} as const;
