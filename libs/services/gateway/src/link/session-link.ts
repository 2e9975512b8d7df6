import {
  decodeChunk,
  subjects,
  type Attach,
  type ChunkView,
  type DeliveryReport,
  type Incarnation,
  type Opening,
  type OutputMessage,
  type OwnerOutput,
  type Report,
  type SessionId,
  type SessionInput,
  type VisemesMessage,
} from '@parley/model';
import type { BusSubscription, CancelTimer, LogPort } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { newTraceparent, type PeerWatch } from '@parley/service-link';
import { AudioFence } from './audio-fence';
import { claimSession, reclaimSession, type ClaimTarget } from './claim-session';
import { InputSender } from './input-sender';
import { OutputOrder, type NumberedOutput } from './output-order';
import type { GatewayPorts } from '../ports';

/** Which output it is, and whose. */
export type OutputNumber = Pick<NumberedOutput, 'epoch' | 'outSeq'>;

/** Owner output that the client hears of. */
export type ClientOutput = Exclude<OwnerOutput, { kind: 'adopted' }>;

export type Attached =
  { kind: 'attached'; opening: Opening } | { kind: 'full' } | { kind: 'gone' } | { kind: 'unavailable' };

export interface LinkListener {
  /** Owner output, each number once and in order. */
  onOutput(output: ClientOutput, number: OutputNumber): void;
  /** An output came again, so its acknowledgement was lost. */
  onRepeated(): void;
  onAudio(chunk: ChunkView): void;
  onVisemes(message: VisemesMessage): void;
  /** A new owner has taken the session over: of the audio that waits only what `admits` says is still wanted. */
  onOwnerChanged(admits: (chunk: ChunkView) => boolean): void;
  /** What reached the client, for a new owner. */
  delivered(): Pick<DeliveryReport, 'announcedOrdinal' | 'responses'>;
  /** The bus link was away until now, and its owner is to know. */
  onLinkBack(): void;
  /** Nobody carries the session any more. */
  onGone(reason: string): void;
  /** A newer connection has it. */
  onSuperseded(): void;
}

const FLUSH_TIMEOUT_MS = 1_000;
/** How long a session without an owner is kept before its client is told to come back later. */
const RECLAIM_LIMIT_MS = 10_000;
const RECLAIM_PERIOD_MS = 250;
/** After a time without a link all sessions of a gateway ask for their owners: not all at once. */
const CONFIRM_SPREAD_MS = 1_000;
/** The owner holds what is not acknowledged, and only so much of it: a report comes with each so many bytes of it. */
const REPORT_BYTES = 64 * 1024;

/**
 * The gateway's end of one session: numbered inputs to whoever owns it, owner output in order, audio past every fence
 * of epochs. Finds a new owner when the old one is gone; the connection does not notice more than a pause.
 */
export class SessionLink {
  private readonly inputs: InputSender;
  private order = new OutputOrder(0);
  private subscriptions: BusSubscription[] = [];
  private owner: ClaimTarget | undefined;
  /** Its process was lost. One that lives has let go of the session, or was refused it: no input did that. */
  private ownerCrashed = false;
  private unwatchOwner: (() => void) | undefined;
  private unwatchLink: (() => void) | undefined;
  private confirmTimer: CancelTimer | undefined;
  private readonly fence = new AudioFence();
  private reclaiming = false;
  /** Claims are under way that say what has come until now. */
  private isHandingOver = false;
  /** What the owner said meanwhile. */
  private unheard: OutputMessage[] = [];
  /** Whoever owned the session with this epoch has let go of it. */
  private releasedEpoch = 0;
  private open = true;
  private linkLosses = 0;
  /** Owner output that came since the last report. */
  private unreportedBytes = 0;
  private listener: LinkListener | undefined;
  private early: ((listener: LinkListener) => void)[] = [];

  constructor(
    private readonly ports: GatewayPorts,
    private readonly self: Incarnation,
    private readonly peers: PeerWatch,
    readonly sessionId: SessionId,
    private readonly log: LogPort,
  ) {
    this.inputs = new InputSender(ports, sessionId, log, {
      onDisowned: (why) => this.loseOwner(why),
      onSuperseded: () => this.listener?.onSuperseded(),
      onBroken: (error) => this.fail(error),
    });
  }

