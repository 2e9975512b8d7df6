import type { Duplex } from 'node:stream';
import { CLOSE_CODES } from '@parley/model';
import type { ConnectionListener, ConnectionPort } from '@parley/ports';
import type { RawData, WebSocket } from 'ws';

const HIGH_WATER_BYTES = 64 * 1024;
const LOW_WATER_BYTES = 32 * 1024;
/** RFC 6455 §5.2, a server's frame (not masked). */
const MAX_HEADER_BYTES = 10;
const TEXT = { binary: false } as const;
const BINARY = { binary: true } as const;

/** The port on one WebSocket of the `ws` package. */
export class SocketConnection implements ConnectionPort {
  /** Above the high-water mark: until the low-water mark is reached, every send is followed. */
  #isCrowded = false;
  #listener: ConnectionListener | undefined;

  #isCorked = false;

  /** `stream` is the connection under the socket. */
  constructor(
    private readonly socket: WebSocket,
    private readonly stream: Duplex,
  ) {}

  /** From here on the listener gets everything. In the same turn of the event loop as the upgrade, or frames are lost. */
  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) listener.onBinary(bytesOf(data));
      else listener.onText(bytesOf(data).toString());
    });
    this.socket.on('pong', () => listener.onPong());
    // A frame that breaks the protocol, or a limit, is an error here and a close code only at the client.
    let hasBrokenProtocol = false;
    this.socket.on('error', (error) => {
      hasBrokenProtocol ||= 'code' in error && String(error.code).startsWith('WS_ERR_');
    });
    this.socket.on('close', (code) => {
      this.#listener = undefined;
      listener.onClosed(hasBrokenProtocol ? CLOSE_CODES.protocolError : code);
    });
  }

  sendText(text: string): void {
    this.#send(Buffer.from(text), TEXT);
  }

  sendBinary(frame: Uint8Array): void {
    this.#send(frame, BINARY);
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  ping(): void {
    this.socket.ping();
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  #send(payload: Uint8Array, kind: typeof TEXT | typeof BINARY): void {
    // Decided before the send: the one that fills the buffer must be followed too, as it may be the last.
    this.#isCrowded ||= this.socket.bufferedAmount + payload.byteLength + MAX_HEADER_BYTES > HIGH_WATER_BYTES;
    this.#gather();
    if (this.#isCrowded) this.socket.send(payload, kind, this.#onWritten);
    else this.socket.send(payload, kind);
  }

  /**
   * What is sent in one turn of the event loop leaves with one system call: a response's closing chain is six events or
   * more, and writing to sockets is the largest part of a gateway's time. Nothing waits longer than the turn.
   */
  #gather(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.stream.uncork();
    });
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error || !this.#isCrowded || this.socket.bufferedAmount >= LOW_WATER_BYTES) return;
    this.#isCrowded = false;
    this.#listener?.onWritable();
  };
}

/** `ws` gives one Buffer unless told otherwise; its type says more. */
function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
