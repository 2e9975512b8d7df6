import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { BusPort, SystemPorts } from '@parley/ports';
import { Freezer } from './freezer';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);

let virtual: VirtualSystem;
let outside: MemoryBus;
let freezer: Freezer;
let bus: BusPort;
let system: SystemPorts;
let seen: string[];

beforeEach(() => {
  virtual = new VirtualSystem();
  const server = new MemoryBusServer({ random: virtual.random, schedule: virtual.schedule });
  const link = (): MemoryBus => server.connect({ log: new RecordingLog(), timers: virtual.timers });
  outside = link();
  freezer = new Freezer();
  bus = freezer.bus(link());
  system = freezer.system(virtual);
  seen = [];
});

const note = (what: string) => () => void seen.push(`${what}@${virtual.nowMs}`);

describe('a frozen process', () => {
  it('is there for whoever asks it, answers nothing, and answers in order when it is thawed', async () => {
    bus.subscribe('question', ({ payload, reply }) => reply?.(payload));
    freezer.freeze();
    const ask = async (text: string, timeoutMs: number): Promise<void> => {
      const { kind } = await outside.request('question', bytes(text), { timeoutMs });
      note(`${text} ${kind}`)();
    };
    void ask('first', 100);
    void ask('second', 10_000);
    void ask('third', 10_000);
    await virtual.advanceBy(5_000);
    expect(seen).toEqual(['first timeout@100']);
    freezer.thaw();
    await virtual.advanceBy(0);
    expect(seen.slice(1)).toEqual(['second reply@5000', 'third reply@5000']);
  });

  it('says nothing until it is thawed, whatever runs in it', async () => {
    outside.subscribe('word', ({ payload }) => note(textOf(payload))());
    outside.subscribe('question', ({ reply }) => reply?.(bytes('answer')));
    freezer.freeze();
    bus.publish('word', bytes('said'));
    void bus.request('question', bytes(''), { timeoutMs: 100 }).then(({ kind }) => note(kind)());
    await virtual.advanceBy(5_000);
    expect(seen).toEqual([]);
    freezer.thaw();
    await virtual.advanceBy(0);
    expect(seen).toEqual(['said@5000', 'reply@5000']);
  });

  it('keeps the order of what it said before', async () => {
    outside.subscribe('word', ({ payload }) => note(textOf(payload))());
    void bus.request('word', bytes('asked'), { timeoutMs: 100 });
    bus.publish('word', bytes('said'));
    await virtual.advanceBy(0);
    expect(seen).toEqual(['asked@0', 'said@0']);
  });

  it('hears of what it had asked when it is thawed', async () => {
    outside.subscribe('question', ({ reply }) => reply?.(bytes('answer')));
    void bus.request('question', bytes(''), { timeoutMs: 100 }).then(({ kind }) => note(kind)());
    freezer.freeze();
    await virtual.advanceBy(5_000);
    expect(seen).toEqual([]);
    freezer.thaw();
    await virtual.advanceBy(0);
    expect(seen).toEqual(['reply@5000']);
  });

  it('has its timers and its work run late, a period once, and what was cancelled not at all', async () => {
    system.timers.after(100, note('timer'));
    system.schedule(note('work'));
    const endPeriod = system.timers.every(100, note('period'));
    const cancel = system.timers.after(100, note('cancelled'));
    freezer.freeze();
    await virtual.advanceBy(1_000);
    expect(seen).toEqual([]);
    cancel();
    freezer.thaw();
    await virtual.advanceBy(200);
    expect(seen).toEqual(['work@1000', 'timer@1000', 'period@1000', 'period@1100', 'period@1200']);
    endPeriod();
    await virtual.advanceBy(1_000);
    expect(seen).toHaveLength(5);
    expect(virtual.pendingTimers).toBe(0);
  });

  it('gives what came for a subscription to nobody that has ended it', async () => {
    const subscription = bus.subscribe('word', ({ payload }) => note(textOf(payload))());
    freezer.freeze();
    outside.publish('word', bytes('late'));
    await virtual.advanceBy(100);
    subscription.unsubscribe();
    freezer.thaw();
    await virtual.advanceBy(100);
    expect(seen).toEqual([]);
  });
});
