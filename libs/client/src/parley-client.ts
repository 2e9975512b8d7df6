import { InvariantError, SAMPLE_BYTES, decodeAudioFrame, unreachable } from '@parley/model';
import type { ClientEvent, FloorState, ResponseId, TurnId } from '@parley/model';
import { Connection } from './connection';
import type { ConnectionOptions } from './connection';
import type { ClosedReason, ConnectionStatus } from './connection-status';
import { Emitter } from './emitter';
import { Keepalive } from './keepalive';
import type { AudioPlace } from './received-audio';
import { Reconnection, isWorthRetrying } from './reconnection';
import type { DurableEvent } from './sent-events';
import { parseWireEvent, readServerEvent } from './server-events';
import type { ServerError, ServerEvent, WireEvent } from './server-events';
import { SessionMemory } from './session-memory';

export interface ParleyClientOptions extends ConnectionOptions {
  /** Resumes the session of an earlier client that is gone with all it had received, such as a page before its reload. */
  resumeToken?: string;
}

type Of<Kind extends ServerEvent['kind']> = Omit<Extract<ServerEvent, { kind: Kind }>, 'kind'>;

export interface ParleyClientEvents {
  status: ConnectionStatus;
  /** Every JSON event as it came, before anything is made of it. */
  wire: WireEvent;
  /** With every connection, right behind `status` open. `resumed` false: the agent remembers nothing from before. */
  session: Of<'session'>;
  /** A connection is about to be made that resumes the session: the last moment to report the playback position. */
  resuming: { attempt: number };
  /** These turns, queued, sent or accepted, went with a session that could not be resumed: no (more) answer comes. */
  'turns-lost': { turnIds: TurnId[] };
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
 * One conversation: made, connected once, closed once. A lost connection is resumed by itself (`status` reconnecting); what
 * is said meanwhile is sent afterwards. When the session is gone the client goes on with a new one (`session`, not
 * resumed); when no try succeeds it is closed, with the reason.
 */
export class ParleyClient extends Emitter<ParleyClientEvents> {
  private current: ConnectionStatus = { phase: 'idle' };
  private connection: Connection | undefined;
  private cancelRetry: () => void = () => {};
  private memory: SessionMemory;
  private floor: FloorState = 'idle';
  private readonly reconnection: Reconnection;
  private readonly keepalive: Keepalive;

  constructor(private readonly options: ParleyClientOptions) {
    super();
    const { system, resumeToken } = options;
    this.memory = new SessionMemory(resumeToken ?? null);
    this.reconnection = new Reconnection(system.random);
    this.keepalive = new Keepalive(system, {
      sendPing: () => this.connection?.send({ type: 'parley.ping' }),
      onLatency: (latencyMs) => this.emit('latency', { latencyMs }),
      onUnresponsive: (afterMs) => this.lost({ kind: 'unresponsive', afterMs }),
    });
  }

  get status(): ConnectionStatus {
    return this.current;
  }

  /** The outcome comes as `status`: open, or closed with the reason. */
  connect(): void {
    if (this.current.phase !== 'idle') throw new InvariantError('a ParleyClient connects once');
    this.enter({ phase: 'connecting' });
    this.dial();
  }

  /**
   * Ends the user's turn with this text. The answer's events carry the response id that `accepted` maps to the turn;
   * a refused turn comes as `error` with its turn id, a lost one in `turns-lost`. While the client reconnects the turn
   * waits. Undefined: there is no session, nothing was or will be sent.
   */
  say(text: string, turnId: TurnId = `turn_${this.options.system.random.hex(8)}`): TurnId | undefined {
    if (!this.hasSession()) return undefined;
    const eventId = this.nextEventId();
    this.memory.fence.turnSent(turnId, eventId);
    this.memory.turns.said(turnId);
    this.watch();
    this.sendDurably({ type: 'parley.transcript.final', turn_id: turnId, text, event_id: eventId });
    return turnId;
  }

  /**
   * Interrupts one response, or without an id whatever runs or plays. Takes effect here at once (`fenced`), and while the
   * client reconnects the server learns of it afterwards. Report the playback position right before, or the server has
   * to estimate what was heard.
   */
  interrupt(responseId?: ResponseId): void {
    const responseIds = this.memory.fence.interrupt(responseId);
    if (this.hasSession()) {
      this.sendDurably({
        type: 'parley.interrupt',
        event_id: this.nextEventId(),
        ...(responseId === undefined ? {} : { response_id: responseId }),
      });
    }
    this.silence(responseIds);
  }

