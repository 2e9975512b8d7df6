import { subjects, type SessionId } from '@parley/model';
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

  constructor(
    private readonly ports: { bus: BusPort; system: SystemPorts; telemetry: TelemetryPort },
    private readonly sessionId: SessionId,
    private readonly epoch: number,
    private readonly outbox: Outbox,
    private readonly onGatewaySilent: () => void,
  ) {}

  /** Takes over from an older owner: renderings of lower epochs end here, and what was not acknowledged comes again. */
  adopt(ordinal: number): void {
    const { epoch } = this;
    this.publish(NO_TRACE, { kind: 'adopted', epoch, ordinal, segments: [] });
    for (const entry of this.outbox.pending) this.send(entry, NO_TRACE);
  }

  send(entry: OutboxEntry, traceparent: string): void {
    const { epoch } = this;
    this.publish(traceparent, { kind: 'output', epoch, outSeq: entry.outSeq, output: entry.output });
    this.sentOutSeq = Math.max(this.sentOutSeq, entry.outSeq);
    this.watch();
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
    if (!first) return this.close();
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
      this.ports.telemetry.count('parley_outputs_resent_total', {}, this.unacknowledged.length);
      const { epoch } = this;
      for (const { outSeq, output } of this.unacknowledged) {
        this.publish(NO_TRACE, { kind: 'output', epoch, outSeq, output });
      }
    }
    this.watch();
  }

  private publish(traceparent: string, body: unknown): void {
    this.ports.bus.publish(subjects.output(this.sessionId), encodeEnvelope(traceparent, body));
  }
}
