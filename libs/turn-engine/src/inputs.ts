import type {
  InputNumber,
  ItemId,
  ProviderFailure,
  ReceivedResponse,
  ResponseDelivery,
  SessionInput,
  ToolCall,
  Usage,
  WordTiming,
} from '@parley/model';
import type { DrawnIds } from './presence';

/** `epoch`: of the owner that it was bound for. */
export interface BoundRendering {
  lane: number;
  ordinal: number;
  epoch: number;
  attempt: number;
}

/** Facts, in the past tense. Results of asynchronous effects carry lane and ordinal: those of another response are ignored. */
export type EngineInput =
  | { kind: 'attached' }
  /** A durable client input, numbered. `closedOrdinal`: the closing events up to it were written to the connection. */
  | { kind: 'client'; number: InputNumber; closedOrdinal: number; clientEventId?: string; input: SessionInput }
  | { kind: 'text-generated'; lane: number; ordinal: number; text: string }
  /** `itemId` and `call.callId` are drawn by the owner: providers repeat theirs. */
  | { kind: 'tool-called'; lane: number; ordinal: number; itemId: ItemId; call: ToolCall }
  | {
      kind: 'generation-finished';
      lane: number;
      ordinal: number;
      reason: 'stop' | 'length' | 'content_filter';
      usage: Usage;
    }
  | { kind: 'generation-failed'; lane: number; ordinal: number; failure: ProviderFailure }
  /** Of one rendering of the response: those of an earlier one are ignored. */
  | { kind: 'voice-bound'; lane: number; ordinal: number; attempt: number }
  | { kind: 'voice-refused'; lane: number; ordinal: number; attempt: number; failure: ProviderFailure }
  | { kind: 'voice-failed'; lane: number; ordinal: number; attempt: number; failure: ProviderFailure }
  | { kind: 'words-timed'; lane: number; ordinal: number; segment: number; words: WordTiming[] }
  /** The avatar began, or ended, to speak that response. Vendors tell the end late, twice, of another one, or never. */
  | { kind: 'avatar-started'; lane: number; ordinal: number }
  | { kind: 'avatar-done'; lane: number; ordinal: number }
  | { kind: 'avatar-failed'; lane: number; ordinal: number; message: string }
  /** The gateway's word on what was delivered and played. */
  | { kind: 'reported'; linkLosses: number; announcedOrdinal: number; responses: ResponseDelivery[] }
  /** At least one deadline of the state has passed. */
  | { kind: 'deadline-passed'; drawn: DrawnIds }
  /**
   * A new owner (`epoch`) has loaded the state of one that is gone. `rendering`: the last that a worker was bound for. `unwritten`: the
   * client has output which that state does not hold. The rest is the gateway's word on what was delivered since, which is judged
   * before anything goes on.
   */
  | {
      kind: 'taken-over';
      epoch: number;
      rendering: BoundRendering | null;
      unwritten: boolean;
      linkLosses: number;
      announcedOrdinal: number;
      responses: ResponseDelivery[];
    }
  /** The gateway that carried the connection is gone. */
  | { kind: 'gateway-lost' }
  /** It is there after all, with its connection. */
  | { kind: 'gateway-found' }
  /** The client is back with another connection; null: it remembers nothing of what it received. */
  | { kind: 'resumed'; received: ReceivedResponse[] | null };