  /** Subscribes first, so that nothing the owner says is missed, then claims. */
  async attach(attach: Exclude<Attach, { kind: 'keep' }>): Promise<Attached> {
    const { bus, system } = this.ports;
    this.subscribe();
    await bus.flush(FLUSH_TIMEOUT_MS);
    const claim = { sessionId: this.sessionId, gateway: this.self, seenEpoch: 0, attach };
    const outcome = await claimSession(this.ports, claim, newTraceparent(system.random));
    if (outcome.kind !== 'granted' || !outcome.opening) {
      this.close();
      return outcome.kind === 'full' || outcome.kind === 'gone' ? outcome : { kind: 'unavailable' };
    }
    const { opening, target } = outcome;
    this.order = new OutputOrder(opening.afterOutSeq);
    this.fence.raise({ kind: 'adopted', epoch: target.epoch, ordinal: 0, segments: [] });
    this.adoptOwner(target);
    this.unwatchLink = bus.onReconnect(() => {
      this.linkLosses++;
      this.listener?.onLinkBack();
      this.confirmOwner();
    });
    return { kind: 'attached', opening };
  }

  get attachment(): number {
    return this.owner?.attachment ?? 0;
  }

  /** From now on the listener gets everything, what has arrived before first. */
  listen(listener: LinkListener): void {
    this.listener = listener;
    for (const event of this.early.splice(0)) event(listener);
  }

  get waitingInputs(): number {
    return this.inputs.waiting;
  }

  send(input: SessionInput, closedOrdinal: number, clientEventId: string | undefined): number {
    if (!this.open) return 0;
    const { attachment } = this;
    return this.inputs.send({
      attachment,
      closedOrdinal,
      ...(clientEventId === undefined ? {} : { clientEventId }),
      input,
    });
  }

  report(): void {
    this.unreportedBytes = 0;
    const body: Report = { sessionId: this.sessionId, attachment: this.attachment, ...this.delivered() };
    this.ports.bus.publish(subjects.report(this.sessionId), encodeEnvelope('', body));
  }

  private delivered(): DeliveryReport {
    const delivered = this.listener?.delivered() ?? { announcedOrdinal: 0, responses: [] };
    return { acknowledgedOutSeq: this.order.lastOutSeq, linkLosses: this.linkLosses, ...delivered };
  }

  /** Asks soon whether the session is still carried: its owner may have given this gateway up, and nobody says so. */
  confirmOwner(): void {
    this.confirmTimer?.();
    this.confirmTimer = this.ports.system.timers.after(CONFIRM_SPREAD_MS * this.ports.system.random.fraction(), () => {
      if (this.reclaiming || !this.open) return;
      this.reclaiming = true;
      this.run(this.reclaim());
    });
  }

  close(): void {
    this.open = false;
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.subscriptions = [];
    this.unwatchOwner?.();
    this.unwatchLink?.();
    this.inputs.close();
    this.confirmTimer?.();
  }

  private subscribe(): void {
    const { bus } = this.ports;
    this.subscriptions = [
      bus.subscribe(subjects.output(this.sessionId), (message) => {
        const decoded = decodeEnvelope(busSchemas.output, message.payload);
        if (!decoded.ok) return this.log.error('an owner output cannot be read', { reason: decoded.reason });
        this.whenListening(() => {
          this.receive(decoded.body);
          this.unreportedBytes += message.payload.byteLength;
          if (this.unreportedBytes >= REPORT_BYTES) this.report();
        });
      }),
      bus.subscribe(subjects.audio(this.sessionId), (message) => {
        const chunk = decodeChunk(message.payload);
        if (!chunk.ok) return this.log.error('an audio chunk cannot be read', { reason: chunk.reason });
        this.whenListening((listener) => this.receiveAudio(listener, chunk.value));
      }),
      bus.subscribe(subjects.visemes(this.sessionId), (message) => {
        const decoded = decodeEnvelope(busSchemas.visemes, message.payload);
        if (!decoded.ok) return;
        this.whenListening((listener) => {
          if (this.fence.admits(decoded.body)) listener.onVisemes(decoded.body);
        });
      }),
    ];
  }

  /** Nobody waits for it. */
  private run(work: Promise<void>): void {
    work.catch((error: unknown) => this.fail(error));
  }

  /** An exception ends this connection, and not the process with all the others. */
  private fail(error: unknown): void {
    if (!this.open) return;
    this.log.error('a session link broke', { sessionId: this.sessionId, error });
    this.listener?.onGone('internal error');
    this.close();
  }

  /** A session that is resumed may speak before its client's socket is open. */
  private whenListening(event: (listener: LinkListener) => void): void {
    if (this.listener) event(this.listener);
    else this.early.push(event);
  }

  private receiveAudio(listener: LinkListener, chunk: ChunkView): void {
    if (this.fence.admits(chunk)) return listener.onAudio(chunk);
    this.ports.telemetry.count('parley_stale_chunks_dropped_total', { reason: 'epoch' });
  }

