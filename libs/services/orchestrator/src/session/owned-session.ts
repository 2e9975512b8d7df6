import {
  InvariantError,
  type Attach,
  type DeliveryReport,
  SCHEMA_VERSION,
  unreachable,
  type Incarnation,
  type InputMessage,
  type InputReply,
  type Opening,
  type Report,
  type SegmentTimings,
  type SessionId,
  type VoiceFailed,
} from '@parley/model';
import type { LogPort } from '@parley/ports';
import type { PeerWatch } from '@parley/service-link';
import {
  liveResponses,
  nextDeadlineMs,
  startsAtOnce,
  type AtOnceEffect,
  type EngineInput,
  type WrittenEffect,
} from '@parley/turn-engine';
import { isEmpty, isFull, newBatch, type Batch } from './batch';
import { TOMBSTONE_MS, type OrchestratorConfig } from '../config';
import { drawIds } from './drawn-ids';
import { Generations } from './generations';
import { Mailbox } from './mailbox';
import { record } from './observations';
import { Outbox } from './outbox';
import { OutputSender } from './output-sender';
import type { OrchestratorPorts, Ownership } from '../ports';
import { newResumeToken, SessionConnection } from './session-connection';
import { SessionClock } from './session-clock';
import { SessionEngine } from './session-engine';
import { SessionInbox } from './session-inbox';
import { SessionJournal } from './session-journal';
import type { SessionRecord } from './session-record';
import { SessionVoice } from '../voice/session-voice';
import { StateWriter } from './state-writer';
import { WakeUp } from './wake-up';
import { WriteGate, type GatedSession, type Passage } from './write-gate';

/** More outputs than an owner sends unwritten: a client that says it has more harms itself alone. */
const MAX_UNWRITTEN = 256;

/**
 * One session while this process owns it. One input at a time: `step`; what no client hears of starts at once; the
 * write; then the outputs and the answers to inputs. They leave when the write that holds them is confirmed, so whatever a
 * client has seen survives this process (what a store that is away does not hold up: {@link WriteGate}); a write that is
 * refused means that somebody else is the owner, and from then on nothing is published at all.
 */
export class OwnedSession {
  private readonly mailbox = new Mailbox();
  private readonly connection: SessionConnection;
  private readonly outbox: Outbox;
  private readonly sender: OutputSender;
  private readonly generations: Generations;
  private readonly clock: SessionClock;
  private readonly wakeUp: WakeUp;
  private readonly log: LogPort;
  private readonly inbox: SessionInbox;
  private unwatchLink: (() => void) | undefined;
  private readonly voice: SessionVoice;
  private traceparent: string;
  private readonly gate: WriteGate;
  private running = false;
  /** Its lease had lapsed since the last write that was confirmed: another process may own the session by now. */
  private isDoubted = false;
  private state: 'owned' | 'over' = 'owned';
  /** Set by a planned stop; settled once the session is let go, or lost. */
  private releasing: Promise<void> | undefined;
  private onReleased = (): void => {};
  private readonly engine: SessionEngine;

  constructor(
    private readonly ports: OrchestratorPorts,
    private readonly config: OrchestratorConfig,
    self: Incarnation,
    private readonly peers: PeerWatch,
    private readonly ownership: Ownership,
    /** Called once, when this process no longer carries the session. */
    private readonly onOver: () => void,
  ) {
    const { record, sessionId, epoch } = ownership;
    this.traceparent = ownership.traceparent;
    this.log = ports.log.child({ sessionId, epoch });
    this.inbox = new SessionInbox(ports.bus, this.log, ownership, {
      onInput: (message, traceparent, reply) => this.receive(message, traceparent, reply),
      onReport: (report) => this.applyReport(report),
      onTimings: (timings) => this.applyTimings(timings),
    });
    const onGatewayLost = (): void => this.push({ kind: 'gateway-lost' });
    this.connection = new SessionConnection(record, peers, onGatewayLost);
    const { acknowledgedOutSeq, outbox, outSeq, resume } = record;
    this.outbox = new Outbox(outbox, outSeq, acknowledgedOutSeq, resume !== null);
    this.sender = new OutputSender(ports, sessionId, epoch, this.outbox, () => this.attachment, onGatewayLost);
    this.generations = new Generations(ports.llm, ports.system.random, (input) => this.push(input));
    this.clock = new SessionClock(ports.system.clock, ports.bus);
    const journal = config.journal
      ? new SessionJournal(ports.bus, this.log, { sessionId, epoch, owner: self, rev: ownership.rev })
      : undefined;
    this.engine = new SessionEngine(record.engine, config.policy, this.clock, journal, this.log);
    const writer = new StateWriter(ports, { sessionId, epoch, self }, ownership.rev);
    this.gate = new WriteGate(this.gated(), writer, this.clock, ports.system.timers);
    this.wakeUp = new WakeUp(ports.system.timers, this.clock, () =>
      this.push({ kind: 'deadline-passed', drawn: drawIds(ports.system.random, this.connection.lastInput) }),
    );
    const { lipSync, voiceMap } = config;
    const owner = { sessionId, epoch, self, lipSync, voiceMap };
    this.voice = new SessionVoice(
      { bus: ports.bus, timers: ports.system.timers, log: this.log },
      peers,
      owner,
      record.voice,
      (input) => this.push(input),
    );
  }

