import type { Incarnation } from '@parley/model';

export interface Readiness {
  ready: boolean;
  /** Why not, one short sentence each; empty when ready. */
  reasons: string[];
}

/** A runtime service: made by its `createX(ports, config)`, started and stopped once by its shell. */
export interface Service {
  readonly incarnation: Incarnation;
  /** Subscribes and announces itself; resolves when it can take work. */
  start(): Promise<void>;
  /** Takes no more work, releases what it holds, and resolves within `deadlineMs` whatever happens outside. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
  readiness(): Readiness;
}
