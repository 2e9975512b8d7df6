import { subjects, type InputMessage, type SessionId } from '@parley/model';
import type { CancelTimer, LogPort } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, newTraceparent } from '@parley/service-link';
import type { ClaimTarget } from './claim-session';
import { InputQueue } from './input-queue';
import type { GatewayPorts } from '../ports';

/** An input that is not answered for so long is sent again with the same number. */
const INPUT_TIMEOUT_MS = 300;
/** Before an input is sent again that was answered, but neither applied nor refused for good. */
const REPEAT_PAUSE_MS = 250;

export interface InputSenderListener {
  /** Whoever was asked does not carry the session. */
  onDisowned(why: 'no-responders' | 'disowned'): void;
  /** A newer connection has the session. */
  onSuperseded(): void;
  /** Nobody waited for what threw. */
  onBroken(error: unknown): void;
}

/** The inputs of one connection on their way to whoever owns its session: each until it is applied, once, in order. */
export class InputSender {
  private readonly queue = new InputQueue();
  private owner: ClaimTarget | undefined;
  private repeatTimer: CancelTimer | undefined;
  private isOpen = true;

  constructor(
    private readonly ports: GatewayPorts,
    private readonly sessionId: SessionId,
    private readonly log: LogPort,
    private readonly listener: InputSenderListener,
  ) {}

  /** Not confirmed by any owner. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Its number. */
  send(input: Omit<InputMessage, 'sessionId' | 'seq'>): number {
    const { sessionId } = this;
    const queued = this.queue.add((seq) => ({ sessionId, seq, ...input }), newTraceparent(this.ports.system.random));
    this.transmit(queued.seq);
    return queued.seq;
  }

  /** This one owns the session from now on, and gets everything that no owner has confirmed. */
  serve(owner: ClaimTarget): void {
    this.owner = owner;
    for (const { seq } of this.queue.idle()) this.transmit(seq);
  }

  /** Its owner of this epoch crashed: an input that cost two of them is refused (`InputQueue.blame`). */
  blame(epoch: number): void {
    for (const { seq, input } of this.queue.blame(epoch)) {
      this.log.error('an input cost two owners and is refused', {
        ...{ sessionId: this.sessionId, seq, input: input.kind },
      });
    }
  }

  close(): void {
    this.isOpen = false;
    this.repeatTimer?.();
  }

  private transmit(seq: number): void {
    this.ask(seq).catch((error: unknown) => this.listener.onBroken(error));
  }

  private async ask(seq: number): Promise<void> {
    const { owner } = this;
    const message = this.queue.get(seq);
    if (!owner || !message || message.underWay || !this.isOpen || !this.queue.maySend(message)) return;
    const { sentTo } = message;
    message.underWay = true;
    message.sentTo = owner.epoch;
    const answer = await ask(this.ports.bus, subjects.input(this.sessionId, owner.epoch), {
      traceparent: message.traceparent,
      body: message.body,
      reply: busSchemas.inputReply,
      timeoutMs: INPUT_TIMEOUT_MS,
    });
    message.underWay = false;
    // Nobody got it this time, as far as one can know.
    if (answer.kind === 'no-responders' || answer.kind === 'disconnected') message.sentTo = sentTo;
    if (!this.isOpen) return;
    // Its successor was found while this was under way to an owner that is gone; it did not get it then.
    if (this.owner !== owner) return this.repeat();
    const applied = answer.kind === 'answer' && answer.body.kind === 'applied' ? answer.body.seq : undefined;
    if (applied !== undefined) this.queue.confirm(applied);
    if (answer.kind === 'no-responders') return this.listener.onDisowned(answer.kind);
    if (answer.kind === 'answer' && answer.body.kind === 'disowned') return this.listener.onDisowned(answer.body.kind);
    if (answer.kind === 'answer' && answer.body.kind === 'old-attachment') return this.listener.onSuperseded();
    // An answer that comes at once and changes nothing must not be asked for in a circle; silence took its time.
    if (applied === undefined && answer.kind !== 'timeout') this.repeatLater();
    else this.repeat();
  }

  /** The oldest unanswered input decides: when it is not under way, everything behind it was refused or lost too. */
  private repeat(): void {
    const waiting = this.queue.idle();
    const resent = waiting.filter(({ sentTo }) => sentTo > 0).length;
    if (resent > 0) this.ports.telemetry.count('parley_inputs_resent_total', {}, resent);
    for (const { seq } of waiting) this.transmit(seq);
  }

  /** One pause for all that waits: with one for each, every repetition of several would make several more of it. */
  private repeatLater(): void {
    this.repeatTimer ??= this.ports.system.timers.after(REPEAT_PAUSE_MS, () => {
      this.repeatTimer = undefined;
      this.repeat();
    });
  }
}
