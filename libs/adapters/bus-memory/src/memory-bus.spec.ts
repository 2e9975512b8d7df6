import { describeBusConformance, RecordingLog, VirtualSystem, type BusSubject } from '@parley/harness';
import type { BusPort } from '@parley/ports';
import type { MemoryBus } from './memory-bus';
import { MemoryBusServer } from './memory-bus-server';

const memorySubject = (): Promise<BusSubject> => {
  const system = new VirtualSystem();
  const log = new RecordingLog();
  const server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  const clients = new Map<BusPort, MemoryBus>();
  return Promise.resolve({
    system,
    connect: () => {
      const bus = server.connect({ log, timers: system.timers });
      clients.set(bus, bus);
      return Promise.resolve(bus);
    },
    breakLink: (bus) => clients.get(bus)?.disconnect(),
    allowLink: (bus) => clients.get(bus)?.reconnect(),
    kill: (bus) => clients.get(bus)?.kill(),
    loggedErrors: () => log.lines.filter(({ level }) => level === 'error').length,
    run: (work) => system.runUntil(work()),
    dispose: async () => {
      await Promise.all([...clients.keys()].map((bus) => bus.close()));
      // The last word of a case may be on its way still.
      await new Promise<void>((resolve) => void system.timers.after(50, resolve));
      // Whatever the case did: no deadline, delivery or repetition is left behind.
      expect(system.pendingTimers).toBe(0);
    },
  });
};

describeBusConformance('MemoryBus', memorySubject);