  get sessionId(): SessionId {
    return this.ownership.sessionId;
  }

  get epoch(): number {
    return this.ownership.epoch;
  }

  get attachment(): number {
    return this.connection.attachment;
  }

  /** What the newest connection begins with, once that is stored. */
  get opening(): Promise<Opening | undefined> {
    return this.connection.opening;
  }

  /** A response is generated or delivered: a planned stop waits for its end, unless that takes too long. */
  get isBusy(): boolean {
    return this.running || (this.isHeard && liveResponses(this.engine.state).length > 0);
  }

  private get isHeard(): boolean {
    return this.engine.state.connection.stage === 'connected';
  }

  /** Subscribes; the caller flushes the bus before it lets anybody know. */
  open(): void {
    const { bus } = this.ports;
    this.unwatchLink = bus.onReconnect(() => this.reconnected());
    this.engine.opened(this.traceparent);
    this.inbox.open();
  }

  /** The first thing the first owner does with a session. */
  begin(): void {
    this.push({ kind: 'attached' });
  }

  /** The first thing a later owner does with it. The gateway knows better than the stored state what was delivered since. */
  takeOver({ acknowledgedOutSeq, ...delivered }: DeliveryReport): void {
    const taken = this.takenOver(acknowledgedOutSeq);
    this.outbox.takeOver(acknowledgedOutSeq);
    this.sender.sendAll();
    this.push({ ...taken, ...delivered });
    this.push({ kind: 'gateway-found' });
  }

  /** The first thing a later owner does with a session of whose connection nobody speaks: its client resumes it, or has just done so elsewhere. */
  takeOverLost(receivedOutSeq: number): void {
    this.voice.disinherit();
    const isCredible = receivedOutSeq <= this.outbox.outSeq + MAX_UNWRITTEN;
    this.push({ kind: 'gateway-lost' });
    const taken = this.takenOver(isCredible ? receivedOutSeq : 0);
    this.push({ ...taken, linkLosses: 0, announcedOrdinal: 0, responses: [] });
  }

  /** `knownOutSeq`: the last output the client, or its gateway, has. Of an owner that died unwritten that is more than the state holds. */
  private takenOver(knownOutSeq: number) {
    const { epoch } = this;
    const unwritten = this.outbox.fillTo(knownOutSeq, { kind: 'adopted', epoch, ordinal: 0, segments: [] });
    if (unwritten) this.log.warn('output of the owner before was never stored', { knownOutSeq });
    return { kind: 'taken-over', epoch, rendering: this.ownership.record.voice, unwritten } as const;
  }

  /** The gateway asks for what it has: its connection is there, whatever was believed. */
  keep(delivered: DeliveryReport): void {
    if (this.isHeard) return;
    this.connection.watchAgain();
    this.outbox.takeOver(delivered.acknowledgedOutSeq);
    this.deliver(delivered);
    this.push({ kind: 'gateway-found' });
  }

  /**
   * A client is back, with a new connection. One that is asked for again is one and the same. `claimed`: the attachment that the
   * claim has raised; of a session that was owned before, this process raises it.
   */
  resume(
    { connectionId, received, token }: Extract<Attach, { kind: 'resume' }>,
    gateway: Incarnation,
    claimed: number | undefined,
  ): Promise<Opening | undefined> | 'refused' {
    if (claimed === undefined && this.connection.isNamed(connectionId)) return this.opening;
    if (!this.connection.admits(token)) return 'refused';
    const next = newResumeToken(this.sessionId, this.ports.system.random);
    const attachment = claimed ?? this.attachment + 1;
    this.connection.replaceWith({ gateway, connectionId, attachment }, token, next);
    this.push({ kind: 'resumed', received });
    return this.opening;
  }

  /** There may be a successor, of whom a worker need not have heard: nothing is ordered until a write says whose the session is. */
  doubt(): void {
    this.isDoubted = true;
  }