  private receive(message: OutputMessage): void {
    const ownerEpoch = this.owner?.epoch ?? 0;
    if (message.epoch < Math.max(this.fence.epoch, ownerEpoch)) return;
    if (message.attachment > this.attachment) return this.listener?.onSuperseded();
    if (message.released) return this.released(message.epoch);
    // A successor is being told what has come: nothing may come behind that, which it cannot know of.
    if (this.isHandingOver && message.epoch === ownerEpoch) return void this.unheard.push(message);
    if (message.firstOutSeq <= this.order.lastOutSeq) this.listener?.onRepeated();
    const { firstOutSeq } = message;
    for (const [index, output] of message.outputs.entries()) {
      for (const ready of this.order.accept({ outSeq: firstOutSeq + index, epoch: message.epoch, output })) {
        this.hand(ready);
      }
    }
  }

  private released(epoch: number): void {
    this.releasedEpoch = epoch;
    // Otherwise a successor was found already.
    if (epoch === this.owner?.epoch) this.loseOwner('it has let go of it');
  }

  private hand({ output, epoch, outSeq }: NumberedOutput): void {
    if (output.kind !== 'adopted') return this.listener?.onOutput(output, { epoch, outSeq });
    this.fence.raise(output);
    this.listener?.onOwnerChanged((chunk) => this.fence.admits(chunk));
  }

  private handedOver(toItself: boolean): void {
    const unheard = this.unheard.splice(0);
    this.isHandingOver = false;
    if (toItself) for (const message of unheard) this.receive(message);
  }

  private adoptOwner(target: ClaimTarget): void {
    // For the loss of an owner, unless it has let go of the session meanwhile.
    const before = this.owner?.epoch ?? target.epoch;
    if (before !== target.epoch && this.ownerCrashed && before !== this.releasedEpoch) this.inputs.blame(before);
    this.ownerCrashed = false;
    this.owner = target;
    this.confirmTimer?.();
    this.unwatchOwner?.();
    this.unwatchOwner = this.peers.watch(target.owner, () => this.ownerGone());
    this.inputs.serve(target);
  }

  private ownerGone(): void {
    this.ownerCrashed = true;
    this.loseOwner('it is gone');
  }

  private loseOwner(why: string): void {
    if (this.reclaiming || !this.open) return;
    this.reclaiming = true;
    this.log.info('a session needs another owner', { sessionId: this.sessionId, why });
    if (!this.ownerCrashed) this.run(this.examineOwner());
    this.run(this.reclaim());
  }

  /** Its successor may be found before the next ping. */
  private async examineOwner(): Promise<void> {
    const { owner } = this;
    if (owner && (await this.peers.hasEnded(owner.owner)) && this.owner === owner) this.ownerCrashed = true;
  }

  private async reclaim(): Promise<void> {
    const { clock, timers, random } = this.ports.system;
    let untilMs = clock.nowMs() + RECLAIM_LIMIT_MS;
    const { owner } = this;
    while (this.open && owner && clock.nowMs() < untilMs) {
      this.isHandingOver = true;
      const outcome = await reclaimSession(
        this.ports,
        {
          sessionId: this.sessionId,
          gateway: this.self,
          seenEpoch: Math.max(owner.epoch, this.fence.epoch),
          attach: { kind: 'keep', attachment: owner.attachment, delivered: this.delivered() },
        },
        newTraceparent(random),
        owner.owner,
      );
      if (!this.open) return;
      if (outcome.kind === 'gone') return this.listener?.onGone('the session is over');
      if (outcome.kind === 'superseded') return this.listener?.onSuperseded();
      // Without a link of our own nobody can be found; the limit counts from its return.
      if (!this.ports.bus.connected) untilMs = clock.nowMs() + RECLAIM_LIMIT_MS;
      // It lives. Of any other owner nothing more is heard.
      if (outcome.kind === 'granted') this.handedOver(outcome.target.epoch === owner.epoch);
      // Jitter: after a crash many sessions look for an owner at once. And where the owner lives after all, whatever looked
      // like its loss may not be over yet.
      if (outcome.kind !== 'granted' || outcome.target.epoch === owner.epoch) {
        await new Promise<void>((resolve) => timers.after(RECLAIM_PERIOD_MS * (0.5 + random.fraction()), resolve));
      }
      // It was its owner when it was asked.
      if (outcome.kind === 'granted' && outcome.target.epoch === this.releasedEpoch) continue;
      if (this.open && outcome.kind === 'granted') {
        this.reclaiming = false;
        return this.adoptOwner({ ...outcome.target, attachment: owner.attachment });
      }
    }
    if (this.open) this.listener?.onGone('no process can carry the session');
  }
}
