import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Admission, LogPort, UpgradeRequest } from '@parley/ports';
import { WebSocketServer, type WebSocket } from 'ws';
import { SocketConnection } from './socket-connection';
import { describeUpgrade, refuse, type Refusal } from './upgrade';

/** A longer message is closed with 1009. Two seconds of audio as base64 are 128 kB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A peer that does not answer a close is cut after this. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Apart from its use, because the types of `ws` do not have `closeTimeout` yet. */
const SERVER_OPTIONS = {
  noServer: true,
  // It costs six times the CPU per frame, and audio does not shrink.
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  closeTimeout: CLOSE_TIMEOUT_MS,
};

const NOT_SERVING: Refusal = { status: 503, headers: { 'retry-after': '1' }, body: 'starting' };
const BROKEN: Refusal = { status: 500, headers: {}, body: 'internal error' };

export type Admit = (request: UpgradeRequest) => Promise<Admission>;

/** Turns upgrades of one path into connections: admission first, then the handshake, then the listener, in that order. */
export class SocketServer {
  readonly #selected = new WeakMap<IncomingMessage, string>();
  readonly #server = new WebSocketServer({
    ...SERVER_OPTIONS,
    handleProtocols: (_offered, request) => this.#selected.get(request) ?? false,
  });
  #admit: Admit | undefined;

  constructor(private readonly log: LogPort) {}

  /** Upgrades before this are refused with 503. */
  serve(admit: Admit): void {
    this.#admit = admit;
  }

  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const admission = await this.#decide(request);
    if (admission.kind === 'refused') refuse(socket, admission);
    else if (socket.destroyed) admission.abandon();
    else this.#open(admission, request, socket, head);
  }

  /** Cuts what is still open: whoever closes in good manners has done so before. */
  close(): void {
    this.#admit = undefined;
    for (const socket of this.#server.clients) socket.terminate();
  }

  async #decide(request: IncomingMessage): Promise<Admission> {
    if (this.#admit === undefined) return { kind: 'refused', ...NOT_SERVING };
    try {
      return await this.#admit(describeUpgrade(request));
    } catch (error) {
      this.log.error('admission of a connection broke', { error });
      return { kind: 'refused', ...BROKEN };
    }
  }

  #open(
    admission: Extract<Admission, { kind: 'admitted' }>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    if (admission.subprotocol !== undefined) this.#selected.set(request, admission.subprotocol);
    let isOpen = false;
    // Calls back before it returns, or has answered a malformed handshake by itself.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      isOpen = true;
      open(webSocket, socket, admission);
    });
    if (!isOpen) admission.abandon();
  }
}

function open(socket: WebSocket, stream: Duplex, admission: Extract<Admission, { kind: 'admitted' }>): void {
  // `ws` answers malformed frames with the right close code by itself; the close event follows.
  socket.on('error', () => undefined);
  const connection = new SocketConnection(socket, stream);
  connection.listen(admission.open(connection));
}
