import type { SessionId } from '@parley/model';

/** One entry as it was stored; `payload` is what the owner published. */
export interface JournalRecord {
  /** By the store's clock, since 1970. */
  storedAtMs: number;
  payload: Uint8Array;
}

/** What the journal knows of a session without reading it. */
export interface JournaledSession {
  sessionId: SessionId;
  entries: number;
  lastStoredAtMs: number;
}

/** `absent`: nobody has switched the journal on here, so there is none. */
export type JournalOutcome<T> =
  { kind: 'read'; value: T } | { kind: 'absent' } | { kind: 'unavailable'; message: string };

/**
 * The journal as those see it who want an explanation. Owners do not write by this port: they publish, and what stores it
 * is nothing they wait for.
 */
export interface JournalPort {
  /** Of every session that has an entry, in no order. */
  sessions(): Promise<JournalOutcome<JournaledSession[]>>;
  /** In the order of storing; empty for a session it does not know. */
  read(sessionId: SessionId): Promise<JournalOutcome<JournalRecord[]>>;
  /** Erases the entries of one session, and says how many. */
  forget(sessionId: SessionId): Promise<JournalOutcome<number>>;
}
