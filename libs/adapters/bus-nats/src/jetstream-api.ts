import type { BusPort } from '@parley/ports';
import { z } from 'zod';

/** What of JetStream's API is asked for, over the bus itself: it is requests and JSON, and four of them are all we need. */

const API_TIMEOUT_MS = 5_000;

/** Numbers that a server of any version means by these (`err_code`). */
export const API_ERRORS = { streamNotFound: 10059, streamNameInUse: 10058, noMessageFound: 10037 } as const;

export type ApiOutcome<T> =
  | { kind: 'ok'; value: T }
  /** JetStream understood and said no. */
  | { kind: 'refused'; errorCode: number; message: string }
  | { kind: 'unavailable'; message: string };

const refusal = z.object({
  error: z.object({ code: z.number(), err_code: z.number().optional(), description: z.string().default('') }),
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One request of the API: `STREAM.INFO.<name>` and the like. Never throws. */
export async function askJetStream<T>(
  bus: BusPort,
  what: string,
  body: object,
  schema: z.ZodType<T>,
): Promise<ApiOutcome<T>> {
  const payload = encoder.encode(JSON.stringify(body));
  const outcome = await bus.request(`$JS.API.${what}`, payload, { timeoutMs: API_TIMEOUT_MS });
  switch (outcome.kind) {
    case 'reply':
      return read(decoder.decode(outcome.payload), schema);
    case 'no-responders':
      return { kind: 'unavailable', message: 'NATS runs without JetStream' };
    case 'timeout':
      return { kind: 'unavailable', message: `JetStream did not answer within ${API_TIMEOUT_MS} ms` };
    case 'disconnected':
    case 'aborted':
      return { kind: 'unavailable', message: 'the link to NATS was lost' };
  }
}

function read<T>(text: string, schema: z.ZodType<T>): ApiOutcome<T> {
  const unreadable = { kind: 'unavailable', message: 'JetStream’s answer cannot be read' } as const;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return unreadable;
  }
  const refused = refusal.safeParse(json);
  if (refused.success) {
    const { code, err_code, description } = refused.data.error;
    return { kind: 'refused', errorCode: err_code ?? code, message: description };
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? { kind: 'ok', value: parsed.data } : unreadable;
}
