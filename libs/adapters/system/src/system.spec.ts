import { systemPorts } from './index';

const { random, schedule } = systemPorts;

describe('random hex', () => {
  it('has two digits a byte, and never comes twice', () => {
    const drawn = Array.from({ length: 2_000 }, () => random.hex(12));
    expect(drawn.every((hex) => /^[0-9a-f]{24}$/.test(hex))).toBe(true);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it('is as long as asked, also where much is asked at once', () => {
    expect([1, 7, 16, 4_095, 10_000].map((bytes) => random.hex(bytes).length)).toEqual([2, 14, 32, 8_190, 20_000]);
  });
});

describe('schedule', () => {
  it('runs in order, after what is already promised and not within the call', async () => {
    const ran: string[] = [];
    schedule(() => ran.push('first'));
    schedule(() => ran.push('second'));
    void Promise.resolve().then(() => ran.push('promised'));
    expect(ran).toEqual([]);
    await new Promise<void>((resolve) => schedule(resolve));
    expect(ran).toEqual(['promised', 'first', 'second']);
  });
});