  /** The store may have lost what it held: it gets the state again. Resolves at once where a run is under way, which does it. */
  async writeBack(): Promise<void> {
    this.gate.demandWrite();
    if (!this.running) await this.run();
  }

  voiceFailed(failed: VoiceFailed): void {
    if (failed.epoch !== this.epoch) return;
    const { lane, ordinal, attempt, failure } = failed;
    this.push({ kind: 'voice-failed', lane, ordinal, attempt, failure });
  }

  /**
   * Lets go of the session, so that another process can claim it at once, in mid-answer too: what comes until then is
   * still applied, the model stops, and all that is known is stored. Then the gateway is told.
   */
  release(): Promise<void> {
    if (this.state === 'over') return Promise.resolve();
    if (this.releasing) return this.releasing;
    this.releasing = new Promise((resolve) => (this.onReleased = resolve));
    // The successor asks it to go on.
    this.generations.abortAll();
    this.goOn();
    return this.releasing;
  }

  /** Nothing of it may leave any more: another process has taken the session over, or will. */
  drop(why: string): void {
    this.log.info('a session is dropped', { why });
    this.stopEverything();
  }

  /** Audio that was under way while the link was away is lost: the voice goes on where delivery stands. */
  private reconnected(): void {
    this.clock.goOn();
    this.voice.reconnected();
    this.settle();
  }

  private receive(message: InputMessage, traceparent: string, reply: (reply: InputReply) => void): void {
    if (!this.connection.receive(message, reply)) return;
    this.traceparent = traceparent;
    const { attachment, seq, closedOrdinal, clientEventId, input } = message;
    this.push({
      kind: 'client',
      number: { attachment, seq },
      closedOrdinal,
      ...(clientEventId === undefined ? {} : { clientEventId }),
      input,
    });
  }

  private applyReport(report: Report): void {
    if (report.attachment !== this.attachment) return;
    this.sender.acknowledge(report.acknowledgedOutSeq);
    this.deliver(report);
  }

  private deliver({ announcedOrdinal, linkLosses, responses }: DeliveryReport): void {
    this.push({ kind: 'reported', announcedOrdinal, linkLosses, responses });
  }

  private applyTimings(timings: SegmentTimings): void {
    const { lane, ordinal, segment, words } = timings;
    if (timings.epoch !== this.epoch || words.length === 0) return;
    this.push({ kind: 'words-timed', lane, ordinal, segment, words });
  }

  private push(input: EngineInput): void {
    if (this.state === 'over') return;
    this.mailbox.push(input);
    this.goOn();
  }

  private goOn(): void {
    if (!this.running) void this.run();
  }

  /** An exception ends this session, and not the process with all the others. */
  private run(): Promise<void> {
    return this.runAll().catch((error: unknown) => {
      this.log.error('a session broke', { error });
      return this.giveUp('an exception');
    });
  }

  private async runAll(): Promise<void> {
    this.running = true;
    while (this.isOwned() && (this.releasing || this.isDue)) {
      if (!this.isDue) {
        await this.letGo();
        continue;
      }
      const batch = newBatch();
      this.stepAll(batch);
      if (isEmpty(batch) && !this.gate.isWriteDue) continue;
      // The model's request leaves before the write is prepared, and what comes in the same turn of the event loop shares it.
      await new Promise<void>((resolve) => this.ports.system.schedule(resolve));
      if (!this.isOwned()) break;
      this.stepAll(batch);
      this.perform(batch, await this.gate.pass(batch));
    }
    this.running = false;
    this.settle();
  }

  /** Something waits for a step, or for a write. */
  private get isDue(): boolean {
    return this.gate.isWriteDue || !this.mailbox.isEmpty(this.gate.holdsBack);
  }

  /** Stores also what no write was due for, such as how much was played. Whatever came meanwhile is applied before. */
  private async letGo(): Promise<void> {
    const { kind } = await this.gate.settle();
    if (kind === 'lost' || this.isDue) return;
    const { onReleased } = this;
    this.onReleased = () => {};
    this.stopEverything();
    await this.ports.store.release(this.sessionId, this.epoch);
    this.sender.sayReleased();
    onReleased();
  }

  /** Steps what waits and is not held back, until that is much to tell. */
  private stepAll(batch: Batch): void {
    // A process that was stopped reads its sockets before it looks at its timers.
    if (this.ownership.isLapsed()) this.doubt();
    while (!isFull(batch)) {
      const input = this.mailbox.take(this.gate.holdsBack);
      if (!input) return;
      const throughOutSeq = this.outbox.outSeq;
      for (const effect of this.engine.apply(input, this.traceparent)) {
        if (!startsAtOnce(effect)) this.collect(effect, batch);
        else if (this.isDoubted) batch.deferred.push(effect);
        else this.start(effect);
      }
      if (input.kind === 'client') {
        batch.hasInputs = true;
        this.connection.applied(input.number, input.clientEventId);
      }
      if (input.kind === 'attached' || input.kind === 'resumed') {
        const welcome = { ...this.connection.welcome, resumed: input.kind === 'resumed' };
        batch.opening = { ...this.engine.opening(welcome), throughOutSeq };
      }
    }
  }

