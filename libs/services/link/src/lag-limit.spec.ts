import { CALM_MS, LagLimit, LATE_MS } from './lag-limit';

const LIMIT_MS = 100;
const LOOK_MS = 250;

let limit: LagLimit;
let nowMs: number;
beforeEach(() => {
  limit = new LagLimit(LIMIT_MS);
  nowMs = 0;
});

/** The lag is that for so long, and is looked at four times a second: at once, and at the end. */
const stays = (lagMs: number, ms = 0): boolean => {
  for (const endMs = nowMs + ms; nowMs <= endMs; nowMs += LOOK_MS) limit.take(lagMs, nowMs);
  return limit.isExceeded;
};

describe('a limit of lag', () => {
  it('is exceeded by a higher one that stays for a second', () => {
    expect(stays(LIMIT_MS + 0.1, LATE_MS - LOOK_MS)).toBe(false);
    expect(stays(LIMIT_MS + 0.1)).toBe(true);
  });

  it('is not exceeded by one as high as it, for however long, nor by stalls with time between them', () => {
    expect(stays(LIMIT_MS, 60_000)).toBe(false);
    for (let n = 0; n < 10; n++) {
      stays(900, LATE_MS - LOOK_MS);
      expect(stays(0)).toBe(false);
    }
  });

  it('stays exceeded until the lag was below half of it for three seconds', () => {
    stays(500, LATE_MS);
    expect(stays(49, CALM_MS - LOOK_MS)).toBe(true);
    expect(stays(49)).toBe(false);
  });

  it('stays exceeded between half and whole, for however long', () => {
    stays(500, LATE_MS);
    expect(stays(50, 60_000)).toBe(true);
    expect(stays(99, 60_000)).toBe(true);
  });

  it('begins to wait anew after each time that was not calm', () => {
    stays(500, LATE_MS);
    stays(10, CALM_MS - LOOK_MS);
    expect(stays(60)).toBe(true);
    expect(stays(10, CALM_MS - LOOK_MS)).toBe(true);
    expect(stays(10)).toBe(false);
  });
});
