import { VirtualSystem } from './virtual-system';

describe('VirtualSystem', () => {
  it('runs due timers in order of time, then of arming', async () => {
    const system = new VirtualSystem();
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${system.nowMs}`);
    system.timers.after(20, note('late'));
    system.timers.after(10, note('first'));
    system.timers.after(10, note('second'));
    await system.advanceBy(15);
    expect(seen).toEqual(['first@10', 'second@10']);
    expect(system.nowMs).toBe(15);
    await system.advanceBy(5);
    expect(seen).toEqual(['first@10', 'second@10', 'late@20']);
    expect(system.clock.nowMs()).toBe(20);
  });

  it('keeps the order of a thousand timers with cancelled ones among them', async () => {
    const system = new VirtualSystem(7);
    const seen: number[] = [];
    let expected = 0;
    for (let n = 0; n < 1_000; n++) {
      const cancel = system.timers.after(Math.floor(system.random.fraction() * 500), () => seen.push(system.nowMs));
      if (n % 3 === 0) cancel();
      else expected++;
    }
    expect(system.pendingTimers).toBe(expected);
    await system.advanceBy(500);
    expect(seen).toHaveLength(expected);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(system.pendingTimers).toBe(0);
  });

  it('lets promise chains and zero-delay work settle before the next timer runs', async () => {
    const system = new VirtualSystem();
    const seen: string[] = [];
    system.timers.after(1, () => {
      void (async () => {
        for (let n = 0; n < 50; n++) await Promise.resolve();
        system.schedule(() => seen.push('consequence'));
      })();
    });
    system.timers.after(2, () => seen.push('next'));
    await system.advanceBy(2);
    expect(seen).toEqual(['consequence', 'next']);
  });

  it('runs nothing synchronously, and settles zero-delay work when advanced by 0', async () => {
    const system = new VirtualSystem();
    const seen: string[] = [];
    system.timers.after(0, () => {
      seen.push('a');
      system.schedule(() => seen.push('b'));
    });
    expect(seen).toEqual([]);
    await system.advanceBy(0);
    expect(seen).toEqual(['a', 'b']);
    expect(system.nowMs).toBe(0);
  });

  it('repeats a periodic timer without drift until it is cancelled, also from inside its callback', async () => {
    const system = new VirtualSystem();
    const seen: number[] = [];
    const cancel = system.timers.every(100, () => {
      seen.push(system.nowMs);
      if (seen.length === 3) cancel();
    });
    expect(system.pendingTimers).toBe(1);
    await system.advanceBy(1_000);
    expect(seen).toEqual([100, 200, 300]);
    expect(system.pendingTimers).toBe(0);
  });

  it('runs as long as a promise needs', async () => {
    const system = new VirtualSystem();
    const wait = new Promise<string>((resolve) => {
      system.timers.after(5_000, () => resolve('done'));
    });
    system.timers.every(700, () => undefined);
    await expect(system.runUntil(wait)).resolves.toBe('done');
    expect(system.nowMs).toBe(5_000);
  });

  it('says so when nothing can settle a promise any more', async () => {
    const system = new VirtualSystem();
    const never = new Promise<void>(() => undefined);
    await expect(system.runUntil(never)).rejects.toThrow(/nothing is left/);
    system.timers.every(1_000, () => undefined);
    await expect(system.runUntil(never, 10_000)).rejects.toThrow(/did not settle within 10000 ms/);
  });

  it('passes on what a timer throws, and goes on after it', async () => {
    const system = new VirtualSystem();
    const seen: string[] = [];
    system.timers.after(1, () => {
      throw new Error('broken');
    });
    system.timers.after(2, () => seen.push('after'));
    await expect(system.advanceBy(5)).rejects.toThrow('broken');
    await system.advanceBy(5);
    expect(seen).toEqual(['after']);
  });

  it('refuses to be advanced twice at once, and time to go back', async () => {
    const system = new VirtualSystem();
    const first = system.advanceBy(10);
    await expect(system.advanceBy(1)).rejects.toThrow(/already being advanced/);
    await first;
    await expect(system.advanceBy(-1)).rejects.toThrow(/cannot advance/);
  });

  it('stops code that re-arms itself at one instant for ever', async () => {
    const system = new VirtualSystem();
    const spin = (): void => system.schedule(spin);
    spin();
    await expect(system.advanceBy(1)).rejects.toThrow(/timers at 0 ms/);
  });

  it('draws the same numbers for the same seed, others for another', () => {
    const draw = (seed: number): unknown[] => {
      const { random } = new VirtualSystem(seed);
      return [random.fraction(), random.fraction(), random.hex(16), random.hex(3)];
    };
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    const [first, , hex, short] = draw(3);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(1);
    expect(hex).toMatch(/^[0-9a-f]{32}$/);
    expect(short).toMatch(/^[0-9a-f]{6}$/);
  });

  it('has a wall clock that goes on with its own', async () => {
    const system = new VirtualSystem();
    const before = system.clock.wallMs();
    await system.advanceBy(1_234);
    expect(system.clock.wallMs() - before).toBe(1_234);
  });
});
