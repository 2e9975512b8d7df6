/** A message as a subscriber sees it. `payload` belongs to the receiver and is never written again by the bus. */
export interface BusMessage {
  subject: string;
  payload: Uint8Array;
  /** Answers a request; undefined when the message was published. May be called more than once (`probing`, then the word). */
  reply: ((payload: Uint8Array) => void) | undefined;
}

export type BusHandler = (message: BusMessage) => void;

export interface BusSubscription {
  /** Stops delivery at once: no handler call starts after this returns. Idempotent. */
  unsubscribe(): void;
  /** Is sent nothing more; what the server had sent before still reaches the handler. A member leaves its queue group like this. */
  leave(): void;
}

/** A request's outcome is a value: an answer that does not come is an ordinary thing on a bus. */
export type RequestOutcome =
  | { kind: 'reply'; payload: Uint8Array }
  /** Nobody subscribes: known within about a millisecond. */
  | { kind: 'no-responders' }
  | { kind: 'timeout' }
  /** The link is down, or the bus was closed, or the caller aborted. */
  | { kind: 'disconnected' }
  | { kind: 'aborted' };

export interface RequestOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** A reply for which this is false does not end the request; its deadline goes on. */
  isFinal?: (payload: Uint8Array) => boolean;
}

export interface SubscribeOptions {
  /** Members of one queue group share the messages: each goes to one of them, at random. */
  queue?: string;
}

/**
 * At-most-once messaging with subjects of dot-separated tokens; `*` stands for one token, a final `>` for the rest.
 * From one publisher to one subscriber messages keep their order. Messages published while the link is down are lost
 * without a word; whoever must not lose them resynchronises on `onReconnect`.
 */
export interface BusPort {
  /** Never blocks and never throws for a lost link; throws InvariantError for a malformed subject or a payload over `maxPayloadBytes`. */
  publish(subject: string, payload: Uint8Array): void;
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome>;
  /** The handler is called in order of arrival, never synchronously from publish. An exception in it is logged and drops that message only. */
  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription;
  /** Resolves true when everything sent before (subscriptions included) has reached the server; false when the link is down. */
  flush(timeoutMs: number): Promise<boolean>;
  /** The link is up as far as is known. Silence of a peer says nothing while this is false. */
  readonly connected: boolean;
  readonly maxPayloadBytes: number;
  /** Called each time a lost link is back. Returns its removal. */
  onReconnect(listener: () => void): () => void;
  /** Delivers what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}
