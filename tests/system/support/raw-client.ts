import { WebSocket } from 'ws';
import { fieldsOf } from './fields';
import type { WireEvent } from './test-client';
import { until } from './until';
import { everyConnection, type Watched } from './witness';

export interface RawOptions {
  /** With the query. */
  path?: string;
  headers?: Record<string, string>;
  subprotocols?: string[];
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A socket and the text frames that came over it, as they came: of any dialect. What comes to a client of GA is judged. */
export class RawClient implements Watched {
  readonly frames: string[] = [];
  readonly events: WireEvent[] = [];
  binaries = 0;
  onEvent: (event: WireEvent) => void = () => undefined;

  private constructor(
    readonly socket: WebSocket,
    private readonly isGa: boolean,
  ) {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (isGa) everyConnection.witness?.ended(this);
    });
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binaries++;
      else this.take(data.toString());
    });
  }

  static async connect(url: string, { path = '/v1/realtime', headers = {}, subprotocols = [] }: RawOptions) {
    const target = new URL(path, url.replace(/^http/, 'ws'));
    const socket = new WebSocket(target, subprotocols, { headers, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
    const client = new RawClient(socket, !asksForOlder(path, headers, subprotocols));
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  send(event: Record<string, unknown>): void {
    if (this.isGa) everyConnection.witness?.sent(this, event as WireEvent);
    this.socket.send(JSON.stringify(event));
  }

  /** The first event of this type from `from` on. */
  waitFor(type: string, from = 0, timeoutMs = 20_000): Promise<WireEvent> {
    return until(type, () => this.events.slice(from).find((event) => event.type === type), timeoutMs);
  }

  /** A turn of text, to its `response.done`; what came meanwhile. */
  async ask(text: string, timeoutMs?: number): Promise<WireEvent[]> {
    const from = this.events.length;
    this.say(text);
    await this.waitFor('response.done', from, timeoutMs);
    return this.events.slice(from);
  }

  say(text: string): void {
    const content = [{ type: 'input_text', text }];
    this.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
    this.send({ type: 'response.create' });
  }

  close(): void {
    this.socket.terminate();
  }

  private take(text: string): void {
    const event = JSON.parse(text) as WireEvent;
    if (this.isGa) everyConnection.witness?.received(this, event);
    this.frames.push(text);
    this.events.push(event);
    this.onEvent(event);
  }
}

/** openai-realtime.md §5.5: by header or subprotocol, or on the path that names a version. */
const asksForOlder = (path: string, headers: Record<string, string>, subprotocols: readonly string[]): boolean =>
  'openai-beta' in headers || subprotocols.includes('openai-beta.realtime-v1') || path.startsWith('/openai/realtime');

/** The pieces of all events of one type, in order. */
export const deltasOf = (events: readonly WireEvent[], type: string): string[] =>
  events.filter((event) => event.type === type).map((event) => String(event['delta']));

export const audioIn = (events: readonly WireEvent[], type = 'response.output_audio.delta'): Buffer =>
  Buffer.concat(deltasOf(events, type).map((delta) => Buffer.from(delta, 'base64')));

/** `response` of the only event of this type. */
export const responseIn = (events: readonly WireEvent[], type: string): Readonly<Record<string, unknown>> =>
  fieldsOf(events.find((event) => event.type === type)?.['response']);
