import { ChunkTemplate, PARLEY_SUBPROTOCOL } from '@parley/model';
import type { ResponseId } from '@parley/model';
import type { ClientSocket, ClientSocketConstructor } from './socket';

type Listener = (event: never) => void;

/** The test is the server: it sees what was sent and says what arrives. */
export class FakeSocket implements ClientSocket {
  binaryType = 'blob';
  protocol = '';
  readonly sent: Record<string, unknown>[] = [];
  closedWith: number | undefined;
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

  accept(protocol: string = PARLEY_SUBPROTOCOL): void {
    this.protocol = protocol;
    this.fire('open', {});
  }

  refuse(message?: string): void {
    this.fire('error', message === undefined ? {} : { message });
    this.fire('close', { code: 1006, reason: '' });
  }

  drop(code = 1006, reason = ''): void {
    this.fire('close', { code, reason });
  }

  event(event: { type: string } & Record<string, unknown>): void {
    this.fire('message', { data: JSON.stringify({ event_id: 'event_s', ...event }) });
  }

  raw(data: unknown): void {
    this.fire('message', { data });
  }

  /** A binary audio frame, cut from a bus chunk as the gateway does it. */
  audio(responseId: ResponseId, samples: number): void {
    const template = new ChunkTemplate({
      traceparent: '',
      lane: 0,
      epoch: 1,
      ordinal: 1,
      attempt: 0,
      responseId,
      segment: 0,
    });
    const busPartBytes = 44;
    this.fire('message', { data: template.encode(0, new Uint8Array(samples * 2), false).slice(busPartBytes).buffer });
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
