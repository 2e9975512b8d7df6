import { CLOSE_CODES, KEY_SUBPROTOCOL_PREFIX, PARLEY_SUBPROTOCOL, REALTIME_PATH } from '@parley/model';
import type { ClientEvent } from '@parley/model';
import type { ClientSystem } from './client-system';
import type { ClosedReason } from './connection-status';
import { messageOf, refusedStatus } from './socket';
import type { ClientSocket, ClientSocketConstructor } from './socket';

/** From the start to the session. */
const CONNECT_TIMEOUT_MS = 10_000;

/** For a socket that is given up while its session goes on: 1000 would end that. Pages may send 3000 to 4999. */
const GIVEN_UP = 4000;

export interface ConnectionOptions {
  /** `ws://` or `wss://` address of a gateway; without a path, the Realtime API's is taken. */
  url: string;
  /** API key; without one none is sent. */
  key?: string;
  /** Browsers cannot set headers, so the default is a subprotocol. */
  keyIn?: 'subprotocol' | 'header';
  WebSocket: ClientSocketConstructor;
  system: ClientSystem;
}

interface ConnectionHooks {
  onMessage(data: unknown): void;
  /** Once, unless it was closed here, and last. The socket is still to be closed, or given up. */
  onEnd(reason: ClosedReason): void;
}

/** One WebSocket, from the handshake to its end. A client has one after another. */
export class Connection {
  private socket: ClientSocket | undefined;
  private isUpgraded = false;
  private isOver = false;
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly options: ConnectionOptions,
    private readonly hooks: ConnectionHooks,
  ) {}

  /** `query` is added to the address. */
  open(query: ReadonlyMap<string, string>): void {
    this.cancelTimer = this.options.system.timers.after(CONNECT_TIMEOUT_MS, () =>
      this.end({ kind: 'connect_timeout', afterMs: CONNECT_TIMEOUT_MS }),
    );
    try {
      this.listen(this.makeSocket(query));
    } catch {
      // The platform's message may quote the offered subprotocols, the key among them: it is not passed on.
      this.end({ kind: 'not_opened', message: 'the address or the key has characters that cannot be sent' });
    }
  }

  /** The session is there: the time to connect is over. */
  begun(): void {
    this.cancelTimer();
  }

  send(event: ClientEvent): void {
    if (!this.isOver) this.socket?.send(JSON.stringify(event));
  }

  /** Ends the session with it. */
  close(): void {
    this.release(CLOSE_CODES.normal);
  }

  /** Nothing comes from it any more; its session goes on elsewhere. */
  giveUp(): void {
    this.release(GIVEN_UP);
  }

  private makeSocket(query: ReadonlyMap<string, string>): ClientSocket {
    const { url, key, keyIn, WebSocket } = this.options;
    const address = new URL(url);
    if (address.pathname === '/') address.pathname = REALTIME_PATH;
    address.searchParams.set('audio', 'binary');
    for (const [name, value] of query) address.searchParams.set(name, value);
    if (key === undefined) return new WebSocket(address.href, [PARLEY_SUBPROTOCOL]);
    if (keyIn === 'header') {
      return new WebSocket(address.href, [PARLEY_SUBPROTOCOL], { headers: { Authorization: `Bearer ${key}` } });
    }
    return new WebSocket(address.href, [PARLEY_SUBPROTOCOL, `${KEY_SUBPROTOCOL_PREFIX}${key}`]);
  }

  private listen(socket: ClientSocket): void {
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    let failure: object = {};
    socket.addEventListener('open', () => this.upgraded(socket));
    socket.addEventListener('error', (error) => {
      failure = error;
    });
    socket.addEventListener('close', ({ code, reason }) => this.end(this.reasonOf(code, reason, failure)));
    socket.addEventListener('message', ({ data }) => {
      if (!this.isOver) this.hooks.onMessage(data);
    });
  }

  private upgraded(socket: ClientSocket): void {
    this.isUpgraded = true;
    if (socket.protocol !== PARLEY_SUBPROTOCOL) this.end({ kind: 'wrong_protocol', selected: socket.protocol });
  }

  private reasonOf(code: number, reason: string, failure: object): ClosedReason {
    if (!this.isUpgraded) {
      const httpStatus = refusedStatus(failure);
      const message = messageOf(failure);
      return {
        kind: 'not_opened',
        ...(httpStatus === undefined ? {} : { httpStatus }),
        ...(message === undefined ? {} : { message }),
      };
    }
    // 1005 and 1006 are never sent: the platform makes them up for a missing close code and a missing close frame.
    return code === 1006 ? { kind: 'lost' } : { kind: 'closed_by_server', code, reason };
  }

  private end(reason: ClosedReason): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelTimer();
    this.hooks.onEnd(reason);
  }

  private release(code: number): void {
    this.isOver = true;
    this.cancelTimer();
    this.socket?.close(code);
  }
}
