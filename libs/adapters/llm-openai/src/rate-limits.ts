import type { IncomingHttpHeaders } from 'node:http';
import type { RateLimit } from '@parley/model';

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** What OpenAI's API, and servers like it, say of the caller's limits in the head of an answer. Those that do not, have none to tell. */
export function rateLimitsOf(headers: IncomingHttpHeaders): RateLimit[] {
  return (['requests', 'tokens'] as const).flatMap((name) => {
    const limit = countOf(headers[`x-ratelimit-limit-${name}`]);
    const remaining = countOf(headers[`x-ratelimit-remaining-${name}`]);
    const resetSeconds = secondsOf(headers[`x-ratelimit-reset-${name}`]);
    if (limit === undefined || remaining === undefined || resetSeconds === undefined) return [];
    return [{ name, limit, remaining, resetSeconds }];
  });
}

const countOf = (value: string | string[] | undefined): number | undefined =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;

/** `6m0s`, `1.5s`, `20ms`; of servers that name no unit seconds. */
function secondsOf(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string' || !/^(\d{1,9}(\.\d{1,9})?(ms|[smhd]))+$|^\d{1,9}(\.\d{1,9})?$/.test(value))
    return undefined;
  const parts = [...value.matchAll(/([\d.]+)(ms|[smhd])?/g)];
  return parts.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (UNIT_SECONDS[unit] ?? 1), 0);
}
