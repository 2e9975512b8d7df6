import { InvariantError } from '@parley/model';
import type { RequestOptions, RequestOutcome } from './bus';
import type { LogPort } from './log';
import type { TimersPort } from './system';

interface OpenRequest {
  isFinal: ((payload: Uint8Array) => boolean) | undefined;
  /** Settles the caller's promise and releases timer and listener. Only the first call counts. */
  end(outcome: RequestOutcome): void;
  release(): void;
}

/**
 * The requests of one bus client that have no outcome yet, by the token of their reply subject. Shared by the bus
 * adapters, so that a deadline, an abort, a lost link and several replies mean the same on each of them.
 */
export class OpenRequests {
  private readonly open = new Map<string, OpenRequest>();
  private lastToken = 0;

  constructor(
    private readonly timers: TimersPort,
    private readonly log: LogPort,
  ) {}

  /** `send` is called once, synchronously, unless the caller aborted already; when it throws, nothing stays open. */
  start(options: RequestOptions, send: (token: string) => void): Promise<RequestOutcome> {
    const { timeoutMs, signal, isFinal } = options;
    if (!(timeoutMs > 0)) throw new InvariantError(`a request needs a deadline, not ${timeoutMs} ms`);
    if (signal?.aborted === true) return Promise.resolve({ kind: 'aborted' });
    const token = (++this.lastToken).toString(36);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => request.end({ kind: 'aborted' });
      const cancelDeadline = this.timers.after(timeoutMs, () => request.end({ kind: 'timeout' }));
      const request: OpenRequest = {
        isFinal,
        end: (outcome) => {
          request.release();
          resolve(outcome);
        },
        release: () => {
          this.open.delete(token);
          cancelDeadline();
          signal?.removeEventListener('abort', onAbort);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.open.set(token, request);
      try {
        send(token);
      } catch (error) {
        request.release();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** A reply came. One that nobody waits for any more is dropped. */
  reply(token: string, payload: Uint8Array): void {
    const request = this.open.get(token);
    if (request === undefined) return;
    try {
      if (request.isFinal?.(payload) === false) return;
    } catch (error) {
      this.log.error('judging a bus reply threw; the reply is dropped', { error });
      return;
    }
    request.end({ kind: 'reply', payload });
  }

  end(token: string, outcome: RequestOutcome): void {
    this.open.get(token)?.end(outcome);
  }

  /** The link is lost or the bus closed: no reply can come any more. */
  endAll(): void {
    for (const request of [...this.open.values()]) request.end({ kind: 'disconnected' });
  }

  /** The process died: nobody is told. */
  forgetAll(): void {
    for (const request of [...this.open.values()]) request.release();
  }
}
