import type { BusPort, RequestOptions } from '@parley/ports';
import { decodeEnvelope, encodeEnvelope } from '@parley/schemas';

type Schema<Body> = Parameters<typeof decodeEnvelope<Body>>[0];

/** A request's outcome with its answer parsed. */
export type Answer<Body> =
  | { kind: 'answer'; body: Body }
  | { kind: 'no-responders' }
  | { kind: 'timeout' }
  | { kind: 'disconnected' }
  | { kind: 'aborted' }
  /** The answer is of another version or shape. */
  | { kind: 'unreadable'; reason: string };

export interface Question<Body> extends Omit<RequestOptions, 'isFinal'> {
  traceparent: string;
  body: unknown;
  reply: Schema<Body>;
  /** An answer for which this is false is followed by another one. */
  isFinal?: (body: Body) => boolean;
}

/** One request with an enveloped body and an enveloped answer. */
export async function ask<Body>(bus: BusPort, subject: string, question: Question<Body>): Promise<Answer<Body>> {
  const { traceparent, body, reply, isFinal, ...options } = question;
  const outcome = await bus.request(subject, encodeEnvelope(traceparent, body), {
    ...options,
    ...(isFinal === undefined
      ? {}
      : {
          isFinal: (payload) => {
            const decoded = decodeEnvelope(reply, payload);
            return !decoded.ok || isFinal(decoded.body);
          },
        }),
  });
  if (outcome.kind !== 'reply') return outcome;
  const decoded = decodeEnvelope(reply, outcome.payload);
  return decoded.ok ? { kind: 'answer', body: decoded.body } : { kind: 'unreadable', reason: decoded.reason };
}
