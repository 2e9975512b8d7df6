// One address for several gateways: passes TCP connections on, in turn, to those that take them. A tool, not a
// service: whoever deploys Parley has a load balancer for this.

import { connect, createServer } from 'node:net';

/**
 * @param {{ host: string, port: number, targets: () => readonly { host: string, port: number }[] }} options
 * `targets`: the gateways that are up now
 * @returns {Promise<{ port: number, close: () => Promise<void> }>}
 */
export function startForwarder({ host, port, targets }) {
  let next = 0;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    track(client);
    const all = targets();
    // Each in turn; one that does not answer is skipped for this connection.
    next = (next + 1) % Math.max(all.length, 1);
    tryTargets(client, [...all.slice(next), ...all.slice(0, next)]);
  });

  /** @param {import('node:net').Socket} socket */
  function track(socket) {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  /**
   * @param {import('node:net').Socket} client
   * @param {{ host: string, port: number }[]} candidates
   */
  function tryTargets(client, candidates) {
    const [target, ...others] = candidates;
    if (target === undefined || client.destroyed) {
      client.destroy();
      return;
    }
    const upstream = connect({ ...target, noDelay: true });
    const onRefused = () => tryTargets(client, others);
    upstream.once('error', onRefused);
    upstream.once('connect', () => {
      upstream.off('error', onRefused);
      track(upstream);
      join(client, upstream);
    });
  }

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: address !== null && typeof address === 'object' ? address.port : port,
        close: async () => {
          const closed = new Promise((done) => server.close(done));
          for (const socket of sockets) socket.destroy();
          await closed;
        },
      });
    });
  });
}

/**
 * @param {import('node:net').Socket} client
 * @param {import('node:net').Socket} upstream
 */
function join(client, upstream) {
  // A connection whose other half is gone must not look alive: no half-open forwarding.
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}
