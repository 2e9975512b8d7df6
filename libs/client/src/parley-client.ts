import {
  InvariantError,
  KEY_SUBPROTOCOL_PREFIX,
  PARLEY_SUBPROTOCOL,
  REALTIME_PATH,
  SAMPLE_BYTES,
  decodeAudioFrame,
  unreachable,
} from '@parley/model';
import type { ClientEvent, ResponseId, TurnId } from '@parley/model';
import type { ClientSystem } from './client-system';
import type { ClosedReason, ConnectionStatus } from './connection-status';
import { Emitter } from './emitter';
import { Keepalive, PONG_TIMEOUT_MS } from './keepalive';
import { ResponseFence } from './response-fence';
import { parseWireEvent, readServerEvent } from './server-events';
import type { ServerError, ServerEvent, WireEvent } from './server-events';
import { messageOf, refusedStatus } from './socket';
import type { ClientSocket, ClientSocketConstructor } from './socket';

/** From `connect()` to an open socket. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface ParleyClientOptions {
  /** `ws://` or `wss://` address of a gateway; without a path, the Realtime API's is taken. */
  url: string;
  /** API key; without one none is sent. */
  key?: string;
  /** Browsers cannot set headers, so the default is a subprotocol. */
  keyIn?: 'subprotocol' | 'header';
  WebSocket: ClientSocketConstructor;
  system: ClientSystem;
}

type Of<Kind extends ServerEvent['kind']> = Omit<Extract<ServerEvent, { kind: Kind }>, 'kind'>;

export interface ParleyClientEvents {
  status: ConnectionStatus;
  /** Every JSON event as it came, before anything is made of it. */
  wire: WireEvent;
  session: Of<'session'>;
  state: Of<'state'>;
  accepted: Of<'accepted'>;
  text: Of<'text'>;
  /** PCM16LE mono 24 kHz, in order, never of an interrupted response. */
  audio: { responseId: ResponseId; pcm: Uint8Array };
  /** No audio of this response comes after this. */
  'audio-ended': Of<'audio-ended'>;
  visemes: Of<'visemes'>;
  /** Generation ended; what was delivered may still play. */
  done: Of<'done'>;
  /** These responses must be silent from this very moment: interrupted here, or by the server. */
  fenced: { responseIds: ResponseId[] };
  interrupted: Of<'interrupted'>;
  metrics: Of<'metrics'>;
  /** `turnId`: the turn that was refused, if it was one. */
  error: { error: ServerError; turnId: TurnId | undefined };
  /** Round trip of a ping. */
  latency: { latencyMs: number };
  /** The server sent something this client cannot read; it was left out. */
  unreadable: { message: string };
}

/**
 * One connection and so, until sessions can be resumed, one session: made, connected once, closed once. A lost
 * connection ends it (`status` closed, with the reason); a new conversation takes a new client.
 */
export class ParleyClient extends Emitter<ParleyClientEvents> {
  private current: ConnectionStatus = { phase: 'idle' };
  private socket: ClientSocket | undefined;
  private cancelConnectTimer: () => void = () => {};
  private readonly fence = new ResponseFence();
  private readonly keepalive: Keepalive;

  constructor(private readonly options: ParleyClientOptions) {
    super();
    this.keepalive = new Keepalive(options.system, {
      sendPing: () => this.send({ type: 'parley.ping' }),
      onLatency: (latencyMs) => this.emit('latency', { latencyMs }),
      onUnresponsive: () => this.end({ kind: 'unresponsive', afterMs: PONG_TIMEOUT_MS }),
    });
  }

  get status(): ConnectionStatus {
    return this.current;
  }

  /** The outcome comes as `status`: open, or closed with the reason. */
  connect(): void {
    if (this.current.phase !== 'idle') throw new InvariantError('a ParleyClient connects once');
    this.enter({ phase: 'connecting' });
    const { timers } = this.options.system;
    this.cancelConnectTimer = timers.after(CONNECT_TIMEOUT_MS, () =>
      this.end({ kind: 'connect_timeout', afterMs: CONNECT_TIMEOUT_MS }),
    );
    try {
      this.listen(this.makeSocket());
    } catch {
      // The platform's message may quote the offered subprotocols, the key among them: it is not passed on.
      this.end({ kind: 'not_opened', message: 'the address or the key has characters that cannot be sent' });
    }
  }

