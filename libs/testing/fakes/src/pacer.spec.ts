import { Pacer } from './pacer';
import { pauseMs } from './spec-client';

let pacer: Pacer;
let setTimeoutSpy: jest.SpyInstance;

beforeEach(() => {
  pacer = new Pacer();
  setTimeoutSpy = jest.spyOn(globalThis, 'setTimeout');
});

afterEach(() => {
  pacer.close();
  setTimeoutSpy.mockRestore();
});

describe('the shared pacer', () => {
  it('runs callbacks by due time, equal ones in the order they were asked for, and never early', async () => {
    const startMs = pacer.nowMs();
    const ran: { label: string; earlyMs: number }[] = [];
    const ask = (label: string, afterMs: number): void =>
      void pacer.at(startMs + afterMs, () => ran.push({ label, earlyMs: startMs + afterMs - pacer.nowMs() }));
    ask('last', 30);
    ask('just before it', 27);
    ask('first of two', 15);
    ask('second of two', 15);
    ask('first', 5);
    await new Promise<void>((resolve) => pacer.at(startMs + 40, resolve));
    expect(ran.map(({ label }) => label)).toEqual(['first', 'first of two', 'second of two', 'just before it', 'last']);
    expect(Math.max(...ran.map(({ earlyMs }) => earlyMs))).toBeLessThanOrEqual(0);
  });

  it('keeps the order of a thousand callbacks asked for in any order', async () => {
    const startMs = pacer.nowMs() + 20;
    const ran: number[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      const dueMs = startMs + ((index * 7_919) % 1_000) / 50;
      pacer.at(dueMs, () => ran.push(dueMs));
    }
    await new Promise<void>((resolve) => pacer.at(startMs + 25, resolve));
    expect(ran).toHaveLength(1_000);
    expect(ran).toEqual([...ran].sort((a, b) => a - b));
  });

  it('arms one timer for many callbacks that are due together', () => {
    const dueMs = pacer.nowMs() + 1_000;
    for (let index = 0; index < 200; index += 1) pacer.at(dueMs + index, () => undefined);
    expect(setTimeoutSpy).toHaveBeenCalledTimes(1);
  });

  it('runs nothing that was taken back', async () => {
    const ran: string[] = [];
    const startMs = pacer.nowMs();
    const takeBack = pacer.at(startMs + 5, () => ran.push('taken back'));
    pacer.at(startMs + 6, () => ran.push('kept'));
    takeBack();
    takeBack();
    await pauseMs(20);
    expect(ran).toEqual(['kept']);
  });

  it('holds no timer when nothing waits any more', () => {
    const clearTimeoutSpy = jest.spyOn(globalThis, 'clearTimeout');
    const takeBack = pacer.at(pacer.nowMs() + 60_000, () => undefined);
    takeBack();
    expect(clearTimeoutSpy).toHaveBeenLastCalledWith(setTimeoutSpy.mock.results[0]?.value);
    clearTimeoutSpy.mockRestore();
  });

  it('runs nothing after close', async () => {
    let ran = 0;
    pacer.at(pacer.nowMs() + 5, () => (ran += 1));
    pacer.close();
    pacer.at(pacer.nowMs() + 5, () => (ran += 1));
    await pauseMs(20);
    expect(ran).toBe(0);
  });
});
