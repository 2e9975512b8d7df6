/** One WebSocket of a client, as the gateway service writes to it. Nothing here throws for a dead peer. */
export interface ConnectionPort {
  sendText(text: string): void;
  /** `frame` is not copied and must not be written again. */
  sendBinary(frame: Uint8Array): void;
  /** Bytes accepted but not yet handed to the operating system. */
  readonly bufferedBytes: number;
  ping(): void;
  /** Starts the closing handshake; the adapter cuts the socket when the peer does not answer within 2 s. Idempotent. */
  close(code: number, reason: string): void;
  /** Cuts the socket without a handshake. */
  terminate(): void;
}

/** What the adapter tells the gateway service; calls come in order and never after `onClosed`. */
export interface ConnectionListener {
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  onPong(): void;
  /** `bufferedBytes` fell under the low-water mark after having been above it. */
  onWritable(): void;
  onClosed(code: number): void;
}

/** An HTTP upgrade request, as far as admission is decided by it. Header names are lower case. */
export interface UpgradeRequest {
  path: string;
  query: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string | undefined>>;
  /** Offered subprotocols, in the client's order. */
  subprotocols: readonly string[];
  /** The peer's address is a loopback one. */
  loopback: boolean;
}

/** A plain HTTP request with a body. */
export interface HttpRequest extends UpgradeRequest {
  /** Undefined when it is longer than the server takes. To be read only for who may have it answered. */
  readBody(): Promise<string | undefined>;
}

export interface HttpReply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type Admission =
  | {
      kind: 'admitted';
      /** The subprotocol to select; undefined: none. */
      subprotocol: string | undefined;
      /** Called once, synchronously after the 101 was written; from then on the listener gets everything. */
      open(connection: ConnectionPort): ConnectionListener;
      /** The upgrade failed after admission (the peer went away): releases what admission took. */
      abandon(): void;
    }
  | ({ kind: 'refused' } & HttpReply);
