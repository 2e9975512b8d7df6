import type { BusPort, CancelTimer, RequestOutcome, SystemPorts, TimersPort } from '@parley/ports';

/**
 * Stops a process as SIGSTOP does: its links stand, it keeps its place in every queue group, and neither hears nor says anything. What
 * comes meanwhile waits, its timers too; at the thaw it gets all of it, in order. Works through the ports that the process is given.
 */
export class Freezer {
  private held: (() => void)[] | undefined;

  freeze(): void {
    this.held ??= [];
  }

  thaw(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const run of held) run();
  }

  bus(inner: BusPort): BusPort {
    return {
      get connected() {
        return inner.connected;
      },
      maxPayloadBytes: inner.maxPayloadBytes,
      publish: (subject, payload) => this.whenRunning(() => inner.publish(subject, payload)),
      request: (subject, payload, options) =>
        new Promise((resolve, reject) => {
          this.whenRunning(() => {
            const onOutcome = (outcome: RequestOutcome): void => this.whenRunning(() => resolve(outcome));
            inner.request(subject, payload, options).then(onOutcome, reject);
          });
        }),
      subscribe: (subject, handler, options) => {
        let isOver = false;
        const subscription = inner.subscribe(
          subject,
          (message) => {
            const { reply } = message;
            const answer = reply && ((payload: Uint8Array) => this.whenRunning(() => reply(payload)));
            this.whenRunning(() => {
              if (!isOver) handler({ ...message, reply: answer });
            });
          },
          options,
        );
        return {
          unsubscribe: () => {
            isOver = true;
            subscription.unsubscribe();
          },
          leave: () => subscription.leave(),
        };
      },
      flush: (timeoutMs) => inner.flush(timeoutMs),
      onReconnect: (listener) => inner.onReconnect(() => this.whenRunning(listener)),
      close: () => inner.close(),
    };
  }

  system(inner: SystemPorts): SystemPorts {
    const after: TimersPort['after'] = (delayMs, callback) => {
      let isOver = false;
      const cancel = inner.timers.after(delayMs, () =>
        this.whenRunning(() => {
          if (!isOver) callback();
        }),
      );
      return () => {
        isOver = true;
        cancel();
      };
    };
    const every: TimersPort['every'] = (periodMs, callback) => {
      let cancelNext: CancelTimer = () => undefined;
      // Armed when the one before has run: however long the process stands still, it is one period late.
      const arm = (): void => {
        cancelNext = after(periodMs, () => {
          arm();
          callback();
        });
      };
      arm();
      return () => cancelNext();
    };
    return {
      clock: inner.clock,
      random: inner.random,
      timers: { after, every },
      loopLag: { watch: (listener) => inner.loopLag.watch((lagMs) => this.whenRunning(() => listener(lagMs))) },
      schedule: (callback) => inner.schedule(() => this.whenRunning(callback)),
    };
  }

  private whenRunning(callback: () => void): void {
    if (this.held) this.held.push(callback);
    else callback();
  }
}
