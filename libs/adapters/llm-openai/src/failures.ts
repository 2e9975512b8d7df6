import type { ProviderFailure } from '@parley/model';
import { APIConnectionTimeoutError, APIError } from 'openai';

/** A request that got no usable answer. `status`: of the answer, if there was one. */
export interface Refusal {
  failure: ProviderFailure;
  status: number | undefined;
}

/** What the SDK threw, as a value. Messages hold neither key nor bodies, nor what the provider wrote. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof APIError && typeof error.status === 'number') {
    return { status: error.status, failure: failureOfStatus(error.status, headersOf(error.headers)) };
  }
  const code = error instanceof APIConnectionTimeoutError ? 'ETIMEDOUT' : codeOf(error);
  const message = `The language model cannot be reached (${code ?? 'no code'}). Check its URL and that it runs.`;
  return { status: undefined, failure: { kind: 'unavailable', message } };
}

export const unexpectedType = (type: string): ProviderFailure => ({
  kind: 'invalid_answer',
  message: `The language model answered with ${/^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'an unknown type'} instead of an event stream. Check its URL.`,
});

function failureOfStatus(status: number, headers: Headers): ProviderFailure {
  const answered = `The language model answered HTTP ${status}`;
  const waitMs = retryAfterMs(headers);
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  if (status === 401 || status === 403) return { kind: 'unauthorized', message: `${answered}: check the API key.` };
  if (status === 429)
    return { kind: 'rate_limited', message: `${answered}: too many requests, or no credit.`, ...wait };
  if (status >= 500) return { kind: 'unavailable', message: `${answered}.`, ...wait };
  return { kind: 'rejected', message: `${answered}: check the URL and the model’s name.` };
}

const headersOf = (headers: unknown): Headers => (headers instanceof Headers ? headers : new Headers());

/** `Retry-After` in seconds or as a date. A date is compared with the answer's own, so that our clock is not asked. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  const waitMs = Date.parse(value) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

/** The system's name of a network error, e.g. ECONNREFUSED: every fetch wraps it, and the SDK wraps that once more. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? codeOf(error.cause) : undefined;
}
