import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { LogPort } from '@parley/ports';
import { SocketServer } from './socket-server';
import { pathOf, refuse } from './upgrade';

/** What a gateway says of itself. */
export interface SocketOptions {
  /** Where it takes connections. */
  paths: readonly string[];
}

/**
 * Carries Nest's gateways without Nest's message routing: a gateway gets its `SocketServer` in `afterInit` and is given
 * whole connections, so that order, binary frames, admission before the upgrade and backpressure are its own affair.
 */
export class SocketAdapter extends AbstractWsAdapter {
  readonly #servers = new Map<string, SocketServer>();

  constructor(
    app: INestApplication<Server>,
    private readonly log: LogPort,
  ) {
    super(app);
    app
      .getHttpServer()
      .on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#route(request, socket, head));
  }

  override create(_port: number, options: SocketOptions = { paths: [] }): SocketServer {
    const server = new SocketServer(this.log);
    for (const path of options.paths) this.#servers.set(path, server);
    return server;
  }

  /** Nothing to bind: connections go to the gateway as a whole, see `SocketServer.serve`. */
  override bindClientConnect(): void {}
  override bindMessageHandlers(): void {}

  override async close(server: SocketServer): Promise<void> {
    server.close();
  }

  #route(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // The peer may be gone at any time from here on; the socket's close says so.
    socket.on('error', () => undefined);
    const server = this.#servers.get(pathOf(request) ?? '');
    if (server === undefined) {
      refuse(socket, { status: 404, headers: { 'content-type': 'text/plain' }, body: 'nothing to connect to here' });
      return;
    }
    // Never rejects: what can go wrong inside is answered on the socket.
    void server.accept(request, socket, head);
  }
}