  /** `playedMs`: whole ms of the response that were heard; `ended`: all of it was. */
  reportPlayback(responseId: ResponseId, playedMs: number, ended: boolean): void {
    this.memory.received.heard(responseId, playedMs, ended);
    this.watch();
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

  private dial(): void {
    const connection = new Connection(this.options, {
      onMessage: (data) => this.received(data),
      onEnd: (reason) => this.lost(reason),
    });
    this.connection = connection;
    connection.open(this.memory.query());
  }

  /** The connection broke, or could not be made. */
  private lost(reason: ClosedReason): void {
    const nowMs = this.options.system.clock.nowMs();
    const retry = this.memory.begun && isWorthRetrying(reason) ? this.reconnection.next(nowMs) : undefined;
    if (retry === undefined) return this.end(reason);
    this.leave();
    this.cancelRetry = this.options.system.timers.after(retry.delayMs, () => this.resume(retry.attempt));
    this.enter({ phase: 'reconnecting', ...retry, reason });
  }

  /** The server stops soon. Until its moment has come, this client stays where it is. */
  private goingAway({ reconnectWithinMs }: Of<'going-away'>): void {
    this.cancelRetry();
    this.cancelRetry = this.options.system.timers.after(this.reconnection.moveInMs(reconnectWithinMs), () => {
      this.leave();
      const retry = this.reconnection.moves();
      this.enter({ phase: 'reconnecting', ...retry, reason: { kind: 'server_restarting' } });
      if (this.status.phase === 'reconnecting') this.resume(retry.attempt);
    });
  }

  /** Nothing comes from this connection any more. */
  private leave(): void {
    this.cancelRetry();
    this.keepalive.stop();
    this.connection?.giveUp();
  }

  private resume(attempt: number): void {
    this.emit('resuming', { attempt });
    if (this.current.phase === 'reconnecting') this.dial();
  }

  private end(reason: ClosedReason): void {
    if (this.current.phase === 'closed') return;
    this.cancelRetry();
    this.keepalive.stop();
    this.enter({ phase: 'closed', reason });
    this.connection?.close();
  }

  private enter(status: ConnectionStatus): void {
    this.current = status;
    this.emit('status', status);
  }

  private received(data: unknown): void {
    this.keepalive.arrived();
    if (typeof data === 'string') this.receivedText(data);
    else if (data instanceof ArrayBuffer) this.receivedFrame(new Uint8Array(data));
    else this.emit('unreadable', { message: 'a frame that is neither text nor binary' });
  }

  private receivedFrame(bytes: Uint8Array): void {
    const frame = decodeAudioFrame(bytes);
    if (frame.ok) this.audio(frame.value.responseId, frame.value, frame.value.pcm);
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
    // Afterwards: `parley.session` may have put another memory into this one's place.
    if (typeof wire['event_id'] === 'string') this.memory.lastEventId = wire['event_id'];
  }

  private dispatch(event: ServerEvent): void {
    switch (event.kind) {
      case 'session':
        return this.sessionTold(event);
      case 'accepted':
        return this.accepted(event);
      case 'response-created':
        return this.responseBegan(event.responseId);
      case 'text':
      case 'visemes':
        // The fence drops output, never terminal events: `done` and `interrupted` always pass.
        if (this.memory.fence.blocks(event.responseId)) return;
        return event.kind === 'text' ? this.emit('text', event) : this.emit('visemes', event);
      case 'audio':
        return this.receivedBase64(event);
      case 'done':
        return this.done(event);
      case 'interrupted':
        return this.interrupted(event);
      case 'error':
        return this.refused(event);
      case 'pong':
        return this.keepalive.pongArrived();
      case 'going-away':
        return this.goingAway(event);
      case 'state':
        return this.floorChanged(event);
      case 'audio-ended':
        return this.emit('audio-ended', event);
      case 'metrics':
        return this.emit('metrics', event);
      default:
        return unreachable(event);
    }
  }

  private sessionTold(event: Of<'session'>): void {
    if (this.memory.begun && !event.resumed) this.forgetSession();
    // Whoever was just told may have closed this client.
    const { connection } = this;
    if (connection === undefined || this.current.phase === 'closed') return;
    connection.begun();
    this.memory.began(event.resumeToken);
    this.memory.sent.applied(event.lastClientEventId);
    // Before anything that somebody says because the connection is open.
    for (const sent of this.memory.sent.unapplied()) connection.send(sent);
    this.reconnection.begun(this.options.system.clock.nowMs());
    this.keepalive.start();
    this.enter({ phase: 'open' });
    if (this.status.phase === 'open') this.emit('session', event);
  }

  /** The session is over, and what belonged to it: nothing of it comes any more, and nobody shall wait for it. */
  private forgetSession(): void {
    const { fence, turns } = this.memory;
    this.memory = new SessionMemory(null);
    this.floor = 'idle';
    this.watch();
    this.silence(fence.interrupt());
    this.loseTurns(turns.all());
  }

  private accepted(event: Of<'accepted'>): void {
    const { fence, turns, sent } = this.memory;
    sent.turnAccepted(event.turnId);
    turns.accepted(event.turnId, event.responseId);
    const isFenced = fence.accepted(event.turnId, event.responseId);
    this.emit('accepted', event);
    if (isFenced) this.silence([event.responseId]);
  }

  private responseBegan(responseId: ResponseId): void {
    this.memory.fence.known(responseId);
    this.memory.received.begun(responseId);
    this.watch();
  }

  private done(event: Of<'done'>): void {
    this.memory.received.done(event.responseId);
    this.answered(event.responseId);
    this.emit('done', event);
  }

  private interrupted(event: Of<'interrupted'>): void {
    // A queued turn that is dropped has no `response.done`.
    this.answered(event.responseId);
    this.silence(this.memory.fence.interrupt(event.responseId));
    this.emit('interrupted', event);
  }

  private answered(responseId: ResponseId): void {
    this.memory.turns.answered(responseId);
    this.watch();
  }

  private refused({ error, clientEventId }: Of<'error'>): void {
    const turnId = clientEventId === null ? undefined : this.memory.fence.turnRefused(clientEventId);
    if (clientEventId !== null) this.memory.sent.refused(clientEventId);
    if (turnId !== undefined) this.memory.turns.givenUp(turnId);
    this.watch();
    this.emit('error', { error, turnId });
  }

  private floorChanged(event: Of<'state'>): void {
    this.floor = event.state;
    this.watch();
    this.emit('state', event);
  }

  /** From a turn that is said until its answer was heard silence is noticed sooner, while the answer comes at once. */
  private watch(): void {
    const { received, turns } = this.memory;
    if (received.isUnderWay) this.keepalive.expect('answer');
    else if (turns.some || this.floor === 'thinking' || this.floor === 'speaking') this.keepalive.expect('turn');
    else this.keepalive.expect('nothing');
  }

  private silence(responseIds: ResponseId[]): void {
    if (responseIds.length === 0) return;
    this.memory.received.cut(responseIds);
    this.watch();
    this.emit('fenced', { responseIds });
  }

  private loseTurns(turnIds: TurnId[]): void {
    if (turnIds.length > 0) this.emit('turns-lost', { turnIds });
  }

  private receivedBase64({ responseId, base64, ...place }: Of<'audio'>): void {
    const pcm = pcmOfBase64(base64);
    if (pcm === undefined) this.emit('unreadable', { message: 'response.output_audio.delta: bad field delta' });
    else this.audio(responseId, place, pcm);
  }

  private audio(responseId: ResponseId, place: AudioPlace, pcm: Uint8Array): void {
    this.keepalive.audioArrived();
    this.responseBegan(responseId);
    const fresh = this.memory.received.take(responseId, place, pcm);
    if (!this.memory.fence.blocks(responseId) && fresh.length > 0) this.emit('audio', { responseId, pcm: fresh });
  }

  private nextEventId(): string {
    return `event_${this.options.system.random.hex(8)}`;
  }

  /** Open, or about to be again. */
  private hasSession(): boolean {
    return this.current.phase === 'open' || this.current.phase === 'reconnecting';
  }

  /** An event that survives the connection: it is sent again until it is known to be applied. */
  private sendDurably(event: DurableEvent): void {
    const givenUp = this.memory.sent.add(event);
    this.send(event);
    if (givenUp?.type !== 'parley.transcript.final' || givenUp.turn_id === undefined) return;
    this.memory.fence.turnRefused(givenUp.event_id);
    if (this.memory.turns.givenUp(givenUp.turn_id)) this.loseTurns([givenUp.turn_id]);
  }

  private send(event: ClientEvent): void {
    if (this.current.phase === 'open') this.connection?.send(event);
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
