import type { ResponseDelivery } from './delivery';
import type { ClientError } from './errors';
import type { ItemId, ResponseId, TurnId } from './ids';
import type { SessionPolicy } from './policy';
import type { OutputModality, SettingsPatch, TokenLimit, WireAudioFormat } from './session-settings';
import type { ToolCall, ToolChoice, ToolDefinition } from './tools';

/** What the client puts into the conversation. One that brings its history replays what the assistant said and called. */
export type ItemDraft =
  /** `parts`: as the client gave the text, if in several. */
  | { role: 'user' | 'system'; text: string; parts?: string[] }
  /** `interrupted`: it was not heard to its end. */
  | { role: 'assistant'; text: string; parts?: string[]; interrupted?: true }
  | { role: 'call'; call: ToolCall };

/** One of the items that a response is to answer in place of the conversation. */
export type ResponseInput =
  ItemDraft | { role: 'result'; callId: string; output: string } | { role: 'reference'; itemId: ItemId };

/** Per-response wishes of `response.create`; what is absent is as the session has it. */
export interface ResponseOptions {
  /** Beside the conversation: nothing of it is added there, and it waits for no other response. */
  outOfBand?: true;
  /** What the model is given in place of the conversation. */
  input?: ResponseInput[];
  instructions?: string;
  tools?: ToolDefinition[];
  toolChoice?: ToolChoice;
  maxOutputTokens?: TokenLimit;
  modality?: OutputModality;
  format?: WireAudioFormat;
  voice?: string;
  metadata?: Record<string, string>;
}

/** What `session.update` may change here. `null` instructions put the server's default back. */
export interface SessionPatch {
  instructions?: string | null;
  voice?: string;
  tools?: ToolDefinition[];
  toolChoice?: ToolChoice;
  settings?: SettingsPatch;
}

/**
 * Durable client inputs: numbered by the gateway, applied once and in order by the owner (design §5).
 * Facts in the past tense of the wire; ids that the owner needs are drawn by the gateway, so that the engine stays pure.
 */
export type SessionInput =
  | { kind: 'final-transcript'; turnId: TurnId; text: string; itemId: ItemId; responseId: ResponseId; answerId: ItemId }
  /** A transcript that may still change: the model may begin, and nothing of it leaves before the final. */
  | { kind: 'speculative-transcript'; turnId: TurnId; text: string }
  /** The user speaks on: the speculative transcript of this turn was not all of it. */
  | { kind: 'speech-resumed'; turnId: TurnId }
  /** The words so far of an utterance that goes on; `delivery` as for an interruption, which it may be. */
  | { kind: 'partial-transcript'; turnId: TurnId; text: string; delivery: ResponseDelivery[] }
  | { kind: 'speech-started'; delivery: ResponseDelivery[] }
  | { kind: 'speech-stopped' }
  /** Muted, the user says nothing: speech and transcripts under way do not count. */
  | { kind: 'mute-changed'; muted: boolean }
  /** `parley.say`: the agent speaks this text; the model is not asked. Without `interruptible` the session's policy says it. */
  | { kind: 'said'; turnId: TurnId; text: string; responseId: ResponseId; answerId: ItemId; interruptible?: boolean }
  | { kind: 'item-created'; itemId: ItemId; item: ItemDraft; previousItemId?: ItemId | null }
  | { kind: 'item-retrieved'; itemId: ItemId }
  | { kind: 'item-deleted'; itemId: ItemId }
  /** The client ran a function that the model called. The model is given it behind the call, wherever the client sees it. */
  | { kind: 'call-answered'; itemId: ItemId; callId: string; output: string; previousItemId?: ItemId | null }
  | { kind: 'response-requested'; turnId: TurnId; responseId: ResponseId; answerId: ItemId; options: ResponseOptions }
  /**
   * `parley.interrupt`. Hits the ordinals up to `writtenOrdinal` (already on this connection) and every response begun
   * by an earlier input of this attachment, never a later one.
   */
  | { kind: 'interrupted'; responseId?: ResponseId; writtenOrdinal: number; delivery: ResponseDelivery[] }
  /** `response.cancel`: the same for the response that still generates; the tail of an older one plays on. */
  | { kind: 'response-cancelled'; responseId?: ResponseId; writtenOrdinal: number; delivery: ResponseDelivery[] }
  | { kind: 'item-truncated'; itemId: ItemId; audioEndMs: number; delivery: ResponseDelivery[] }
  /** `model`: the name the client says the session's model has. */
  | { kind: 'session-updated'; patch: SessionPatch; model?: string }
  | { kind: 'policy-updated'; patch: Partial<SessionPolicy> }
  /**
   * The gateway could not accept a client's message, or two owners were lost with what it stood for; it goes through the
   * owner so that errors keep their order.
   */
  | { kind: 'message-refused'; error: ClientError }
  | { kind: 'disconnected'; reason: 'client' | 'lost' | 'shutdown' };

export type SessionInputKind = SessionInput['kind'];
