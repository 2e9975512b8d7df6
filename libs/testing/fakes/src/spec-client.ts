import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { FakeProviders } from './fake-providers';

/** The client side of these specs: plain HTTP, so that what is tested is what is on the wire. */

export const HEADERS = { authorization: 'Bearer test-key', 'content-type': 'application/json' };
export const MESSAGES = [{ role: 'user', content: 'Hello there' }];

export interface Exchange {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  /** Pieces of the body as the HTTP parser gave them. */
  readonly pieces: Buffer[];
  /** When each piece came, monotonic milliseconds. */
  readonly pieceAtMs: number[];
  /** How the body ended: properly, or without its end. */
  readonly ended: Promise<'end' | 'cut'>;
}

/** Posts without a keep-alive pool and leaves the body running; rejects when the socket goes before the status line. */
export function open(fakes: FakeProviders, path: string, body: unknown): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const sent = request(`${fakes.url}${path}`, { method: 'POST', headers: HEADERS, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      const pieceAtMs: number[] = [];
      const ended = new Promise<'end' | 'cut'>((settle) => {
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          pieceAtMs.push(performance.now());
        });
        response.once('end', () => settle('end'));
        response.once('error', () => settle('cut'));
        response.once('close', () => settle('cut'));
      });
      resolve({ request: sent, response, pieces, pieceAtMs, ended });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

export const openChat = (fakes: FakeProviders, extra: object = {}): Promise<Exchange> =>
  open(fakes, '/chat/completions', { model: 'm', messages: MESSAGES, stream: true, ...extra });

export const openSpeech = (fakes: FakeProviders, input: string, extra: object = {}): Promise<Exchange> =>
  open(fakes, '/audio/speech', { model: 'm', voice: 'v', input, response_format: 'pcm', ...extra });

/** Everything received so far as bytes. */
export const received = (exchange: Exchange): Buffer => Buffer.concat(exchange.pieces);

/** The data of each complete server-sent event received so far. */
export function eventsOf(exchange: Exchange): string[] {
  const events = received(exchange).toString('utf8').split('\n\n').slice(0, -1);
  return events.map((event) => event.replace(/^data: /, ''));
}

interface Chunk {
  readonly object: string;
  readonly model: string;
  readonly choices: readonly {
    readonly delta: { readonly role?: string; readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
}

/** The events that are chunks of an answer, parsed. */
export const chunksOf = (exchange: Exchange): Chunk[] =>
  eventsOf(exchange)
    .filter((event) => event !== '[DONE]')
    .map((event) => JSON.parse(event) as Chunk);

/** The text streamed so far. */
export const streamedText = (exchange: Exchange): string =>
  chunksOf(exchange)
    .map((chunk) => chunk.choices[0]?.delta.content ?? '')
    .join('');

/** The bytes as samples; an odd last byte is left out. */
export function samplesOf(bytes: Buffer): Int16Array {
  const aligned = Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  return new Int16Array(aligned.buffer);
}

/** Waits on a condition rather than for a time. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits on purpose, where the absence of something is what is tested. */
export const pauseMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
