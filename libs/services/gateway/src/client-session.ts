import { CLOSE_CODES, type ClientEvent, type ClientEventBody, type ErrorCode, type SessionInput } from '@parley/model';
import type { CancelTimer, ConnectionListener, ConnectionPort, LogPort } from '@parley/ports';
import { inputOf, type DeliverySnapshot } from './client-inputs';
import type { Departing } from './departures';
import { Downlink, type DownlinkOptions } from './downlink/downlink';
import type { Resumption } from './downlink/resumption';
import type { GatewayPorts } from './ports';
import type { ClientOutput, OutputNumber, SessionLink } from './link/session-link';

/** Reports while something plays, and the longest wait of an acknowledgement (design §5). */
const REPORT_PERIOD_MS = 200;
/** Reports of all sessions fall on one grid: those of many leave, and arrive, with one system call. */
const REPORT_GRID_MS = 20;
/** A client that sends faster than its owner can apply is closed, not buffered. */
const MAX_WAITING_INPUTS = 512;
/** The owner is told of the end of a connection; it also finds out by itself. */
const FAREWELL_MS = 2_000;
const FAREWELL_POLL_MS = 20;
/** The answer to an input may be lost with an owner that ends the session just then, or just after the next look. */
const LOOKS_AFTER_INPUT = 2;
/** An interrupt that is refused is not confirmed by anything else. */
const INTERRUPT_REFUSALS: readonly ErrorCode[] = ['nothing_to_interrupt', 'response_cancel_not_active'];

/** What stands for a close frame without a code (RFC 6455 §7.1.5): a program that closes its socket and says no more. */
const NO_CLOSE_CODE = 1005;
/** Deliberately, or by breaking the protocol, which it would do again: such a client does not come back to its session. */
const ENDED_BY_CLIENT: readonly number[] = [
  CLOSE_CODES.normal,
  NO_CLOSE_CODE,
  CLOSE_CODES.protocolError,
  CLOSE_CODES.unsupportedData,
  CLOSE_CODES.invalidText,
  CLOSE_CODES.policyViolation,
  CLOSE_CODES.messageTooBig,
];

/** What may begin a response. */
const BEGINNINGS: readonly SessionInput['kind'][] = ['final-transcript', 'response-requested', 'said'];

/** One client connection: its events to numbered inputs, owner output and audio to its socket, reports to its owner. */
export class ClientSession implements ConnectionListener, Departing {
  private readonly downlink: Downlink;
  /** Arrival of inputs that may begin a response, and of interrupts: for the latency metrics. */
  private readonly askedAtMs = new Map<number, number>();
  private readonly interruptedAtMs: number[] = [];
  private reportTimer: CancelTimer | undefined;
  private reportsUnsent = false;
  private missedPongs = 0;
  /** So often the owner is still looked for after the last input. */
  private looksDue = 0;
  private ended = false;

  constructor(
    private readonly ports: GatewayPorts,
    private readonly link: SessionLink,
    private readonly connection: ConnectionPort,
    private readonly options: Omit<DownlinkOptions, 'conversationId'>,
    greeting: readonly ClientEventBody[],
    resumption: Resumption | undefined,
    private readonly log: LogPort,
    /** Called once, when nothing of the session is left here. */
    private readonly onOver: () => void,
  ) {
    const conversationId = link.sessionId.replace('sess_', 'conv_');
    this.downlink = new Downlink(
      ports.system.clock,
      ports.telemetry,
      connection,
      { ...options, conversationId },
      link.attachment,
      greeting,
      resumption,
      {
        onProgress: () => this.reportNow(),
        onDisconnectOrdered: (code, reason) => {
          connection.close(code, reason);
          this.end('ordered');
        },
        onOverflow: () => this.closeConnection(CLOSE_CODES.policyViolation, 'the client reads too slowly'),
        askedAtMs: (seq) => this.askedAtMs.get(seq),
      },
    );
    link.listen({
      onOutput: (output, number) => this.takeOutput(output, number),
      onRepeated: () => this.scheduleReport(),
      onAudio: (chunk) => this.downlink.audio(chunk),
      onVisemes: (message) => this.downlink.visemes(message),
      onOwnerChanged: (admits) => this.downlink.ownerChanged(admits),
      delivered: () => ({ announcedOrdinal: this.downlink.writtenOrdinal, responses: this.downlink.deliveries() }),
      onLinkBack: () => {
        if (this.downlink.isActive) this.reportNow();
      },
      onGone: (reason) => this.closeConnection(CLOSE_CODES.internalError, reason),
      onSuperseded: () => {
        connection.close(CLOSE_CODES.resumedElsewhere, 'the session goes on with another connection');
        this.end('ordered');
      },
    });
    // What its owner believes of the delivery is the older connection's.
    if (resumption) this.reportNow();
  }

