import { VirtualSystem } from '@parley/harness';
import type { ClosedReason } from './connection-status';
import { FIRST_TRY_WITHIN_MS, RETRY_DELAYS_MS, Reconnection, STEADY_MS, isWorthRetrying } from './reconnection';
import type { Retry } from './reconnection';

/** Each try fails at once. */
function tries(reconnection: Reconnection, nowMs: number): Retry[] {
  const made: Retry[] = [];
  for (;;) {
    const retry = reconnection.next(nowMs);
    if (retry === undefined) return made;
    made.push(retry);
  }
}

describe('a lost connection', () => {
  it('[RT9] is tried at once, twice soon, then after 2, 4, 8, 16 and 30 s, and no more', () => {
    expect(tries(new Reconnection({ hex: () => '8000' }), 0)).toEqual(
      [100, 200, 600, 2_000, 4_000, 8_000, 16_000, 30_000].map((delayMs, at) => ({ attempt: at + 1, delayMs })),
    );
  });

  it.each([
    ['0000', [0, 100, 300]],
    ['ffff', [200, 300, 900]],
  ])('is tried three times within 1.4 s, spread by chance (%s)', (hex, delaysMs) => {
    const made = tries(new Reconnection({ hex: () => hex }), 0).map(({ delayMs }) => Math.round(delayMs));
    expect(made).toEqual([...delaysMs, ...RETRY_DELAYS_MS]);
  });

  it('that a server asked to give up for another is tried as often', () => {
    const reconnection = new Reconnection({ hex: () => '8000' });
    expect(reconnection.moves()).toEqual({ attempt: 1, delayMs: 0 });
    expect([1, 2, 3].map((nowMs) => reconnection.next(nowMs)?.delayMs)).toEqual([200, 600, 2_000]);
  });

  it.each([
    ['0000', 0],
    ['ffff', FIRST_TRY_WITHIN_MS],
  ])('waits for at least 0 and less than 200 ms before the first try (%s)', (hex, delayMs) => {
    const first = new Reconnection({ hex: () => hex }).next(0)?.delayMs ?? NaN;
    expect(Math.abs(first - delayMs)).toBeLessThan(0.01);
    expect(first).toBeLessThan(FIRST_TRY_WITHIN_MS);
  });

  it('is tried by many clients spread over the 200 ms', () => {
    const tenths = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const delayMs = new Reconnection(new VirtualSystem(seed).random).next(0)?.delayMs ?? NaN;
      tenths.add(Math.floor((delayMs / FIRST_TRY_WITHIN_MS) * 10));
    }
    expect([...tenths].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('[RT9] begins with the first try again after a connection that stood', () => {
    const reconnection = new Reconnection({ hex: () => '0000' });
    for (let n = 0; n < 4; n++) reconnection.next(0);
    reconnection.begun(10_000);
    expect(reconnection.next(10_000 + STEADY_MS)).toEqual({ attempt: 1, delayMs: 0 });
  });

  it('goes on with the longer pauses when each connection breaks at once', () => {
    const reconnection = new Reconnection({ hex: () => '0000' });
    const delays: (number | undefined)[] = [];
    for (let nowMs = 0; nowMs < 9; nowMs++) {
      delays.push(reconnection.next(nowMs)?.delayMs);
      reconnection.begun(nowMs);
    }
    expect(delays).toEqual([0, 100, 300, ...RETRY_DELAYS_MS, undefined]);
  });
});

describe('the end of a connection', () => {
  const closed = (code: number): ClosedReason => ({ kind: 'closed_by_server', code, reason: '' });

  it.each([1000, 1002, 1003, 1007, 1008, 1009, 4001])('is final with close code %d', (code) => {
    expect(isWorthRetrying(closed(code))).toBe(false);
  });

  it.each([1001, 1005, 1011, 1012])('is worth a retry with close code %d', (code) => {
    expect(isWorthRetrying(closed(code))).toBe(true);
  });

  it.each<[ClosedReason, boolean]>([
    [{ kind: 'lost' }, true],
    [{ kind: 'unresponsive', afterMs: 5_000 }, true],
    [{ kind: 'connect_timeout', afterMs: 10_000 }, true],
    [{ kind: 'not_opened' }, true],
    [{ kind: 'not_opened', httpStatus: 503 }, true],
    [{ kind: 'not_opened', httpStatus: 400 }, false],
    [{ kind: 'not_opened', httpStatus: 401 }, false],
    [{ kind: 'wrong_protocol', selected: '' }, false],
    [{ kind: 'closed_by_client' }, false],
  ])('%j is worth a retry: %s', (reason, expected) => {
    expect(isWorthRetrying(reason)).toBe(expected);
  });
});
