import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Admission, UpgradeRequest } from '@parley/ports';

export type Refusal = Omit<Extract<Admission, { kind: 'refused' }>, 'kind'>;

const LOOPBACK_ADDRESS = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;

/** Undefined when the request's target is not a path. */
export function pathOf(request: IncomingMessage): string | undefined {
  return targetOf(request)?.pathname;
}

export function describeUpgrade(request: IncomingMessage): UpgradeRequest {
  const target = targetOf(request);
  return {
    path: target?.pathname ?? '',
    query: Object.fromEntries(target?.searchParams ?? []),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    subprotocols: (request.headers['sec-websocket-protocol'] ?? '')
      .split(',')
      .map((protocol) => protocol.trim())
      .filter((protocol) => protocol !== ''),
    loopback: LOOPBACK_ADDRESS.test(request.socket.remoteAddress ?? ''),
  };
}

/** Answers an upgrade that is not to be: a whole HTTP response on the raw socket, which is then closed. */
export function refuse(socket: Duplex, { status, headers, body }: Refusal): void {
  const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

function targetOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '';
  // With a base, `//x` would be another host's root and not a path.
  return target.startsWith('/') && !target.startsWith('//') ? new URL(target, 'http://localhost') : undefined;
}