  onText(text: string): void {
    // The client may go on until it reads our close; its owner has had its last input.
    if (this.ended) return;
    try {
      const parsed = this.options.dialect.read(text);
      if (parsed.ok) this.handle(parsed.event);
      else this.send({ kind: 'message-refused', error: parsed.error }, parsed.eventId);
    } catch (error) {
      // It ends this connection, and not the process with all the others.
      this.log.error('an event of a client broke its connection', { sessionId: this.link.sessionId, error });
      this.closeConnection(CLOSE_CODES.internalError, 'internal error');
    }
  }

  onBinary(): void {
    this.closeConnection(CLOSE_CODES.unsupportedData, 'events are JSON text frames');
  }

  onWritable(): void {
    this.downlink.onWritable();
  }

  onPong(): void {
    this.missedPongs = 0;
  }

  /** Without a word, or with another code than the one for it, the client has not ended its session. */
  onClosed(code: number): void {
    this.end(ENDED_BY_CLIENT.includes(code) ? 'client' : 'lost');
  }

  /** One tick of the gateway's ping timer; a half-open connection answers no more. */
  checkAlive(): void {
    if (this.missedPongs >= 2) {
      this.log.info('a half-open connection was cut', { sessionId: this.link.sessionId });
      return this.connection.terminate();
    }
    this.missedPongs++;
    this.connection.ping();
    // An owner that lost sight of this gateway, and not the other way round, has ended the session without a word.
    if (this.looksDue > 0 || this.isInTurn) this.link.confirmOwner();
    this.looksDue = Math.max(0, this.looksDue - 1);
  }

  get isInTurn(): boolean {
    return this.downlink.awaitsOwner || this.link.waitingInputs > 0;
  }

  announceStop(reconnectWithinMs: number): boolean {
    if (this.options.parley && !this.ended) this.downlink.goingAway(reconnectWithinMs);
    return this.options.parley;
  }

  /** The gateway stops: the client hears a close code, the owner that the client is gone. */
  shutDown(): void {
    if (!this.ended) this.closeConnection(CLOSE_CODES.serviceRestart, 'the server is restarting');
  }

  private handle(event: ClientEvent): void {
    switch (event.type) {
      case 'parley.playback':
        this.downlink.playback(event.response_id, event.played_ms, event.ended ?? false);
        return this.scheduleReport();
      case 'parley.ping':
        return this.downlink.pong();
      case 'parley.interrupt':
      case 'response.cancel':
        return this.interrupt(event);
      default: {
        const input = inputOf(event, this.ports.system.random, () => this.snapshot());
        this.send(input, event.event_id);
      }
    }
  }

  /** Fenced here at once; the owner decides what was heard and says so. */
  private interrupt(event: Extract<ClientEvent, { type: 'parley.interrupt' | 'response.cancel' }>): void {
    const nowMs = this.ports.system.clock.nowMs();
    // The snapshot comes before the fence: it says what was delivered until this moment.
    const input = inputOf(event, this.ports.system.random, () => this.snapshot());
    const seq = this.send(input, event.event_id);
    const tails = event.type === 'parley.interrupt';
    this.downlink.fence({ responseId: event.response_id, live: true, tails }, seq);
    const fencedMs = this.ports.system.clock.nowMs();
    this.ports.telemetry.observe('parley_interrupt_fence_seconds', {}, (fencedMs - nowMs) / 1000);
    this.interruptedAtMs.push(nowMs);
  }

