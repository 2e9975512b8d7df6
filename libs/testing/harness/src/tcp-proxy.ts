import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A link that a test can break, between a client and a server on this machine. */
export interface TcpProxy {
  /** Where clients connect instead of the server's port, on 127.0.0.1. */
  readonly port: number;
  /** Resets the connections there are; new ones are taken. */
  cut(): void;
  /** From now on resets each new connection at once; those there are stay. */
  refuse(): void;
  /**
   * From now on nothing passes in either direction, not even the end of a connection, and nothing is reset: a pulled
   * cable. New connections are taken and get nothing.
   */
  blackhole(): void;
  /** Everything passes again; what a black hole held back goes on. */
  heal(): void;
  /** Resets everything and listens no more. Idempotent. */
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
}

/** Starts a forwarder to a port of 127.0.0.1. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let mode: 'open' | 'refusing' | 'blackhole' = 'open';

  const drop = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  };
  const join = ({ client, server }: Pair): void => {
    client.pipe(server);
    server.pipe(client);
  };
  const part = ({ client, server }: Pair): void => {
    client.unpipe(server);
    server.unpipe(client);
  };
  const watch = (pair: Pair, socket: Socket, other: Socket): void => {
    // The error is followed by `close`, which is what counts.
    socket.on('error', () => undefined);
    socket.on('close', (hadError) => {
      if (mode === 'blackhole') return;
      if (hadError) drop(pair);
      // An orderly end: what is still on its way to the other side arrives there.
      else other.destroySoon();
      if (other.destroyed) pairs.delete(pair);
    });
  };
  const listener = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    if (mode === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    const pair: Pair = { client, server };
    pairs.add(pair);
    watch(pair, client, server);
    watch(pair, server, client);
    if (mode === 'open') join(pair);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  let closed: Promise<void> | undefined;

  return {
    port: portOf(listener.address()),
    cut: () => pairs.forEach(drop),
    refuse: () => {
      mode = 'refusing';
    },
    blackhole: () => {
      mode = 'blackhole';
      pairs.forEach(part);
    },
    heal: () => {
      const wasBlackhole = mode === 'blackhole';
      mode = 'open';
      if (!wasBlackhole) return;
      for (const pair of pairs) {
        // The end of one side was kept from the other.
        if (pair.client.destroyed || pair.server.destroyed) drop(pair);
        else join(pair);
      }
    },
    close: () =>
      (closed ??= new Promise((resolve) => {
        listener.close(() => resolve());
        pairs.forEach(drop);
      })),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return address.port;
}