  private collect(effect: WrittenEffect, batch: Batch): void {
    // Output gets its number before the write, which holds it until the gateway has it.
    if (effect.kind === 'emit') batch.outputs.push(this.outbox.add(effect.output));
    else batch.closeReason = effect.reason;
  }

  private start(effect: AtOnceEffect): void {
    switch (effect.kind) {
      case 'start-generation':
        return this.releasing ? undefined : this.generations.start(effect);
      case 'abort-generation':
        return this.generations.abort(effect.ordinal);
      case 'open-voice':
        return this.voice.open(effect, this.traceparent);
      case 'speak-segment':
      case 'end-voice':
      case 'cancel-voice':
        return this.voice.order(effect);
      case 'observe':
        return record(effect.observation, this.sessionId, this.ports.telemetry, this.log);
      case 'start-avatar':
      case 'cancel-avatar':
        throw new InvariantError('no session has an avatar that speaks: nobody takes its orders');
      default:
        unreachable(effect);
    }
  }

  private gated(): GatedSession {
    return {
      isOwned: () => this.isOwned(),
      snapshot: () => this.snapshot(),
      onFenced: (ownerEpoch) => {
        this.log.info('another process owns the session', { ownerEpoch });
        this.stopEverything();
      },
      onWriteDue: () => this.goOn(),
    };
  }

  // A method, because the state can change during an await, which the compiler does not see.
  private isOwned(): boolean {
    return this.state === 'owned';
  }

  private snapshot(): SessionRecord {
    this.outbox.trim((ordinal) => this.engine.isKept(ordinal));
    return {
      v: SCHEMA_VERSION,
      engine: this.engine.state,
      ...this.connection.stored,
      ...this.outbox.stored,
      voice: this.voice.bound,
    };
  }

  private perform({ outputs, deferred, closeReason, hasInputs, opening }: Batch, passage: Passage): void {
    if (passage.kind === 'lost') return;
    for (const effect of deferred) this.start(effect);
    if (passage.kind === 'written') this.confirmOwned();
    if (opening) this.openConnection(opening);
    else this.sender.send(outputs, this.traceparent);
    if (closeReason !== undefined) {
      this.log.info('a session ended', { reason: closeReason });
      void this.remove();
    }
    if (hasInputs && passage.kind === 'written') this.connection.confirm(passage.record.connection);
    if (this.outbox.isOverfull) void this.giveUp('too much is not acknowledged');
  }

  private confirmOwned(): void {
    this.isDoubted = false;
    this.voice.confirmWritten();
  }

  /** Everything that its client may lack follows, also what older connections were sent. */
  private openConnection(opening: Omit<Opening, 'afterOutSeq'>): void {
    this.connection.opened({ ...opening, afterOutSeq: this.outbox.reopen() });
    this.sender.hear(true);
    this.sender.sendAll();
  }

  /** After a run: one timer for the next deadline, and no interest in workers that are no longer needed. */
  private settle(): void {
    if (this.state === 'over') return;
    this.wakeUp.at(nextDeadlineMs(this.engine.state));
    this.voice.keepOnly(liveResponses(this.engine.state).map(({ ordinal }) => ordinal));
    this.sender.hear(this.isHeard);
  }

  /**
   * It cannot go on, and with this state nowhere else: nobody is to try. Its gateway looks for an owner at once, finds that the session
   * is over, and closes the connection with 1011.
   */
  async giveUp(why: string): Promise<void> {
    if (this.state === 'over') return;
    this.log.warn('a session is given up', { why });
    this.voice.cancelAll();
    await this.remove();
    this.sender.sayReleased();
  }

  private async remove(): Promise<void> {
    this.stopEverything();
    const outcome = await this.ports.store.remove(this.sessionId, this.epoch, TOMBSTONE_MS);
    if (outcome.kind === 'unavailable')
      this.ports.telemetry.count('parley_store_failures_total', { operation: 'remove' });
  }

  private stopEverything(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.unwatchLink?.();
    this.inbox.close();
    this.generations.abortAll();
    this.wakeUp.cancel();
    this.gate.close();
    this.sender.close();
    this.voice.close();
    this.connection.close();
    this.onReleased();
    this.onOver();
  }
}