  /**
   * Ends the user's turn with this text. The answer's events carry the response id that `accepted` maps to the turn;
   * a refused turn comes as `error` with its turn id. Undefined: not connected, nothing was sent.
   */
  say(text: string, turnId: TurnId = `turn_${this.options.system.random.hex(8)}`): TurnId | undefined {
    if (this.current.phase !== 'open') return undefined;
    const eventId = this.nextEventId();
    this.fence.turnSent(turnId, eventId);
    this.send({ type: 'parley.transcript.final', turn_id: turnId, text, event_id: eventId });
    return turnId;
  }

  /**
   * Interrupts one response, or without an id whatever runs or plays. Takes effect here at once (`fenced`). Report the
   * playback position right before, or the server has to estimate what was heard.
   */
  interrupt(responseId?: ResponseId): void {
    const responseIds = this.fence.interrupt(responseId);
    this.send({
      type: 'parley.interrupt',
      event_id: this.nextEventId(),
      ...(responseId === undefined ? {} : { response_id: responseId }),
    });
    if (responseIds.length > 0) this.emit('fenced', { responseIds });
  }

  /** `playedMs`: whole ms of the response that were heard; `ended`: all of it was. */
  reportPlayback(responseId: ResponseId, playedMs: number, ended: boolean): void {
    this.send({
      type: 'parley.playback',
      response_id: responseId,
      played_ms: playedMs,
      ...(ended ? { ended: true } : {}),
    });
  }

  /** Idempotent. No event comes after the `status` it causes. */
  close(): void {
    this.end({ kind: 'closed_by_client' });
  }

  private makeSocket(): ClientSocket {
    const { url, key, keyIn, WebSocket } = this.options;
    const address = new URL(url);
    if (address.pathname === '/') address.pathname = REALTIME_PATH;
    address.searchParams.set('audio', 'binary');
    if (key === undefined) return new WebSocket(address.href, [PARLEY_SUBPROTOCOL]);
    if (keyIn === 'header') {
      return new WebSocket(address.href, [PARLEY_SUBPROTOCOL], { headers: { Authorization: `Bearer ${key}` } });
    }
    return new WebSocket(address.href, [PARLEY_SUBPROTOCOL, `${KEY_SUBPROTOCOL_PREFIX}${key}`]);
  }

  private listen(socket: ClientSocket): void {
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    let failure: object = {};
    socket.addEventListener('open', () => this.opened(socket));
    socket.addEventListener('error', (error) => {
      failure = error;
    });
    socket.addEventListener('close', ({ code, reason }) => this.end(this.reasonOf(code, reason, failure)));
    socket.addEventListener('message', ({ data }) => this.received(data));
  }

  private opened(socket: ClientSocket): void {
    if (this.current.phase !== 'connecting') return;
    if (socket.protocol !== PARLEY_SUBPROTOCOL) {
      this.end({ kind: 'wrong_protocol', selected: socket.protocol });
      return;
    }
    this.cancelConnectTimer();
    this.enter({ phase: 'open' });
    this.keepalive.start();
  }

  private reasonOf(code: number, reason: string, failure: object): ClosedReason {
    if (this.current.phase !== 'open') {
      const httpStatus = refusedStatus(failure);
      const message = messageOf(failure);
      return {
        kind: 'not_opened',
        ...(httpStatus === undefined ? {} : { httpStatus }),
        ...(message === undefined ? {} : { message }),
      };
    }
    // 1005 and 1006 are never sent: the platform makes them up for a missing close code and a missing close frame.
    return code === 1006 ? { kind: 'lost' } : { kind: 'closed_by_server', code, reason };
  }

