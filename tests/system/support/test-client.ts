import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { sleep } from './sleep';
import { everyConnection, type Watched } from './witness';

/**
 * A client written from PROTOCOL.md alone: it imports nothing of Parley, so that what it says of a conversation is what
 * anybody at the other end of the wire would say.
 */

export type WireEvent = { type: string; event_id?: string } & Record<string, unknown>;

/** Something that arrived, in order. */
export type Arrival =
  | { kind: 'event'; atMs: number; event: WireEvent }
  | {
      kind: 'audio';
      atMs: number;
      responseId: string;
      segment: number;
      firstSample: number;
      samples: number;
      last: boolean;
      pcm: Buffer;
    };

export interface ReceivedSegment {
  samples: number;
  last: boolean;
}

export interface TestClientOptions {
  url: string;
  key?: string;
  /** Subprotocols beside the key; default parley.v1. */
  subprotocols?: string[];
  binary?: boolean;
  query?: string;
}

/** The answer to an upgrade that was not granted. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** `error.code` of the body. */
    readonly code: string | undefined,
    readonly retryAfterS: number | undefined,
  ) {
    super(`refused with ${status} ${code ?? ''}`.trimEnd());
  }
}

/** Of a line on which nothing passes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

export class TestClient implements Watched {
  readonly arrivals: Arrival[] = [];
  closed: { code: number; reason: string } | undefined;
  private readonly listeners = new Set<() => void>();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => this.receive(data, isBinary));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      everyConnection.witness?.ended(this);
      this.wake();
    });
    socket.on('error', () => undefined);
  }

  static async connect(options: TestClientOptions): Promise<TestClient> {
    const { url, key = 'dev', subprotocols = ['parley.v1'], binary = true } = options;
    const target = new URL('/v1/realtime', url.replace(/^http/, 'ws'));
    if (binary) target.searchParams.set('audio', 'binary');
    if (options.query !== undefined) target.search += `${target.search ? '&' : ''}${options.query}`;
    const socket = new WebSocket(target, subprotocols, {
      headers: { authorization: `Bearer ${key}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    const client = new TestClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      // Given a listener, the library leaves the answer to it; read to its end, it frees its socket.
      socket.once('unexpected-response', (_request, response) => {
        refusalOf(response).then(reject, reject);
      });
    });
    return client;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  send(event: Record<string, unknown>): void {
    this.sendText(JSON.stringify(event));
  }

  /** One event, as a client may write it that makes its JSON otherwise. */
  sendText(text: string): void {
    everyConnection.witness?.sent(this, JSON.parse(text) as WireEvent);
    this.socket.send(text);
  }

  /** The first event from `from` on for which the predicate holds, past ones included. */
  async waitFor(
    what: string,
    predicate: (event: WireEvent) => boolean,
    timeoutMs = 10_000,
    from = 0,
  ): Promise<WireEvent> {
    const found = await this.waitUntil(what, () => this.eventsFrom(from).find(predicate), timeoutMs);
    return found;
  }

  waitForType(type: string, timeoutMs?: number, from = 0): Promise<WireEvent> {
    return this.waitFor(type, (event) => event.type === type, timeoutMs, from);
  }

  async waitUntil<T>(what: string, look: () => T | undefined | false, timeoutMs = 10_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.closed) throw new Error(`did not come: ${what}; got ${this.summary()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, Math.min(leftMs, 50));
        const { listeners } = this;
        function done(): void {
          clearTimeout(timer);
          listeners.delete(done);
          resolve();
        }
        listeners.add(done);
      });
    }
  }

  events(): WireEvent[] {
    return this.eventsFrom(0);
  }

  eventsFrom(from: number): WireEvent[] {
    return this.arrivals.slice(from).flatMap((arrival) => (arrival.kind === 'event' ? [arrival.event] : []));
  }

  /** Samples of a response that arrived, by segment; audio in JSON has no segments and counts as segment 0. */
  received(responseId: string): ReceivedSegment[] {
    const segments: ReceivedSegment[] = [];
    for (const arrival of this.arrivals) {
      if (arrival.kind !== 'audio' || arrival.responseId !== responseId) continue;
      const before = segments[arrival.segment];
      segments[arrival.segment] = { samples: (before?.samples ?? 0) + arrival.samples, last: arrival.last };
    }
    return segments;
  }

  receivedSamples(responseId: string): number {
    return this.received(responseId).reduce((sum, segment) => sum + segment.samples, 0);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.close(1000);
    await this.waitClosed();
  }

  async waitClosed(timeoutMs = 5_000): Promise<{ code: number; reason: string }> {
    const deadline = Date.now() + timeoutMs;
    while (!this.closed && Date.now() < deadline) await sleep(10);
    if (!this.closed) throw new Error('the connection was not closed');
    return this.closed;
  }

  private summary(): string {
    const counts = new Map<string, number>();
    for (const event of this.events()) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
    const ends = this.events().filter((event) => event.type === 'response.done' || event.type === 'error');
    return JSON.stringify({ closed: this.closed, events: Object.fromEntries(counts), ends: ends.slice(-3) });
  }

  private receive(data: RawData, isBinary: boolean): void {
    const atMs = performance.now();
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer);
    if (isBinary) this.arrivals.push({ kind: 'audio', atMs, ...readFrame(bytes) });
    else this.receiveEvent(JSON.parse(bytes.toString()) as WireEvent, atMs);
    this.wake();
  }

  private receiveEvent(event: WireEvent, atMs: number): void {
    everyConnection.witness?.received(this, event);
    if (event.type !== 'response.output_audio.delta') {
      this.arrivals.push({ kind: 'event', atMs, event });
      return;
    }
    const pcm = Buffer.from(String(event['delta']), 'base64');
    const responseId = String(event['response_id']);
    const place = { segment: 0, firstSample: this.receivedSamples(responseId), last: false };
    this.arrivals.push({ kind: 'audio', atMs, responseId, ...place, samples: pcm.length / 2, pcm });
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

async function refusalOf(response: IncomingMessage): Promise<Refused> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const retryAfter = response.headers['retry-after'];
  const retryAfterS = retryAfter === undefined ? undefined : Number(retryAfter);
  return new Refused(response.statusCode ?? 0, codeIn(Buffer.concat(pieces).toString()), retryAfterS);
}

function codeIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { error?: { code?: string } }).error?.code;
  } catch {
    return undefined;
  }
}

/** PROTOCOL.md §2, "Client frame". */
export function readFrame(frame: Buffer): Omit<Extract<Arrival, { kind: 'audio' }>, 'kind' | 'atMs'> {
  if (frame.readUInt8(0) !== 1) throw new Error('unknown version of a binary frame');
  const idBytes = frame.readUInt16LE(8);
  const pcm = frame.subarray(12 + idBytes);
  if (pcm.length % 2 !== 0) throw new Error('half a sample');
  return {
    responseId: frame
      .subarray(12, 12 + idBytes)
      .toString('latin1')
      .replace(/\0+$/, ''),
    segment: frame.readUInt16LE(2),
    firstSample: frame.readUInt32LE(4),
    last: (frame.readUInt8(1) & 1) === 1,
    samples: pcm.length / 2,
    pcm,
  };
}
