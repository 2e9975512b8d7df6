import { PIECE_MAX_BYTES, subjects, type OutputMessage, type OwnerOutput, type SessionId } from '@parley/model';
import type { BusPort, CancelTimer, SystemPorts, TelemetryPort } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import type { Outbox, OutboxEntry } from './outbox';

/** What is not acknowledged for so long is sent again. */
const RESEND_MS = 500;
/** A gateway that acknowledges nothing for so long carries no client any more. */
const GATEWAY_SILENCE_MS = 10_000;
const NO_TRACE = '';

/** Publishes numbered output and repeats it until the gateway has acknowledged it. */
export class OutputSender {
  private timer: CancelTimer | undefined;
  /** Numbered output beyond this waits for its write: it must not leave with a repetition. */
  private sentOutSeq = 0;
  private oldest: { outSeq: number; sinceMs: number; sentMs: number } | undefined;
  private isHeard = true;

  constructor(
    private readonly ports: { bus: BusPort; system: SystemPorts; telemetry: TelemetryPort },
    private readonly sessionId: SessionId,
    private readonly epoch: number,
    private readonly outbox: Outbox,
    /** The connection that output is for. */
    private readonly attachment: () => number,
    private readonly onGatewaySilent: () => void,
  ) {}

  /** To a new connection, or by a new owner: everything that is not acknowledged comes (again). */
  sendAll(): void {
    this.oldest = undefined;
    this.send(this.outbox.pending, NO_TRACE);
  }

  /** Without a connection nothing is repeated. */
  hear(isHeard: boolean): void {
    if (isHeard === this.isHeard) return;
    this.isHeard = isHeard;
    if (isHeard) this.sendAll();
    else this.close();
  }

  /** What one write covers leaves together: entries with consecutive numbers, possibly none. */
  send(entries: readonly OutboxEntry[], traceparent: string): void {
    const last = entries.at(-1);
    if (!last) return;
    this.publishOutputs(entries, traceparent);
    this.sentOutSeq = Math.max(this.sentOutSeq, last.outSeq);
    this.watch();
  }

  /** The last word of an owner that has let the session go. */
  sayReleased(): void {
    const { epoch, outbox } = this;
    const firstOutSeq = outbox.outSeq + 1;
    this.publish(NO_TRACE, { epoch, attachment: this.attachment(), firstOutSeq, outputs: [], released: true });
  }

  acknowledge(outSeq: number): void {
    if (!this.outbox.acknowledge(outSeq)) return;
    this.oldest = undefined;
    this.watch();
  }

  close(): void {
    this.timer?.();
    this.timer = undefined;
  }

  private get unacknowledged(): OutboxEntry[] {
    return this.outbox.pending.filter((entry) => entry.outSeq <= this.sentOutSeq);
  }

  private watch(): void {
    const first = this.unacknowledged[0];
    if (!first || !this.isHeard) return this.close();
    const nowMs = this.ports.system.clock.nowMs();
    if (this.oldest?.outSeq !== first.outSeq) this.oldest = { outSeq: first.outSeq, sinceMs: nowMs, sentMs: nowMs };
    this.timer ??= this.ports.system.timers.after(RESEND_MS, () => this.look());
  }

  private look(): void {
    this.timer = undefined;
    const { oldest } = this;
    const nowMs = this.ports.system.clock.nowMs();
    // While our own link is down, silence says nothing about the gateway.
    if (oldest && !this.ports.bus.connected) oldest.sinceMs = nowMs;
    if (oldest && nowMs - oldest.sinceMs >= GATEWAY_SILENCE_MS) return this.onGatewaySilent();
    if (oldest && nowMs - oldest.sentMs >= RESEND_MS) {
      oldest.sentMs = nowMs;
      const entries = this.unacknowledged;
      this.ports.telemetry.count('parley_outputs_resent_total', {}, entries.length);
      this.publishOutputs(entries, NO_TRACE);
    }
    this.watch();
  }

  /** One message, or as many as the bus's limit of a message wants. */
  private publishOutputs(entries: readonly OutboxEntry[], traceparent: string): void {
    const { epoch } = this;
    const attachment = this.attachment();
    let outputs: OwnerOutput[] = [];
    let [firstOutSeq, bytes] = [0, 0];
    const flush = (): void => {
      if (outputs.length > 0) this.publish(traceparent, { epoch, attachment, firstOutSeq, outputs });
      [outputs, bytes] = [[], 0];
    };
    for (const entry of entries) {
      if (bytes + entry.bytes > PIECE_MAX_BYTES) flush();
      if (outputs.length === 0) firstOutSeq = entry.outSeq;
      outputs.push(entry.output);
      bytes += entry.bytes;
    }
    flush();
  }

  private publish(traceparent: string, body: OutputMessage): void {
    this.ports.bus.publish(subjects.output(this.sessionId), encodeEnvelope(traceparent, body));
  }
}
