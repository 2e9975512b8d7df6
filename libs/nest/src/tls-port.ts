import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:https';
import type { TlsCredentials } from '@parley/runtime';

/** What a server does for its clients: to answer requests, and to let them upgrade. */
const EVENTS = ['request', 'upgrade'] as const;

/** Everything that a plain server serves once more, on a port of its own, over TLS. */
export class TlsPort {
  readonly server: TlsServer;

  constructor(plain: Server, { certificate: cert, key }: TlsCredentials) {
    this.server = createServer({ cert, key });
    for (const event of EVENTS) this.server.on(event, (...args: unknown[]) => plain.emit(event, ...args));
  }

  async listen(port: number, host: string): Promise<void> {
    this.server.listen(port, host);
    // Rejects with the error that comes instead.
    await once(this.server, 'listening');
  }

  /** Resolves when its last connection has gone; upgraded ones are to be cut by who has them. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
