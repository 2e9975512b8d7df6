import type { ReceivedResponse, ResponseDelivery } from './delivery';
import type { Incarnation, SessionId } from './ids';
import type { ClientEventBody, OwnerOutput } from './outputs';
import type { SessionInput, SessionPatch } from './session-inputs';
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

/** `claim`, a request to the queue group of orchestrators; on `owner.<incarnation>.claim` to the one that owns the session. */
export interface Claim {
  sessionId: SessionId;
  gateway: Incarnation;
  /** The highest epoch this gateway has seen of the session; 0 for a new one. */
  seenEpoch: number;
  attach: Attach;
}

export type Attach =
  /** The first connection of a new session. */
  | { kind: 'new'; connection: ConnectionProfile }
  /** A connection that lost its owner; its gateway hands over what it knows. */
  | { kind: 'keep'; attachment: number; delivered: DeliveryReport }
  /**
   * A client that comes back with its token. `connectionId` names this connection, so that a claim that is asked again is one and
   * the same. `received` is null for a client that remembers nothing: it hears on from where the last one stopped.
   * `receivedOutSeq`: the last output of which it has an event; 0 for none.
   */
  | {
      kind: 'resume';
      connectionId: string;
      token: string;
      received: ReceivedResponse[] | null;
      receivedOutSeq: number;
    };

/** What the owner needs to know of a connection. */
export interface ConnectionProfile {
  /** The client speaks `parley.v1`. */
  parley: boolean;
  /** The model name of the query or of the client's secret, if any; configuration maps it or it is ignored. */
  model: string | null;
  /** What the session begins with: of the client's secret. */
  defaults?: SessionPatch;
}

/** What a client secret says of the sessions that are opened with it. */
export interface SessionDefaults {
  model: string | null;
  patch: SessionPatch;
}

/**
 * `secret.keep`, a request to any orchestrator: a client secret was made. It never leaves the gateway that made it; its
 * SHA-256 as hex stands for it.
 */
export interface SecretKeep {
  digest: string;
  ttlMs: number;
  defaults: SessionDefaults;
}

export type SecretKeepReply =
  /** `session`: the session object of the Realtime API, as sessions will begin. */
  | { kind: 'kept'; session: Record<string, unknown> }
  /** The store cannot be reached. */
  | { kind: 'unavailable' };

/** `secret.find`, a request to any orchestrator: a client came with a secret. */
export interface SecretFind {
  digest: string;
}

export type SecretFindReply =
  | { kind: 'found'; defaults: SessionDefaults }
  /** There never was one, or its time is over. */
  | { kind: 'unknown' }
  /** The store cannot be reached. */
  | { kind: 'unavailable' };

/** What a connection begins with. */
export interface Opening {
  /** Its first events. */
  greeting: ClientEventBody[];
  /** Numbered output follows from the next number on; of a session that is resumed again what the client may not have got. */
  afterOutSeq: number;
  /** What is numbered up to here was said before the connection began. */
  throughOutSeq: number;
  /** Of a session that is resumed: the responses under way, and where their delivery goes on. */
  responses: ResponseDelivery[];
}

export type ClaimReply =
  /** `opening` is null for a connection that kept its session. */
  | { kind: 'granted'; epoch: number; attachment: number; owner: Incarnation; opening: Opening | null }
  | { kind: 'owned'; epoch: number; owner: Incarnation }
  /** The previous owner is being probed; the final word comes on the reply subject within 600 ms. */
  | { kind: 'probing' }
  | { kind: 'full' }
  /** A newer connection has the session. */
  | { kind: 'superseded' }
  /** The session is over, never was, or the token is none of its. */
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
  /** The connection it is for: one with a lower number has been replaced. */
  attachment: number;
  firstOutSeq: number;
  /** None only with `released`. */
  outputs: OwnerOutput[];
  /** The owner has let the session go: its gateway claims at once. Not numbered and not repeated; a missing owner shows anyway. */
  released?: true;
}

/** What a gateway knows of what reached its client. */
export interface DeliveryReport {
  /** Owner output received without a hole up to here. */
  acknowledgedOutSeq: number;
  /** So often since the connection attached its gateway's bus link was away: what a voice sent meanwhile has not come. */
  linkLosses: number;
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
