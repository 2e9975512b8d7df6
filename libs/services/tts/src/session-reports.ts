import { type ResponseDelivery, type SessionId, subjects, type VoiceJobKey } from '@parley/model';
import type { BusPort, BusSubscription, LogPort } from '@parley/ports';
import { busSchemas, decodeEnvelope } from '@parley/schemas';

type Listener = (delivery: ResponseDelivery) => void;

interface Session {
  subscription: BusSubscription;
  attachment: number;
  listeners: Map<Listener, Pick<VoiceJobKey, 'lane' | 'ordinal'>>;
}

/** The gateways' reports of the sessions that have jobs here: one subscription per session, however many jobs it has. */
export class SessionReports {
  private readonly sessions = new Map<SessionId, Session>();

  constructor(
    private readonly bus: BusPort,
    private readonly log: LogPort,
  ) {}

  /** Calls `listener` with each report on that response until the returned function is called. */
  watch(key: VoiceJobKey, listener: Listener): () => void {
    const session = this.sessions.get(key.sessionId) ?? this.open(key.sessionId);
    session.listeners.set(listener, key);
    return () => {
      session.listeners.delete(listener);
      if (session.listeners.size > 0 || this.sessions.get(key.sessionId) !== session) return;
      session.subscription.unsubscribe();
      this.sessions.delete(key.sessionId);
    };
  }

  private open(sessionId: SessionId): Session {
    const session: Session = {
      subscription: this.bus.subscribe(subjects.report(sessionId), ({ payload }) => this.receive(session, payload)),
      attachment: 0,
      listeners: new Map(),
    };
    this.sessions.set(sessionId, session);
    return session;
  }

  private receive(session: Session, payload: Uint8Array): void {
    const decoded = decodeEnvelope(busSchemas.report, payload);
    if (!decoded.ok) {
      this.log.warn('a report cannot be read', { reason: decoded.reason });
      return;
    }
    // A connection that was replaced may still report; its playhead is another one's.
    if (decoded.body.attachment < session.attachment) return;
    session.attachment = decoded.body.attachment;
    for (const [listener, { lane, ordinal }] of session.listeners) {
      const delivery = decoded.body.responses.find((each) => each.lane === lane && each.ordinal === ordinal);
      if (delivery !== undefined) listener(delivery);
    }
  }
}
