import type { IncomingHttpHeaders } from 'node:http';
import { type ProviderFailure, SAMPLE_RATE_HZ } from '@parley/model';

/** What raw PCM is called; a server that does not know `audio/pcm` sends bytes without a name. */
const PCM_TYPES = new Set(['audio/pcm', 'application/octet-stream', 'binary/octet-stream']);

/** What is wrong with an answer's head; undefined when PCM follows. */
export function failureOfHead(status: number, headers: IncomingHttpHeaders): ProviderFailure | undefined {
  if (status < 200 || status >= 300) return failureOfStatus(status, headers);
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const rate = parameters.map((parameter) => /^\s*rate="?(\d+)/.exec(parameter)?.[1]).find(Boolean);
  if (PCM_TYPES.has(type.trim()) && (rate === undefined || Number(rate) === SAMPLE_RATE_HZ)) return undefined;
  const named = /^[\w.+-]+\/[\w.+-]+$/.test(type.trim()) ? type.trim() : 'no known type';
  const message = `The voice service answered with ${named} instead of PCM at ${SAMPLE_RATE_HZ} Hz.`;
  return { kind: 'invalid_answer', message };
}

function failureOfStatus(status: number, headers: IncomingHttpHeaders): ProviderFailure {
  const message = `The voice service answered HTTP ${status}.`;
  const waitMs = retryAfterMs(headers);
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  if (status === 401 || status === 403) return { kind: 'unauthorized', message };
  if (status === 429) return { kind: 'rate_limited', message, ...wait };
  if (status >= 500) return { kind: 'unavailable', message, ...wait };
  return { kind: 'rejected', message };
}

/** `retry-after-ms` (OpenAI) or `retry-after` in seconds; a date is ignored: two hosts' clocks are not compared. */
function retryAfterMs(headers: IncomingHttpHeaders): number | undefined {
  const exact = headers['retry-after-ms'];
  if (typeof exact === 'string' && /^\d+(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  const seconds = headers['retry-after'];
  return seconds !== undefined && /^\d+(\.\d+)?$/.test(seconds) ? Math.ceil(Number(seconds) * 1000) : undefined;
}

/** A connection that failed before there was an answer. */
export function failureOfConnection(error: NodeJS.ErrnoException): ProviderFailure {
  // The code only: an error's message may name hosts and addresses.
  return { kind: 'unavailable', message: `The voice service cannot be reached (${error.code ?? 'no code'}).` };
}
