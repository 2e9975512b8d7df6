import type { SessionId } from '@parley/model';
import { remember } from './remember';

/** Sessions remembered: far more than a process has at once. What is late of a forgotten one finds no job, and the gateway drops it. */
const MAX_SESSIONS = 10_000;

/** The highest epoch seen of each session: what an owner that has a successor still causes is dropped (design §3). */
export class EpochFence {
  private readonly epochs = new Map<SessionId, number>();

  /** False when a higher epoch of that session was seen; else this one is now the highest. */
  admits(sessionId: SessionId, epoch: number): boolean {
    const highest = this.epochs.get(sessionId) ?? 0;
    remember(this.epochs, sessionId, Math.max(highest, epoch), MAX_SESSIONS);
    return epoch >= highest;
  }
}
