import { rateLimitsOf } from './rate-limits';

const head = (name: string, limit: string, remaining: string, reset: string) => ({
  [`x-ratelimit-limit-${name}`]: limit,
  [`x-ratelimit-remaining-${name}`]: remaining,
  [`x-ratelimit-reset-${name}`]: reset,
});

describe('limits in the head of an answer', () => {
  it('are those of requests and of tokens', () => {
    const headers = { ...head('requests', '60', '59', '1s'), ...head('tokens', '150000', '149984', '6m0s') };
    expect(rateLimitsOf(headers)).toEqual([
      { name: 'requests', limit: 60, remaining: 59, resetSeconds: 1 },
      { name: 'tokens', limit: 150_000, remaining: 149_984, resetSeconds: 360 },
    ]);
  });

  it.each([
    ['20ms', 0.02],
    ['1m2.5s', 62.5],
    ['1h0m1s', 3601],
    ['2d', 172_800],
    ['12', 12],
  ])('are there again after %s', (reset, seconds) => {
    expect(rateLimitsOf(head('tokens', '1', '0', reset))[0]?.resetSeconds).toBeCloseTo(seconds, 9);
  });

  it.each([
    ['nothing', {}],
    ['half of it', { 'x-ratelimit-limit-tokens': '1', 'x-ratelimit-remaining-tokens': '1' }],
    ['no number', head('tokens', 'many', '1', '1s')],
    ['a number below nothing', head('tokens', '1', '-1', '1s')],
    ['no duration', head('tokens', '1', '1', 'soon')],
    ['an empty duration', head('tokens', '1', '1', '')],
    ['a list', { ...head('tokens', '1', '1', '1s'), 'x-ratelimit-limit-tokens': ['1', '2'] }],
  ])('that say %s are none', (_, headers) => {
    expect(rateLimitsOf(headers)).toEqual([]);
  });
});
