import type { Incarnation, SessionId } from '@parley/model';
import type {
  ClaimOutcome,
  ClaimRequest,
  ClockPort,
  LoadOutcome,
  ReleaseOutcome,
  RemoveOutcome,
  StoredSession,
  StoreUnavailable,
  WriteOutcome,
  WriteRequest,
} from '@parley/ports';

/** What a call can come to once it reached the store. */
type Reached<Outcome> = Exclude<Outcome, StoreUnavailable>;

interface Row {
  epoch: number;
  owner: Incarnation | undefined;
  attachment: number;
  rev: number;
  /** The epoch that `rev` counts in: a claim raises `epoch` and leaves the last write as it was. */
  writtenEpoch: number;
  state: Uint8Array | undefined;
  /** A tombstone. */
  removed: boolean;
  expiresAtMs: number;
}

/** Expired rows that nobody asks for are dropped this often at most, in passing. */
const SWEEP_PERIOD_MS = 60_000;

/** The rules of the session store on plain rows, each call a transaction: what the scripts of the Redis adapter do. */
export class SessionTable {
  private readonly rows = new Map<SessionId, Row>();
  private sweptAtMs: number;

  constructor(private readonly clock: ClockPort) {
    this.sweptAtMs = clock.nowMs();
  }

  /** Rows held, expired ones that were not dropped yet included. */
  get size(): number {
    return this.rows.size;
  }

  load(sessionId: SessionId): Reached<LoadOutcome> {
    const row = this.find(sessionId);
    if (row === undefined) return { kind: 'missing' };
    if (row.removed) return { kind: 'removed', epoch: row.epoch };
    return { kind: 'found', session: asSession(row) };
  }

  claim(request: ClaimRequest): Reached<ClaimOutcome> {
    this.sweep();
    const row = this.find(request.sessionId);
    const stored = row?.epoch ?? 0;
    if (row?.removed) return { kind: 'removed', epoch: stored };
    if (stored !== request.expectedEpoch) return { kind: 'conflict', epoch: stored };
    const claimed: Row = {
      ...(row ?? { rev: 0, writtenEpoch: 0, state: undefined, removed: false }),
      epoch: Math.max(stored, request.seenEpoch) + 1,
      owner: request.owner,
      attachment: (row?.attachment ?? 0) + (request.newAttachment ? 1 : 0),
      expiresAtMs: this.clock.nowMs() + request.ttlMs,
    };
    this.rows.set(request.sessionId, claimed);
    return { kind: 'claimed', session: asSession(claimed) };
  }

  /** Keeps `request.state` itself: the caller hands over a copy. */
  write(request: WriteRequest): Reached<WriteOutcome> {
    const row = this.find(request.sessionId);
    if (row !== undefined && row.epoch >= request.epoch) {
      if (row.epoch > request.epoch || row.removed) return { kind: 'fenced', epoch: row.epoch };
      if (row.owner !== undefined && row.owner !== request.owner) return { kind: 'fenced', epoch: row.epoch };
      if (row.writtenEpoch === request.epoch) {
        if (row.rev === request.rev) return { kind: 'already' };
        if (row.rev > request.rev) return { kind: 'fenced', epoch: row.epoch };
      }
    }
    this.rows.set(request.sessionId, {
      epoch: request.epoch,
      owner: row?.epoch === request.epoch ? row.owner : request.owner,
      attachment: Math.max(row?.attachment ?? 0, request.attachment),
      rev: request.rev,
      writtenEpoch: request.epoch,
      state: request.state,
      removed: false,
      expiresAtMs: this.clock.nowMs() + request.ttlMs,
    });
    return { kind: 'written' };
  }

  release(sessionId: SessionId, epoch: number): Reached<ReleaseOutcome> {
    const row = this.find(sessionId);
    if (row !== undefined && row.epoch > epoch) return { kind: 'fenced', epoch: row.epoch };
    if (row?.epoch === epoch) row.owner = undefined;
    return { kind: 'released' };
  }

  remove(sessionId: SessionId, epoch: number, tombstoneMs: number): Reached<RemoveOutcome> {
    const row = this.find(sessionId);
    if (row !== undefined && row.epoch > epoch) return { kind: 'fenced', epoch: row.epoch };
    this.rows.set(sessionId, {
      epoch,
      owner: undefined,
      attachment: row?.attachment ?? 0,
      rev: 0,
      writtenEpoch: 0,
      state: undefined,
      removed: true,
      expiresAtMs: this.clock.nowMs() + tombstoneMs,
    });
    return { kind: 'removed' };
  }

  clear(): void {
    this.rows.clear();
  }

  private find(sessionId: SessionId): Row | undefined {
    const row = this.rows.get(sessionId);
    return row !== undefined && row.expiresAtMs > this.clock.nowMs() ? row : undefined;
  }

  /** At a claim, because only claims and rare write-backs make rows: without new sessions nothing grows. */
  private sweep(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.sweptAtMs < SWEEP_PERIOD_MS) return;
    this.sweptAtMs = nowMs;
    for (const [sessionId, row] of this.rows) if (row.expiresAtMs <= nowMs) this.rows.delete(sessionId);
  }
}

const asSession = ({ epoch, owner, attachment, rev, state }: Row): StoredSession => ({
  epoch,
  owner,
  attachment,
  rev,
  state: state && new Uint8Array(state),
});
