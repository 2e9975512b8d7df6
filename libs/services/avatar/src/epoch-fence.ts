import type { SessionId } from '@parley/model';

/** Sessions remembered; of one that was forgotten a late message passes here and is dropped by the gateway. */
const MAX_SESSIONS = 10_000;

/** The highest epoch seen of each session: what an owner that has a successor still causes is dropped (design §3). */
export class EpochFence {
  private readonly epochs = new Map<SessionId, number>();

  /** False when a higher epoch of that session was seen; else this one is now the highest. */
  admits(sessionId: SessionId, epoch: number): boolean {
    const highest = this.epochs.get(sessionId) ?? 0;
    // Deleted and set again, so that the map's first key is the one not seen for longest.
    this.epochs.delete(sessionId);
    this.epochs.set(sessionId, Math.max(highest, epoch));
    if (this.epochs.size > MAX_SESSIONS) {
      const [oldest] = this.epochs.keys();
      if (oldest !== undefined) this.epochs.delete(oldest);
    }
    return epoch >= highest;
  }
}
