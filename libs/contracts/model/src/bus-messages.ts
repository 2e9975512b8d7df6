import type { ResponseDelivery } from './delivery';
import type { Incarnation, SessionId } from './ids';
import type { OwnerOutput } from './outputs';
import type { SessionInput } from './session-inputs';
import type { Viseme } from './timings';
import type { VoiceJobKey } from './voice-jobs';

/** Version of every JSON message on the bus, of the chunk header and of the stored state. */
export const SCHEMA_VERSION = 1;

/** Every JSON message on the bus. `traceparent` as in W3C Trace Context, "00-<32 hex>-<16 hex>-<2 hex>". */
export interface Envelope<Body> {
  v: typeof SCHEMA_VERSION;
  traceparent: string;
  body: Body;
}

/** `claim`, a request to the queue group of orchestrators. */
export interface Claim {
  sessionId: SessionId;
  gateway: Incarnation;
  /** The highest epoch this gateway has seen of the session; 0 for a new one. */
  seenEpoch: number;
  /** A new connection (raises the attachment), or an old one that lost its owner and hands over what it knows. */
  attach:
    { kind: 'new'; connection: ConnectionProfile } | { kind: 'keep'; attachment: number; delivered: DeliveryReport };
}

/** What the owner needs to know of a connection. */
export interface ConnectionProfile {
  /** The client speaks `parley.v1`. */
  parley: boolean;
  /** The model name of the query, if any; configuration maps it or it is ignored. */
  model: string | null;
}

export type ClaimReply =
  | { kind: 'granted'; epoch: number; attachment: number; owner: Incarnation }
  | { kind: 'owned'; epoch: number; owner: Incarnation }
  /** The previous owner is being probed; the final word comes on the reply subject within 600 ms. */
  | { kind: 'probing' }
  | { kind: 'full' }
  /** The session is over (or never was, for `keep`). */
  | { kind: 'gone' };

/** `session.<id>.<epoch>.in`, a request to the owner. */
export interface InputMessage {
  sessionId: SessionId;
  attachment: number;
  seq: number;
  /** The client's own `event_id`, echoed in errors. */
  clientEventId?: string;
  /** Highest ordinal whose closing events were written to this connection; the owner applies this first. */
  closedOrdinal: number;
  input: SessionInput;
}

export type InputReply =
  | { kind: 'applied'; seq: number }
  | { kind: 'expected'; seq: number }
  | { kind: 'old-attachment' }
  | { kind: 'disowned' };

/**
 * `session.<id>.out`, owner → gateway. What one write of the owner covers comes in one message, the outputs numbered
 * from `firstOutSeq` on.
 */
export interface OutputMessage {
  epoch: number;
  firstOutSeq: number;
  outputs: OwnerOutput[];
}

/** What a gateway knows of what reached its client. */
export interface DeliveryReport {
  /** Owner output received without a hole up to here. */
  acknowledgedOutSeq: number;
  /** Highest ordinal announced to this connection; one up to it that is not listed was closed and played to its end. */
  announcedOrdinal: number;
  /** Responses not yet played to their end, in order of ordinal. */
  responses: ResponseDelivery[];
}

/** `session.<id>.report`, gateway → owner and bound voice worker. Not an input: newer ones replace older ones. */
export interface Report extends DeliveryReport {
  sessionId: SessionId;
  attachment: number;
}

/** `session.<id>.visemes`, avatar → gateway, ms from the segment's first sample. */
export interface VisemesMessage extends VoiceJobKey {
  segment: number;
  visemes: Viseme[];
}

/** `peer.<incarnation>`: liveness by process pair. The reply's absence (no responders) means the process is gone. */
export interface PeerPing {
  from: Incarnation;
}
/** `owner.<incarnation>.probe`: does this process still own the session? */
export interface OwnerProbe {
  sessionId: SessionId;
}
export type OwnerProbeReply = { kind: 'owned'; epoch: number } | { kind: 'disowned' };
