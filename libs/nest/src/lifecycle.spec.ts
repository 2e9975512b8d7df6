import { EventEmitter } from 'node:events';
import { VirtualSystem } from '@parley/harness';
import type { LogPort, Service } from '@parley/ports';
import { followSignals, STOP_DEADLINE_MS, stopInOrder } from './lifecycle';

const silentLog: LogPort = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

function deferred() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { promise, resolve, reject };
}

describe('stopping', () => {
  const steps: string[] = [];
  beforeEach(() => void steps.splice(0));

  const service = (name: string, stop: (deadlineMs: number) => Promise<void> = () => Promise.resolve()): Service => ({
    incarnation: 'gw_1',
    start: () => Promise.resolve(),
    stop: (deadlineMs) => {
      steps.push(`stop ${name}`);
      return stop(deadlineMs);
    },
    readiness: () => ({ ready: true, reasons: [] }),
  });
  const close = (name: string) => () => {
    steps.push(`close ${name}`);
    return Promise.resolve();
  };
  const never = () => new Promise<void>(() => undefined);

  async function stopAll(services: Service[], closing: (() => Promise<void>)[], forMs = 0) {
    const system = new VirtualSystem();
    let isDone = false;
    const stopped = stopInOrder({
      ...{ log: silentLog, system, services, closing },
      deadlineMs: STOP_DEADLINE_MS,
    }).then(() => (isDone = true));
    await system.advanceBy(forMs);
    if (isDone) await stopped;
    return { isDone, pendingTimers: system.pendingTimers };
  }

  it('ends the services in the opposite order of their start, then what they stand on', async () => {
    const outcome = await stopAll([service('orchestrator'), service('gateway')], [close('http'), close('bus')]);
    expect(steps).toEqual(['stop gateway', 'stop orchestrator', 'close http', 'close bus']);
    expect(outcome).toEqual({ isDone: true, pendingTimers: 0 });
  });

  it('goes on after a service or a close that fails', async () => {
    const failing = () => Promise.reject(new Error('broken'));
    const outcome = await stopAll([service('b'), service('a', failing)], [failing, close('bus')]);
    expect(steps).toEqual(['stop a', 'stop b', 'close bus']);
    expect(outcome.isDone).toBe(true);
  });

  it('waits 20 s for all services together and 3 s for each close, and no longer', async () => {
    const deadlines: number[] = [];
    const hanging = (deadlineMs: number) => {
      deadlines.push(deadlineMs);
      return never();
    };
    expect((await stopAll([service('a', hanging), service('b', hanging)], [never, never], 25_999)).isDone).toBe(false);
    expect((await stopAll([service('a', hanging), service('b', hanging)], [never, never], 26_000)).isDone).toBe(true);
    expect(deadlines.slice(0, 2)).toEqual([20_000, 0]);
  });
});

describe('signals', () => {
  function follow({ connected = false } = {}) {
    const system = new VirtualSystem();
    const source = Object.assign(new EventEmitter(), { connected });
    const exits: number[] = [];
    const stopped = deferred();
    let stops = 0;
    const stop = () => {
      stops += 1;
      return stopped.promise;
    };
    followSignals({ log: silentLog, system, source, exit: (code) => exits.push(code) }, stop);
    return { system, source, exits, stopped, stops: () => stops };
  }

  it.each(['SIGINT', 'SIGTERM'])('%s stops in order and exits with 0', async (signal) => {
    const { source, exits, stopped, stops, system } = follow();
    source.emit(signal);
    expect([stops(), exits]).toEqual([1, []]);
    stopped.resolve();
    await system.advanceBy(0);
    expect(exits).toEqual([0]);
  });

  it('exits with 1 when stopping fails', async () => {
    const { source, exits, stopped, system } = follow();
    source.emit('SIGTERM');
    stopped.reject(new Error('broken'));
    await system.advanceBy(0);
    expect(exits).toEqual([1]);
  });

  it('takes one Ctrl-C that arrives twice for one wish', async () => {
    const { source, exits, stops, system } = follow();
    source.emit('SIGINT');
    await system.advanceBy(400);
    source.emit('SIGINT');
    expect([stops(), exits]).toEqual([1, []]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('exits at once on a later %s', async (signal, code) => {
    const { source, exits, system } = follow();
    source.emit('SIGTERM');
    await system.advanceBy(600);
    source.emit(signal);
    expect(exits).toEqual([code]);
  });

  it('stops when the launcher that held the channel is gone', () => {
    const { source, stops } = follow({ connected: true });
    source.emit('disconnect');
    expect(stops()).toBe(1);
  });

  it.each(['unhandledRejection', 'uncaughtException'])('exits with 1 on an %s', (event) => {
    const { source, exits, stops } = follow();
    source.emit(event, new Error('broken'));
    expect([stops(), exits]).toEqual([0, [1]]);
  });
});
