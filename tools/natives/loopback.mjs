// The little of TCP that is needed to learn whether a server answers.

import { connect, createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/** @returns {Promise<number>} a port that was free a moment ago: whoever uses it must cope with losing it */
export function findFreePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('the kernel gave no port'));
      });
    });
  });
}

/**
 * Connects, sends, and collects the answer until it is complete.
 *
 * @param {number} port
 * @param {string} request
 * @param {(answer: string) => boolean} isComplete
 * @param {number} timeoutMs
 * @returns {Promise<string>}
 */
export function exchange(port, request, isComplete, timeoutMs) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port });
    let answer = '';
    // Not socket.setTimeout: that one starts again with every byte.
    const deadline = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!isComplete(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(deadline);
      reject(new Error('closed before it answered'));
    });
  });
}
