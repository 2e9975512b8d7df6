import { InvariantError, type ClientError, type SessionUpdate } from '@parley/model';
import { z } from 'zod';
import { clientEventSchemas } from './client-event-schemas';
import { clientErrorOfIssue, nestingErrorOf, refusal } from './client-issue';
import { closed } from './closed';
import { isRecord } from './record';

/** How long a client secret lives, in s, as in the Realtime API. */
export const SECRET_LIFE_S = { least: 10, most: 7_200, unsaid: 600 } as const;

const request = closed({
  expires_after: closed({
    anchor: z.literal('created_at').exactOptional(),
    seconds: z.int().min(SECRET_LIFE_S.least).max(SECRET_LIFE_S.most).exactOptional(),
  }).exactOptional(),
  // What a secret may say of a session is what a client may say of its own.
  session: clientEventSchemas['session.update'].shape.session.exactOptional(),
});

export type ParsedSecretRequest =
  /** `session` is undefined where it says nothing. */
  { ok: true; lifeS: number; session: SessionUpdate | undefined } | { ok: false; error: ClientError };

/** Reads the body of `POST …/client_secrets`; an empty one asks for nothing in particular. */
export function parseSecretRequest(text: string): ParsedSecretRequest {
  let json: unknown;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    return { ok: false, error: refusal('invalid_json', null, 'The body is not valid JSON.') };
  }
  if (!isRecord(json)) return { ok: false, error: refusal('invalid_json', null, 'The body is not a JSON object.') };
  const nesting = nestingErrorOf(json);
  if (nesting) return { ok: false, error: nesting };
  const parsed = request.safeParse(json);
  if (parsed.success) {
    const { expires_after: expiry, session } = parsed.data;
    return { ok: true, lifeS: expiry?.seconds ?? SECRET_LIFE_S.unsaid, session };
  }
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new InvariantError('a failed parse without an issue');
  return { ok: false, error: clientErrorOfIssue(issue, json) };
}
