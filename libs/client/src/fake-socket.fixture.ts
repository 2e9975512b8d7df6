import { ChunkTemplate, PARLEY_SUBPROTOCOL } from '@parley/model';
import type { ResponseId } from '@parley/model';
import type { AudioPlace } from './received-audio';
import type { ClientSocket, ClientSocketConstructor } from './socket';

type Listener = (event: never) => void;

interface FakeSession {
  resume_token: string | null;
  resumed: boolean;
  last_client_event_id: unknown;
}

/** The test is the server: it sees what was sent and says what arrives. */
export class FakeSocket implements ClientSocket {
  binaryType = 'blob';
  protocol = '';
  readonly sent: Record<string, unknown>[] = [];
  closedWith: number | undefined;
  private events = 0;
  private readonly samplesOf = new Map<ResponseId, number>();
  private readonly listeners = new Map<string, Listener[]>();

  constructor(
    readonly url: string,
    readonly protocols: string[],
    readonly options?: { headers: Record<string, string> },
  ) {}

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1000): void {
    this.closedWith ??= code;
  }

  /** The query of its address. */
  get query(): URLSearchParams {
    return new URL(this.url).searchParams;
  }

  upgrade(protocol: string = PARLEY_SUBPROTOCOL): void {
    this.protocol = protocol;
    this.fire('open', {});
  }

  /** The handshake and what a connection begins with; `session`: what is special about this one's. */
  accept(session: Partial<FakeSession> = {}): void {
    this.upgrade();
    this.event({ type: 'session.created', session: {} });
    this.event({
      type: 'parley.session',
      session_id: 'sess_1',
      resume_token: 'token_1',
      resumed: false,
      last_client_event_id: null,
      capabilities: ['resume'],
      ...session,
    });
  }

  refuse(message?: string): void {
    this.fire('error', message === undefined ? {} : { message });
    this.fire('close', { code: 1006, reason: '' });
  }

  drop(code = 1006, reason = ''): void {
    this.fire('close', { code, reason });
  }

  event(event: { type: string } & Record<string, unknown>): void {
    this.events += 1;
    this.fire('message', { data: JSON.stringify({ event_id: `event_s${this.events}`, ...event }) });
  }

  raw(data: unknown): void {
    this.fire('message', { data });
  }

  /**
   * A binary audio frame, cut from a bus chunk as the gateway does it. Without a place it goes on where the one before it
   * on this socket ended. Each sample is its position in the segment.
   */
  audio(responseId: ResponseId, samples: number, { segment = 0, firstSample }: Partial<AudioPlace> = {}): void {
    const first = firstSample ?? this.samplesOf.get(responseId) ?? 0;
    this.samplesOf.set(responseId, first + samples);
    const template = new ChunkTemplate({
      traceparent: '',
      lane: 0,
      epoch: 1,
      ordinal: 1,
      attempt: 0,
      responseId,
      segment,
    });
    const pcm = Uint16Array.from({ length: samples }, (_, index) => first + index);
    const busPartBytes = 44;
    const frame = template.encode(first, new Uint8Array(pcm.buffer), false).slice(busPartBytes);
    this.fire('message', { data: frame.buffer });
  }

  sentOf(type: string): Record<string, unknown>[] {
    return this.sent.filter((event) => event['type'] === type);
  }

  private fire(type: string, event: object): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event as never);
  }
}

/** A constructor and the sockets it made. */
export function fakeSockets(): { WebSocket: ClientSocketConstructor; made: FakeSocket[] } {
  const made: FakeSocket[] = [];
  class Recorded extends FakeSocket {
    constructor(url: string, protocols: string[], options?: { headers: Record<string, string> }) {
      super(url, protocols, options);
      made.push(this);
    }
  }
  return { WebSocket: Recorded, made };
}
