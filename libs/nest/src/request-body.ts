import type { IncomingMessage } from 'node:http';

/** Of a request for a client secret: with room for long instructions and many tools, and well under what the bus carries. */
const MAX_BODY_BYTES = 256 * 1024;

/** The whole body as text; undefined when it is too long, or its sender went away. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    // Destroyed, the request would take its connection with it, and nobody could be told.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > MAX_BODY_BYTES) return undefined;
      pieces.push(piece);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces).toString();
}
