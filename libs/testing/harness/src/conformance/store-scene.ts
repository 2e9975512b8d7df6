import type { Incarnation, SessionId } from '@parley/model';
import type { ClaimRequest, SessionStorePort, StoredSession, WriteRequest } from '@parley/ports';

/** One empty store, its links and its time, as the suite drives them. */
export interface StoreSubject {
  /** A client of its own, as another process would have. The suite closes it. */
  connect(): Promise<SessionStorePort>;
  /** Lets `ms` of the store's time pass: virtual or real. */
  advance(ms: number): Promise<void>;
  /** The time that `advance` moves, in ms. */
  nowMs(): number;
  /** No client reaches the store, from now on until `healLinks`. */
  cutLinks(): Promise<void>;
  healLinks(): Promise<void>;
  /** The store comes back empty, as a Redis without persistence does. */
  loseData(): Promise<void>;
  close(): Promise<void>;
}

/** `ours` and `theirs` are two processes at the same store. */
export interface Scene {
  subject: StoreSubject;
  ours: SessionStorePort;
  theirs: SessionStorePort;
}

export const SESSION: SessionId = 'sess_conformance';
export const OURS: Incarnation = 'orc_ours';
export const THEIRS: Incarnation = 'orc_theirs';
export const TTL_MS = 60_000;
/** Above the timing error of a busy machine, short enough to be waited for. */
export const SHORT_TTL_MS = 1_000;

export const claimOf = (request: Partial<ClaimRequest> = {}): ClaimRequest => ({
  sessionId: SESSION,
  owner: OURS,
  expectedEpoch: 0,
  seenEpoch: 0,
  newAttachment: true,
  ttlMs: TTL_MS,
  ...request,
});

export const writeOf = (request: Partial<WriteRequest> = {}): WriteRequest => ({
  sessionId: SESSION,
  epoch: 1,
  rev: 1,
  owner: OURS,
  attachment: 1,
  state: text('state'),
  ttlMs: TTL_MS,
  ...request,
});

export const takeoverOf = (request: Partial<ClaimRequest> = {}): ClaimRequest =>
  claimOf({ owner: THEIRS, expectedEpoch: 1, newAttachment: false, ...request });

export const text = (value: string): Uint8Array => Uint8Array.from(value, (character) => character.charCodeAt(0));

export async function claimed(store: SessionStorePort, request: ClaimRequest): Promise<StoredSession> {
  const outcome = await store.claim(request);
  if (outcome.kind !== 'claimed') throw new Error(`the claim ended ${outcome.kind}`);
  return outcome.session;
}

export async function found(store: SessionStorePort, sessionId: SessionId = SESSION): Promise<StoredSession> {
  const outcome = await store.load(sessionId);
  if (outcome.kind !== 'found') throw new Error(`the load ended ${outcome.kind}`);
  return outcome.session;
}
