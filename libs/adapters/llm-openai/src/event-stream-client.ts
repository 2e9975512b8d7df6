import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { MessageBody, type AnswerBody } from './message-body';

/** Where a request goes, and what it carries beside its body. */
export interface Endpoint {
  url: URL;
  headers: Record<string, string>;
}

export type Posted =
  | { kind: 'stream'; headers: IncomingHttpHeaders; body: AnswerBody }
  /** An answer that is no event stream. Its body is not looked at. */
  | { kind: 'answered'; status: number; headers: IncomingHttpHeaders }
  /** `code`: the system's name of the error, e.g. ECONNREFUSED. */
  | { kind: 'unreachable'; code: string | undefined }
  | { kind: 'aborted' };

const EVENT_STREAM = 'text/event-stream';

/**
 * Posts JSON and reads event streams over Node's own client and its pool of connections. No redirects, no decompression,
 * no second try, but for the one case that no caller can tell apart from a first one.
 */
export class EventStreamClient {
  private readonly plain = new HttpAgent({ keepAlive: true, noDelay: true });
  private readonly secure = new HttpsAgent({ keepAlive: true, noDelay: true });

  post(endpoint: Endpoint, body: string, signal: AbortSignal): Promise<Posted> {
    return new Promise((resolve) => this.send(endpoint, body, signal, resolve));
  }

  /** Cuts every connection, idle or not. */
  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }

  private send(endpoint: Endpoint, body: string, signal: AbortSignal, resolve: (posted: Posted) => void): void {
    if (signal.aborted) return resolve({ kind: 'aborted' });
    const { url } = endpoint;
    const headers = { ...endpoint.headers, 'content-length': Buffer.byteLength(body) };
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { agent: this.secure, method: 'POST', headers })
        : httpRequest(url, { agent: this.plain, method: 'POST', headers });
    const abort = (): void => {
      // At once, and not when the socket has closed: the caller's user has begun to speak.
      resolve({ kind: 'aborted' });
      request.destroy();
    };
    const release = (): void => signal.removeEventListener('abort', abort);
    let isAnswered = false;
    signal.addEventListener('abort', abort, { once: true });
    request.once('close', release);
    request.once('response', (response) => {
      isAnswered = true;
      // From here on the connection can belong to the next request, before `close` says so.
      response.once('end', release);
      resolve(postedOf(response));
    });
    request.on('error', ({ code }: NodeJS.ErrnoException) => {
      // The server closed a pooled connection at the moment it was used again. Asking twice changes nothing there.
      if (!isAnswered && request.reusedSocket && code === 'ECONNRESET') this.send(endpoint, body, signal, resolve);
      else resolve({ kind: 'unreachable', code });
    });
    request.end(body);
  }
}

function postedOf(response: IncomingMessage): Posted {
  const { statusCode: status = 0, headers } = response;
  const isStream = status >= 200 && status < 300 && (headers['content-type'] ?? EVENT_STREAM).startsWith(EVENT_STREAM);
  if (isStream) return { kind: 'stream', headers, body: new MessageBody(response) };
  // Read to its end the connection could stay; but a page nobody asked for has any length.
  response.on('error', () => undefined).destroy();
  return { kind: 'answered', status, headers };
}
