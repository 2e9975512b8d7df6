import type { IncomingHttpHeaders } from 'node:http';
import type { ProviderFailure } from '@parley/model';

/** Messages hold neither key nor bodies, nor what the provider wrote. */
export const unreachable = (code: string | undefined): ProviderFailure => ({
  kind: 'unavailable',
  message: `The language model cannot be reached (${code ?? 'no code'}). Check its URL and that it runs.`,
});

/** Of an answer that is no event stream. */
export function failureOfAnswer(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  toolsWereOffered: boolean,
): ProviderFailure {
  if (status >= 200 && status < 300) return unexpectedType(headers['content-type'] ?? '');
  const answered = `The language model answered HTTP ${status}`;
  const waitMs = retryAfterMs(headers);
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  if (status === 401 || status === 403) return { kind: 'unauthorized', message: `${answered}: check the API key.` };
  if (status === 429)
    return { kind: 'rate_limited', message: `${answered}: too many requests, or no credit.`, ...wait };
  if (status >= 500) return { kind: 'unavailable', message: `${answered}.`, ...wait };
  // Ollama, for one, refuses tools to a model that was not made for them.
  const checks = toolsWereOffered
    ? 'the URL, the model’s name, and that it can call tools'
    : 'the URL and the model’s name';
  return { kind: 'rejected', message: `${answered}: check ${checks}.` };
}

function unexpectedType(contentType: string): ProviderFailure {
  const type = contentType.split(';')[0]?.trim() ?? '';
  const named = /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'an unknown type';
  return {
    kind: 'invalid_answer',
    message: `The language model answered with ${named} instead of an event stream. Check its URL.`,
  };
}

/** `Retry-After` in seconds or as a date. A date is compared with the answer's own, so that our clock is not asked. */
function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  const waitMs = Date.parse(value) - Date.parse(headers.date ?? '');
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
