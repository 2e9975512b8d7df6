import type { Opening } from '@parley/model';

/** Settled with the write that holds a new connection; undefined when the session was lost before. */
export class PendingOpening {
  settle: (opening: Opening | undefined) => void = () => {};
  readonly opening = new Promise<Opening | undefined>((resolve) => {
    this.settle = resolve;
  });
}
