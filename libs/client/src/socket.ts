/** What the client uses of a WebSocket: the browser's global and the `ws` package both fit. */
export interface ClientSocket {
  binaryType: string;
  /** The subprotocol the server selected. */
  readonly protocol: string;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: (event: object) => void): void;
}

/** Only Node's `ws` takes headers; browsers get the key as a subprotocol. */
export type ClientSocketConstructor = new (
  url: string,
  protocols: string[],
  options?: { headers: Record<string, string> },
) => ClientSocket;

/**
 * The HTTP status a refused upgrade was answered with, where the platform tells it: `ws` does, in the message of its
 * error ("Unexpected server response: 401"); browsers hide it from pages.
 */
export function refusedStatus(error: object): number | undefined {
  const digits = /Unexpected server response: (\d{3})/.exec(messageOf(error) ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The platform's own words for a failed connection ("connect ECONNREFUSED …"); browsers give none. */
export function messageOf(error: object): string | undefined {
  return 'message' in error && typeof error.message === 'string' && error.message !== '' ? error.message : undefined;
}
