import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { InvariantError } from '@parley/model';
import { MessageBody, type AnswerBody } from './message-body';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface KeepAliveFetch {
  fetch: Fetch;
  /** The body of a response that is an event stream; undefined for others. */
  streamOf(response: Response): AnswerBody | undefined;
  /** Cuts every connection, idle or not. */
  close(): void;
}

const EVENT_STREAM = 'text/event-stream';

/** What a body may not follow (RFC 9110 §15): `Response` refuses one. */
const BODILESS = new Set([204, 205, 304]);

/**
 * `fetch` for JSON calls that stream their answer, over Node's own client and its pool of connections. It does what the
 * SDK asks of a fetch (status, headers, an error's text, abort) and nothing else: no redirects, no decompression, no
 * request body but a string. The body of an event stream is read beside the `Response`, which has none.
 */
export function createKeepAliveFetch(): KeepAliveFetch {
  const plain = new HttpAgent({ keepAlive: true, noDelay: true });
  const secure = new HttpsAgent({ keepAlive: true, noDelay: true });

  const streams = new WeakMap<Response, AnswerBody>();

  const send = (url: URL, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { signal, body } = init;
      if (signal?.aborted) return reject(aborted());
      if (typeof body !== 'string') throw new InvariantError('only a string can be sent');
      const headers = { ...Object.fromEntries(new Headers(init.headers)), 'content-length': Buffer.byteLength(body) };
      const method = init.method ?? 'GET';
      const request =
        url.protocol === 'https:'
          ? httpsRequest(url, { agent: secure, method, headers })
          : httpRequest(url, { agent: plain, method, headers });
      const abort = (): void => {
        // At once, and not when the socket has closed: the caller's user has begun to speak.
        reject(aborted());
        request.destroy();
      };
      signal?.addEventListener('abort', abort, { once: true });
      let isAnswered = false;
      const release = (): void => signal?.removeEventListener('abort', abort);
      request.once('close', release);
      request.once('response', (response) => {
        isAnswered = true;
        // From here on the connection can belong to the next request, before `close` says so.
        response.once('end', release);
        const body = isStream(response) ? new MessageBody(response) : undefined;
        webResponse(response).then((head) => {
          if (body) streams.set(head, body);
          resolve(head);
        }, reject);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed a pooled connection at the moment it was used again. Asking twice changes nothing there.
        const isStale = !isAnswered && request.reusedSocket && error.code === 'ECONNRESET' && signal?.aborted !== true;
        if (isStale) resolve(send(url, init));
        else reject(new TypeError('fetch failed', { cause: error }));
      });
      request.end(body);
    });

  return {
    fetch: (input, init = {}) => send(new URL(input instanceof Request ? input.url : input), init),
    streamOf: (response) => streams.get(response),
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

const aborted = (): Error => new Error('aborted');

/** Bodies of errors and of pages nobody asked for: as much as an error's message needs. */
const MAX_TEXT_BYTES = 64 * 1024;

/** The head as the SDK reads it. An event stream's body is not in it: `streamOf` has that. */
async function webResponse(response: IncomingMessage): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  const status = response.statusCode ?? 0;
  if (isStream(response)) return new Response(null, { status, headers });
  const text = await textOf(response);
  return new Response(BODILESS.has(status) ? null : text, { status, headers });
}

function isStream({ statusCode = 0, headers }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300 && (headers['content-type'] ?? EVENT_STREAM).startsWith(EVENT_STREAM);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_TEXT_BYTES) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