  private snapshot(): DeliverySnapshot {
    return { writtenOrdinal: this.downlink.writtenOrdinal, delivery: this.downlink.deliveries() };
  }

  private send(input: SessionInput, clientEventId: string | undefined): number {
    if (this.link.waitingInputs >= MAX_WAITING_INPUTS) {
      this.closeConnection(CLOSE_CODES.policyViolation, 'too many messages at once');
      return 0;
    }
    const seq = this.link.send(input, this.downlink.lastClosedOrdinal, clientEventId);
    this.looksDue = LOOKS_AFTER_INPUT;
    if (BEGINNINGS.includes(input.kind)) {
      this.askedAtMs.set(seq, this.ports.system.clock.nowMs());
    }
    return seq;
  }

  private takeOutput(output: ClientOutput, number: OutputNumber): void {
    this.downlink.output(output, number);
    if (output.kind === 'announce') this.forgetAsked(output.cause.seq);
    if (output.kind === 'interrupted') this.confirmInterrupt();
    else if (output.kind === 'error' && INTERRUPT_REFUSALS.includes(output.error.code)) this.interruptedAtMs.shift();
    this.scheduleReport();
  }

  /** Responses are announced in the order of the inputs that began them: an earlier one that waits was refused. */
  private forgetAsked(throughSeq: number): void {
    for (const seq of this.askedAtMs.keys()) if (seq <= throughSeq) this.askedAtMs.delete(seq);
  }

  private confirmInterrupt(): void {
    const atMs = this.interruptedAtMs.shift();
    if (atMs === undefined) return;
    const seconds = (this.ports.system.clock.nowMs() - atMs) / 1000;
    this.ports.telemetry.observe('parley_interrupt_confirmed_seconds', {}, seconds);
  }

  /** A report within the period: it also acknowledges what the owner has sent. */
  private scheduleReport(): void {
    if (this.ended) return;
    if (this.reportTimer) return;
    const { clock, timers } = this.ports.system;
    const nowMs = clock.nowMs();
    const dueMs = Math.floor((nowMs + REPORT_PERIOD_MS) / REPORT_GRID_MS) * REPORT_GRID_MS;
    this.reportTimer = timers.after(Math.ceil(dueMs - nowMs), () => this.report());
  }

  /** Several things of one tick make one report. */
  private reportNow(): void {
    if (this.ended || this.reportsUnsent) return;
    this.reportsUnsent = true;
    queueMicrotask(() => {
      this.reportsUnsent = false;
      if (!this.ended) this.report();
    });
  }

  private report(): void {
    this.reportTimer?.();
    this.reportTimer = undefined;
    this.link.report();
    this.downlink.prune();
    if (this.downlink.isActive) this.scheduleReport();
  }

  private closeConnection(code: number, reason: string): void {
    this.connection.close(code, reason);
    this.end(ENDED_BY_CLIENT.includes(code) ? 'client' : 'shutdown');
  }

  /** `ordered`: by the owner, which then needs no farewell. */
  private end(reason: Extract<SessionInput, { kind: 'disconnected' }>['reason'] | 'ordered'): void {
    if (this.ended) return;
    this.ended = true;
    this.reportTimer?.();
    if (reason !== 'ordered') {
      this.link.send({ kind: 'disconnected', reason }, this.downlink.lastClosedOrdinal, undefined);
    }
    this.farewell(this.ports.system.clock.nowMs() + FAREWELL_MS);
  }

  private farewell(untilMs: number): void {
    this.ports.system.timers.after(FAREWELL_POLL_MS, () => {
      if (this.link.waitingInputs > 0 && this.ports.system.clock.nowMs() < untilMs) return this.farewell(untilMs);
      this.link.close();
      this.onOver();
    });
  }
}
