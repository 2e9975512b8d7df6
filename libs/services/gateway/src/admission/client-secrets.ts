import { createHash } from 'node:crypto';
import {
  SECRET_PREFIX,
  subjects,
  type SecretFindReply,
  type SecretKeepReply,
  type SessionDefaults,
} from '@parley/model';
import type { BusPort, SystemPorts } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, type Question } from '@parley/service-link';

const SECRET_BYTES = 16;
const SECRET = new RegExp(`^${SECRET_PREFIX}[0-9a-f]{${2 * SECRET_BYTES}}$`);
const MS_PER_S = 1_000;
/** An orchestrator that lives, and whose store does, answers in a few milliseconds. */
const ANSWER_TIMEOUT_MS = 400;
/** One that is stopped keeps its share of the questions. Where it is one of two, all of these reach it once in 256 times. */
const TRIES = 8;

/** A secret for clients to which no key is given. */
export interface ClientSecret {
  value: string;
  /** Seconds since 1970; it is good until then, and not longer. */
  expiresAtS: number;
  /** The session object of the Realtime API, as sessions will begin. */
  session: Record<string, unknown>;
}

export const isClientSecret = (key: string): boolean => SECRET.test(key);

/**
 * Client secrets are drawn here and kept by the orchestrators, so that every gateway knows them and none takes them along
 * when it dies. Nothing but their digest leaves this process, other than to the client.
 */
export class ClientSecrets {
  constructor(private readonly ports: { bus: BusPort; system: SystemPorts }) {}

  /** Undefined when it cannot be kept now. */
  async make(defaults: SessionDefaults, lifeS: number, traceparent: string): Promise<ClientSecret | undefined> {
    const { clock, random } = this.ports.system;
    const value = `${SECRET_PREFIX}${random.hex(SECRET_BYTES)}`;
    const wallMs = clock.wallMs();
    // A whole second, and not before the time that was asked for.
    const expiresAtS = Math.ceil(wallMs / MS_PER_S) + lifeS;
    const ttlMs = Math.floor(expiresAtS * MS_PER_S - wallMs);
    const body = { digest: digestOf(value), ttlMs, defaults };
    const question = { traceparent, body, reply: busSchemas.secretKeepReply };
    const reply = await this.ask<SecretKeepReply>(subjects.secretKeep, question);
    return reply.kind === 'kept' ? { value, expiresAtS, session: reply.session } : undefined;
  }

  find(secret: string, traceparent: string): Promise<SecretFindReply> {
    const body = { digest: digestOf(secret) };
    return this.ask<SecretFindReply>(subjects.secretFind, { traceparent, body, reply: busSchemas.secretFindReply });
  }

  /** Asking again does no harm. */
  private async ask<Reply extends { kind: string }>(
    subject: string,
    question: Omit<Question<Reply>, 'timeoutMs'>,
  ): Promise<Reply | { kind: 'unavailable' }> {
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await ask(this.ports.bus, subject, { ...question, timeoutMs: ANSWER_TIMEOUT_MS });
      if (answer.kind === 'answer') return answer.body;
      if (answer.kind !== 'timeout') break;
    }
    return { kind: 'unavailable' };
  }
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
