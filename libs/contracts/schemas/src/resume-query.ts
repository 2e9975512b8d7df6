import { samplesOfMs, type ClientError, type ReceivedResponse, type WireReceived } from '@parley/model';
import { z } from 'zod';
import { clientErrorOfIssue, refusal } from './client-issue';
import { CLIENT_LIMITS } from './client-limits';
import { count, milliseconds, responseId } from './id-schemas';

const received: z.ZodType<WireReceived[]> = z
  .array(
    z.strictObject({
      response_id: responseId,
      samples: z.array(count).max(CLIENT_LIMITS.receivedSegments),
      played_ms: milliseconds,
      done: z.boolean(),
    }),
  )
  .max(CLIENT_LIMITS.receivedResponses);

export type ParsedReceived = { ok: true; received: ReceivedResponse[] } | { ok: false; error: ClientError };

/** Reads the query parameter `received` of a client that resumes. */
export function parseReceived(text: string): ParsedReceived {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return {
      ok: false,
      error: refusal('invalid_json', 'received', "The query parameter 'received' is not valid JSON."),
    };
  }
  // Under its name, so that the path of a fault begins with it.
  const parsed = z.object({ received }).safeParse({ received: json });
  if (parsed.success) return { ok: true, received: parsed.data.received.map(receivedOf) };
  const [issue] = parsed.error.issues;
  if (!issue) return { ok: false, error: refusal('invalid_value', 'received', "Invalid value for 'received'.") };
  return { ok: false, error: clientErrorOfIssue(issue, { received: json }) };
}

const receivedOf = ({ response_id: id, samples, played_ms: playedMs, done }: WireReceived): ReceivedResponse => ({
  responseId: id,
  samples,
  playedSamples: samplesOfMs(playedMs),
  done,
});
