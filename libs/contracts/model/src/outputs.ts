import type { ClientError } from './errors';
import type { InputNumber, ItemId, ResponseId, TurnId } from './ids';
import type { OutputModality, TokenLimit, WireAudioFormat } from './session-settings';
import type { ToolCall } from './tools';

/** What the model's provider still allows. */
export interface RateLimit {
  name: 'requests' | 'tokens';
  limit: number;
  remaining: number;
  /** Until all of it is there again. */
  resetSeconds: number;
}

/** Token counts of one response as the model reported them, zeros when it reported none; and what its provider said is left. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** Absent where nothing was said. */
  rateLimits?: RateLimit[];
}

/** What ended a model's answer before its end, in the Realtime API's words. */
export type CutReason = 'max_output_tokens' | 'content_filter';

export type ResponseStatus = 'completed' | 'cancelled' | 'failed' | 'incomplete';

/** A complete event of the client protocol without its `event_id`, which the gateway makes from (epoch, outSeq). */
export type ClientEventBody = { type: string } & Record<string, unknown>;

export interface AdoptedSegment {
  index: number;
  epoch: number;
  attempt: number;
}

/**
 * Numbered owner output: everything the client sees except audio (design §5). A response is described compactly; the
 * gateway expands it to the Realtime API's event chain, because only it knows when the last sample was written.
 */
export type OwnerOutput =
  /**
   * The first output of a new owner (`epoch`): chunks of lower epochs count from here on only if they are of a segment in
   * this list, whose rendering goes on.
   */
  | { kind: 'adopted'; epoch: number; ordinal: number; segments: AdoptedSegment[] }
  | { kind: 'event'; event: ClientEventBody }
  | { kind: 'error'; error: ClientError; clientEventId?: string }
  /**
   * Precedes the first job of a response. Audio of an ordinal that was not announced is held. On another lane than the
   * conversation's the response is out of band.
   */
  | {
      kind: 'announce';
      lane: number;
      ordinal: number;
      responseId: ResponseId;
      itemId: ItemId;
      previousItemId: ItemId | null;
      turnId: TurnId;
      cause: InputNumber;
      /** As the session had it when the response began. */
      format: WireAudioFormat;
      /** The voice that was asked for; null for the voice worker's own. */
      voice: string | null;
      modality: OutputModality;
      maxOutputTokens: TokenLimit;
      metadata: Record<string, string> | null;
    }
  | { kind: 'text'; lane: number; ordinal: number; segment: number; text: string }
  /** The model calls a function of the client's, which answers with an item. */
  | { kind: 'call'; lane: number; ordinal: number; itemId: ItemId; call: ToolCall }
  /**
   * No more segments than `segments` will come. The closing events are written after the last sample of the last one.
   * With status `failed` they are written at once, and audio not yet written is dropped.
   */
  | {
      kind: 'end';
      lane: number;
      ordinal: number;
      segments: number;
      /** One that is cancelled ends with `interrupted`. */
      status: Exclude<ResponseStatus, 'cancelled'>;
      /** Why it is incomplete; null when it is not. */
      cutBy: CutReason | null;
      error: ClientError | null;
      usage: Usage;
      /** Segments whose text is spoken; without a voice (text goes on) this is 0 and closing waits for no audio. */
      spokenSegments: number;
    }
  /** The deadline of closing passed: write the closing events now. */
  | { kind: 'close'; lane: number; ordinal: number }
  /**
   * Ends a response that was interrupted: closing events with status cancelled unless they were written before, then
   * `parley.response.interrupted` as its last event.
   */
  | {
      kind: 'interrupted';
      lane: number;
      ordinal: number;
      responseId: ResponseId;
      turnId: TurnId;
      heardMs: number;
      heardText: string;
      usage: Usage;
      reason: InterruptReason;
    }
  /** The client is to hold its voice: the estimated playhead of one that does not report stands still too. */
  | { kind: 'paused'; lane: number; ordinal: number; responseId: ResponseId; fromMs: number }
  | { kind: 'resumed'; lane: number; ordinal: number; responseId: ResponseId; fromMs: number }
  /** The session ended; the gateway closes the connection after writing what precedes this. */
  | { kind: 'disconnect'; closeCode: number; reason: string };

/** Why a response was interrupted, in the Realtime API's words: by the client's order, or by a turn or speech that took the floor. */
export type InterruptReason = 'client_cancelled' | 'turn_detected';