  private end(reason: ClosedReason): void {
    if (this.current.phase === 'closed') return;
    this.cancelConnectTimer();
    this.keepalive.stop();
    this.enter({ phase: 'closed', reason });
    this.socket?.close();
  }

  private enter(status: ConnectionStatus): void {
    this.current = status;
    this.emit('status', status);
  }

  private received(data: unknown): void {
    if (this.current.phase !== 'open') return;
    if (typeof data === 'string') this.receivedText(data);
    else if (data instanceof ArrayBuffer) this.receivedFrame(new Uint8Array(data));
    else this.emit('unreadable', { message: 'a frame that is neither text nor binary' });
  }

  private receivedFrame(bytes: Uint8Array): void {
    const frame = decodeAudioFrame(bytes);
    if (frame.ok) this.audio(frame.value.responseId, frame.value.pcm);
    else this.emit('unreadable', { message: `audio frame: ${frame.reason}` });
  }

  private receivedText(text: string): void {
    const wire = parseWireEvent(text);
    if (wire === undefined) {
      this.emit('unreadable', { message: 'a text frame that is no JSON object with a type' });
      return;
    }
    this.emit('wire', wire);
    const read = readServerEvent(wire);
    if (read.ok) this.dispatch(read.event);
    else if (read.why === 'malformed') this.emit('unreadable', { message: `${wire.type}: bad field ${read.field}` });
  }

  private dispatch(event: ServerEvent): void {
    switch (event.kind) {
      case 'accepted':
        return this.accepted(event);
      case 'response-created':
        return this.fence.known(event.responseId);
      case 'text':
      case 'visemes':
        // The fence drops output, never terminal events: `done` and `interrupted` always pass.
        if (this.fence.blocks(event.responseId)) return;
        return event.kind === 'text' ? this.emit('text', event) : this.emit('visemes', event);
      case 'audio':
        return this.receivedBase64(event);
      case 'interrupted':
        return this.interrupted(event);
      case 'error': {
        const turnId = event.clientEventId === null ? undefined : this.fence.turnRefused(event.clientEventId);
        return this.emit('error', { error: event.error, turnId });
      }
      case 'pong':
        return this.keepalive.pongArrived();
      case 'session':
        return this.emit('session', event);
      case 'state':
        return this.emit('state', event);
      case 'audio-ended':
        return this.emit('audio-ended', event);
      case 'done':
        return this.emit('done', event);
      case 'metrics':
        return this.emit('metrics', event);
      default:
        return unreachable(event);
    }
  }

  private accepted(event: Of<'accepted'>): void {
    const fenced = this.fence.accepted(event.turnId, event.responseId);
    this.emit('accepted', event);
    if (fenced) this.emit('fenced', { responseIds: [event.responseId] });
  }

  private interrupted(event: Of<'interrupted'>): void {
    const responseIds = this.fence.interrupt(event.responseId);
    if (responseIds.length > 0) this.emit('fenced', { responseIds });
    this.emit('interrupted', event);
  }

  private receivedBase64({ responseId, base64 }: Of<'audio'>): void {
    const pcm = pcmOfBase64(base64);
    if (pcm === undefined) this.emit('unreadable', { message: 'response.output_audio.delta: bad field delta' });
    else this.audio(responseId, pcm);
  }

  private audio(responseId: ResponseId, pcm: Uint8Array): void {
    this.keepalive.audioArrived();
    this.fence.known(responseId);
    if (!this.fence.blocks(responseId) && pcm.length > 0) this.emit('audio', { responseId, pcm });
  }

  private nextEventId(): string {
    return `event_${this.options.system.random.hex(8)}`;
  }

  private send(event: ClientEvent): void {
    if (this.current.phase === 'open') this.socket?.send(JSON.stringify(event));
  }
}

/** Undefined for what is no base64 or holds half a sample. */
function pcmOfBase64(base64: string): Uint8Array | undefined {
  try {
    const pcm = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return pcm.length % SAMPLE_BYTES === 0 ? pcm : undefined;
  } catch {
    return undefined;
  }
}
