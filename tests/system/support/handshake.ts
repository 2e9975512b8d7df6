import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface Handshake {
  /** 101 when the upgrade was granted. */
  status: number;
  headers: IncomingHttpHeaders;
  /** Of a refusal. */
  body: string;
  /** The raw socket of a granted upgrade; the caller destroys it: unread, it would not even notice its end. */
  socket: Socket | undefined;
}

export interface HandshakeOptions {
  /** With the query. */
  path?: string;
  /** Beside those of every WebSocket handshake; undefined leaves one of them out. */
  headers?: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 10_000;
const WEBSOCKET_HEADERS = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** An upgrade request by hand, for what no WebSocket library would send or show. */
export function handshake(url: string, { path = '/v1/realtime', headers = {} }: HandshakeOptions): Promise<Handshake> {
  const all = Object.entries({ ...WEBSOCKET_HEADERS, ...headers }).filter(
    (header): header is [string, string] => header[1] !== undefined,
  );
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path, headers: Object.fromEntries(all), timeout: TIMEOUT_MS });
    sent.once('timeout', () => sent.destroy(new Error('the handshake was not answered')));
    sent.once('error', reject);
    sent.once('upgrade', ({ statusCode = 0, headers: answered }, socket: Socket, head: Buffer) => {
      // What came with the answer is to be read like the rest.
      if (head.length > 0) socket.unshift(head);
      resolve({ status: statusCode, headers: answered, body: '', socket });
    });
    sent.once('response', (response) => {
      readBody(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body, socket: undefined }),
        reject,
      );
    });
    sent.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

/** The status code of the close frame with which the server ends a raw connection; undefined when it just ends. */
export async function closeCodeOn(socket: Socket): Promise<number | undefined> {
  const pieces: Buffer[] = [];
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  for await (const piece of socket) pieces.push(piece as Buffer);
  return closeCodeIn(Buffer.concat(pieces));
}

/** Walks the frames of RFC 6455 §5.2 up to a close frame (opcode 8). A server's frames are not masked. */
function closeCodeIn(bytes: Buffer): number | undefined {
  for (let at = 0; at + 2 <= bytes.length;) {
    const opcode = bytes.readUInt8(at) & 0x0f;
    const shortLength = bytes.readUInt8(at + 1) & 0x7f;
    const headerBytes = shortLength === 126 ? 4 : shortLength === 127 ? 10 : 2;
    const length =
      shortLength === 126
        ? bytes.readUInt16BE(at + 2)
        : shortLength === 127
          ? Number(bytes.readBigUInt64BE(at + 2))
          : shortLength;
    if (opcode === 8) return bytes.readUInt16BE(at + headerBytes);
    at += headerBytes + length;
  }
  return undefined;
}
