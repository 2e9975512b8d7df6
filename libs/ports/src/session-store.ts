import type { Incarnation, SessionId } from '@parley/model';

/** One session as stored. `state` is opaque here; the orchestrator has its parser. */
export interface StoredSession {
  epoch: number;
  /** Who owns it; undefined after a release. */
  owner: Incarnation | undefined;
  attachment: number;
  /** Revision of the last write of that epoch or an earlier one; 0 when nothing was written. */
  rev: number;
  /** Undefined until the first write. */
  state: Uint8Array | undefined;
}

/** The call failed, or its answer was lost: it may have been applied. Repeating it does no harm. */
export type StoreUnavailable = { kind: 'unavailable'; message: string };

/** `removed`: the session is over and its tombstone still stands. */
export type LoadOutcome =
  | { kind: 'found'; session: StoredSession }
  | { kind: 'missing' }
  | { kind: 'removed'; epoch: number }
  | StoreUnavailable;

export interface ClaimRequest {
  sessionId: SessionId;
  owner: Incarnation;
  /** The epoch this claimant saw when it decided that the session is free (0: none stored). Another one stored means somebody was faster. */
  expectedEpoch: number;
  /** Highest epoch the gateway has seen; the new one is max(stored, seen) + 1. */
  seenEpoch: number;
  /** Raises the attachment number: a new connection. */
  newAttachment: boolean;
  ttlMs: number;
}

export type ClaimOutcome =
  | { kind: 'claimed'; session: StoredSession }
  /**
   * The stored epoch is not the expected one; nothing was changed. Loading tells whose it is: after an `unavailable`
   * it can be this claimant's own, of a claim that was applied but not answered.
   */
  | { kind: 'conflict'; epoch: number }
  /** The session is over, whatever epoch was expected or seen; nothing was changed. */
  | { kind: 'removed'; epoch: number }
  | StoreUnavailable;

export interface WriteRequest {
  sessionId: SessionId;
  epoch: number;
  /** Grows by one with each write of an owner. */
  rev: number;
  /**
   * The writer and the highest attachment it granted, so that a write-back restores who owns the session and no
   * attachment number is given out twice. `owner` is stored only where the record is missing or of a lower epoch: a
   * write that arrives after the owner's release does not undo it. Of the attachments the higher one is kept.
   */
  owner: Incarnation;
  attachment: number;
  state: Uint8Array;
  ttlMs: number;
}

/**
 * `already`: this very (epoch, rev) is stored, so a repeated write succeeded before. `fenced`: a higher epoch, a higher
 * rev of this one, or the tombstone of this epoch is stored, or another owner holds this very epoch (two claims can get
 * one number when the store loses data in between). A missing record, and one of a lower epoch whatever its rev, is
 * written over: the store lost this owner's claim in an outage, and owners write back.
 */
export type WriteOutcome =
  { kind: 'written' } | { kind: 'already' } | { kind: 'fenced'; epoch: number } | StoreUnavailable;

export type ReleaseOutcome = { kind: 'released' } | { kind: 'fenced'; epoch: number } | StoreUnavailable;
export type RemoveOutcome = { kind: 'removed' } | { kind: 'fenced'; epoch: number } | StoreUnavailable;

/**
 * `taken`: there was none. An owner that had held it was away for longer than it lasts, or the store has lost it, and then
 * perhaps everything else.
 */
export type LeaseOutcome = { kind: 'renewed' } | { kind: 'taken' } | StoreUnavailable;

export type SecretOutcome = { kind: 'found'; value: Uint8Array } | { kind: 'missing' } | StoreUnavailable;

/**
 * Session state with its fence. Every call touches one session's keys only (Redis Cluster), one lease or one secret. Values are
 * bytes: no object is ever shared between the caller and the store. Nothing here throws for an outside fault.
 */
export interface SessionStorePort {
  load(sessionId: SessionId): Promise<LoadOutcome>;
  claim(request: ClaimRequest): Promise<ClaimOutcome>;
  write(request: WriteRequest): Promise<WriteOutcome>;
  /**
   * The owner lets go: `owner` becomes undefined if the stored epoch is still `epoch`. Where nothing of this epoch is
   * stored (missing, or turned back by a fail-over) there is nothing to let go of, and it is `released` too.
   */
  release(sessionId: SessionId, epoch: number): Promise<ReleaseOutcome>;
  /**
   * The session is over: its state is removed unless a higher epoch is stored, leaving a tombstone for `tombstoneMs`
   * that keeps the epoch and the attachment. Repeating it is `removed` again.
   */
  remove(sessionId: SessionId, epoch: number, tombstoneMs: number): Promise<RemoveOutcome>;
  /** One lease per process incarnation: cost grows with processes, not with sessions. */
  renewLease(owner: Incarnation, ttlMs: number): Promise<LeaseOutcome>;
  leaseAlive(owner: Incarnation): Promise<{ kind: 'alive' } | { kind: 'gone' } | StoreUnavailable>;
  releaseLease(owner: Incarnation): Promise<void>;
  /** `value` lies under the digest for `ttlMs`, and is gone then. Repeating it begins the time anew. */
  keepSecret(digest: string, value: Uint8Array, ttlMs: number): Promise<{ kind: 'kept' } | StoreUnavailable>;
  findSecret(digest: string): Promise<SecretOutcome>;
  /** For readiness: answers within its own deadline. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
