import {
  subjects,
  type InputMessage,
  type InputReply,
  type Report,
  type SegmentTimings,
  type SessionId,
} from '@parley/model';
import type { BusPort, BusSubscription, LogPort } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';

interface InboxListener {
  onInput(message: InputMessage, traceparent: string, reply: (reply: InputReply) => void): void;
  onReport(report: Report): void;
  onTimings(timings: SegmentTimings): void;
}

/** What gateway and voice worker send to the owner of one session, read at the edge. */
export class SessionInbox {
  private subscriptions: BusSubscription[] = [];

  constructor(
    private readonly bus: BusPort,
    private readonly log: LogPort,
    private readonly of: { sessionId: SessionId; epoch: number },
    private readonly listener: InboxListener,
  ) {}

  open(): void {
    const { bus, listener } = this;
    const { sessionId, epoch } = this.of;
    this.subscriptions = [
      bus.subscribe(subjects.input(sessionId, epoch), (message) => {
        const decoded = decodeEnvelope(busSchemas.input, message.payload);
        if (!decoded.ok) return this.log.error('an input cannot be read', { reason: decoded.reason });
        const { body, traceparent } = decoded;
        listener.onInput(body, traceparent, (reply) => message.reply?.(encodeEnvelope(traceparent, reply)));
      }),
      bus.subscribe(subjects.report(sessionId), (message) => {
        const decoded = decodeEnvelope(busSchemas.report, message.payload);
        if (decoded.ok) listener.onReport(decoded.body);
      }),
      bus.subscribe(subjects.timings(sessionId), (message) => {
        const decoded = decodeEnvelope(busSchemas.timings, message.payload);
        if (decoded.ok) listener.onTimings(decoded.body);
      }),
    ];
  }

  close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
  }
}
