/** A rule of our own code was broken. Never the client's fault and never a provider's: those are codes and outcome unions. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** For the `default` of an exhaustive switch: the compiler refuses a missing case, this refuses a lying type. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value ${JSON.stringify(value)}`);
}

/** Codes of `error` events. The first group is the Realtime API's own, the second Parley's (design §7). */
export const ERROR_CODES = [
  'invalid_json',
  'invalid_value',
  'missing_required_parameter',
  'unknown_parameter',
  'unknown_event',
  'string_above_max_length',
  'conversation_already_has_active_response',
  'response_cancel_not_active',
  'item_not_found',
  'item_retrieve_invalid_item_id',
  'item_truncate_invalid_item_id',
  'item_delete_invalid_item_id',
  'item_id_in_use',
  'invalid_tool_call_id',
  'unsupported_content_type',
  'cannot_update_voice',
  'session_expired',
  'turn_duplicate',
  'turn_in_progress',
  'nothing_to_interrupt',
  'tts_unavailable',
  'llm_unavailable',
  'avatar_unavailable',
  'capacity',
  'session_closed',
  'internal_error',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a client is told: the code, a sentence that names the fix, and the path of the bad field. */
export interface ClientError {
  type: 'invalid_request_error' | 'server_error';
  code: ErrorCode;
  message: string;
  param: string | null;
}

/** How an outside provider failed; `kind` is also the label of the metric. */
export const PROVIDER_FAILURES = [
  'unauthorized',
  'rate_limited',
  'rejected',
  'unavailable',
  'invalid_answer',
  'empty_answer',
  'cut',
  'timeout',
  'worker_lost',
  'missing',
] as const;
export type ProviderFailureKind = (typeof PROVIDER_FAILURES)[number];

/** A provider's failure as a value: it travels in outcome unions and is never thrown across a port. */
export interface ProviderFailure {
  kind: ProviderFailureKind;
  /** One sentence for the log and the client; no key, no body of a request. */
  message: string;
  retryAfterMs?: number;
}
