import type { WireEvent } from './test-client';

/** A client's end of a connection, whatever carries it. */
export interface Watched {
  /** The subprotocol that the server selected; empty for none. */
  readonly protocol: string;
}

/** Sees everything that clients send and receive, as it stands on the wire, and when nothing more can come. */
export interface Witness {
  sent(connection: Watched, event: WireEvent): void;
  received(connection: Watched, event: WireEvent): void;
  ended(connection: Watched): void;
}

/** The witness of all clients of this process; undefined where nobody looks. */
export const everyConnection: { witness: Witness | undefined } = { witness: undefined };
