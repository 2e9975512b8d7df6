import {
  queueGroups,
  subjects,
  type SecretFindReply,
  type SecretKeep,
  type SecretKeepReply,
  type SessionDefaults,
} from '@parley/model';
import type { BusMessage, BusPort, BusSubscription, LogPort, SessionStorePort } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope, sessionDefaults } from '@parley/schemas';

type Schema<Body> = Parameters<typeof decodeEnvelope<Body>>[0];

/** Keeps and finds client secrets for gateways, which have no store. What lies there is in an envelope as on the bus. */
export class SecretDesk {
  private subscriptions: BusSubscription[] = [];

  constructor(
    private readonly ports: { bus: BusPort; store: SessionStorePort; log: LogPort },
    /** The session object of a session that begins so. */
    private readonly sessionOf: (defaults: SessionDefaults) => Record<string, unknown>,
  ) {}

  open(): void {
    const { secretKeep, secretFind } = busSchemas;
    this.subscriptions = [
      this.answer(subjects.secretKeep, secretKeep, (body, traceparent) => this.keep(body, traceparent)),
      this.answer(subjects.secretFind, secretFind, ({ digest }) => this.find(digest)),
    ];
  }

  /** What has been asked is still answered. */
  close(): void {
    for (const subscription of this.subscriptions) subscription.leave();
  }

  private answer<Body>(
    subject: string,
    schema: Schema<Body>,
    decide: (body: Body, traceparent: string) => Promise<SecretKeepReply | SecretFindReply>,
  ): BusSubscription {
    const onQuestion = async (message: BusMessage): Promise<void> => {
      const decoded = decodeEnvelope(schema, message.payload);
      if (!decoded.ok) return this.ports.log.error('a secret’s message cannot be read', { reason: decoded.reason });
      const { body, traceparent } = decoded;
      message.reply?.(encodeEnvelope(traceparent, await decide(body, traceparent)));
    };
    const onMessage = (message: BusMessage): void => {
      onQuestion(message).catch((error: unknown) => this.ports.log.error('a secret’s message broke', { error }));
    };
    return this.ports.bus.subscribe(subject, onMessage, { queue: queueGroups.orchestrators });
  }

  private async keep({ digest, ttlMs, defaults }: SecretKeep, traceparent: string): Promise<SecretKeepReply> {
    const { kind } = await this.ports.store.keepSecret(digest, encodeEnvelope(traceparent, defaults), ttlMs);
    return kind === 'kept' ? { kind, session: this.sessionOf(defaults) } : { kind };
  }

  private async find(digest: string): Promise<SecretFindReply> {
    const found = await this.ports.store.findSecret(digest);
    if (found.kind === 'unavailable') return { kind: 'unavailable' };
    if (found.kind === 'missing') return { kind: 'unknown' };
    const decoded = decodeEnvelope(sessionDefaults, found.value);
    if (decoded.ok) return { kind: 'found', defaults: decoded.body };
    this.ports.log.error('a stored secret cannot be read', { reason: decoded.reason });
    return { kind: 'unknown' };
  }
}
