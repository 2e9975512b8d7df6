import { CALM_MS, LagLimit } from './lag-limit';

const LIMIT_MS = 100;

let limit: LagLimit;
let nowMs: number;
beforeEach(() => {
  limit = new LagLimit(LIMIT_MS);
  nowMs = 0;
});

/** The lag is that for so long, and is looked at four times a second. */
const stays = (lagMs: number, ms = 0): boolean => {
  for (const endMs = nowMs + ms; nowMs <= endMs; nowMs += 250) limit.take(lagMs, nowMs);
  return limit.isExceeded;
};

describe('a limit of lag', () => {
  it('is not exceeded by a lag as high as it, for however long, and at once by a higher one', () => {
    expect(stays(LIMIT_MS, 60_000)).toBe(false);
    expect(stays(LIMIT_MS + 0.1)).toBe(true);
  });

  it('stays exceeded until the lag was below half of it for three seconds', () => {
    stays(500);
    expect(stays(49, CALM_MS - 250)).toBe(true);
    expect(stays(49)).toBe(false);
  });

  it('stays exceeded between half and whole, for however long', () => {
    stays(500);
    expect(stays(50, 60_000)).toBe(true);
    expect(stays(99, 60_000)).toBe(true);
  });

  it('begins to wait anew after each time that was not calm', () => {
    stays(500);
    stays(10, 2_500);
    expect(stays(60)).toBe(true);
    expect(stays(10, 2_500)).toBe(true);
    expect(stays(10, 500)).toBe(false);
  });
});
