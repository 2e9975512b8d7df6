import type { EventEmitter } from 'node:events';
import type { LogPort, Service, SystemPorts } from '@parley/ports';

/** For the services together: 15 s for turns to end (`turnsMs`), 5 s for what goes on elsewhere. Kubernetes gives 30 s before it kills. */
export const STOP_DEADLINE_MS = 20_000;
/** For closing the HTTP server, the bus, the store and the providers after that. */
const CLOSE_DEADLINE_MS = 3_000;
/** Ctrl-C reaches the whole foreground group, and npm passes it on once more: both are one wish to stop. */
const ECHO_MS = 500;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

export interface LifecycleOptions {
  log: LogPort;
  system: SystemPorts;
  /** In their order of starting; they stop in the opposite one. */
  services: readonly Service[];
  /** For all of them together. */
  deadlineMs: number;
  /** What the services stand on, released after them, in this order. */
  closing: readonly (() => Promise<void>)[];
}

export interface SignalOptions extends Pick<LifecycleOptions, 'log' | 'system'> {
  /** The process: where signals, lost channels and failures that nobody handled are heard of. */
  source: EventEmitter & { readonly connected: boolean };
  /** Ends the process; never comes back. */
  exit: (code: number) => void;
}

/** Ends the services within the deadline whatever happens outside, then what they stand on. Resolves in any case. */
export async function stopInOrder(options: LifecycleOptions): Promise<void> {
  const { log, system, services, deadlineMs, closing } = options;
  const endMs = system.clock.nowMs() + deadlineMs;
  for (const service of [...services].reverse()) {
    const leftMs = Math.max(0, endMs - system.clock.nowMs());
    await within(system, leftMs, service.stop(leftMs), (error) => log.error('a service did not stop', { error }));
  }
  for (const close of closing) {
    await within(system, CLOSE_DEADLINE_MS, close(), (error) => log.warn('closing failed', { error: String(error) }));
  }
}

/**
 * Stops on the first signal, or when the launcher that holds our IPC channel is gone, and then exits with 0. A second
 * signal ends the process at once. A promise nobody handled ends it with 1: its state is not to be trusted any more.
 */
export function followSignals({ log, system, source, exit }: SignalOptions, stop: () => Promise<void>): void {
  let stoppingSinceMs: number | undefined;
  const begin = (reason: string) => {
    if (stoppingSinceMs !== undefined) return;
    stoppingSinceMs = system.clock.nowMs();
    log.info('stopping', { reason });
    void stop().then(
      () => exit(0),
      (error: unknown) => {
        log.error('stopping failed', { error });
        exit(1);
      },
    );
  };
  const onSignal = (signal: string, code: number) => {
    if (stoppingSinceMs === undefined) begin(signal);
    else if (system.clock.nowMs() - stoppingSinceMs > ECHO_MS) exit(code);
  };
  for (const [signal, number] of Object.entries(SIGNALS)) {
    source.on(signal, () => onSignal(signal, 128 + number));
  }
  if (source.connected) source.once('disconnect', () => begin('the launcher is gone'));
  const fail = (error: unknown) => {
    log.error('unhandled failure', { error });
    exit(1);
  };
  source.on('unhandledRejection', fail);
  source.on('uncaughtException', fail);
}

/** Waits, but not for ever. */
async function within(
  { timers }: SystemPorts,
  timeoutMs: number,
  work: Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  let cancel = () => {};
  const timedOut = new Promise<never>((_resolve, reject) => {
    cancel = timers.after(timeoutMs, () => reject(new Error(`not done within ${Math.round(timeoutMs)} ms`)));
  });
  await Promise.race([work, timedOut]).catch(onFailure);
  cancel();
}
