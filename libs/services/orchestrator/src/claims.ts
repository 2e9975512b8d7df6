import { subjects, workGroups, type Claim, type Incarnation, type SessionId } from '@parley/model';
import type { BusPort, ClockPort, SessionStorePort, StoredSession } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, isCrowded } from '@parley/service-link';
import { LEASE_PERIOD_MS, CLAIMED_TTL_MS } from './config';
import { isValidToken } from './session-connection';
import { decodeRecord } from './session-record';

/** An owner that does not answer for so long is taken for stopped (design §5). */
const PROBE_TIMEOUT_MS = 300;
/** Within a period each owner has noticed that the store has lost its lease, and within another it has written its sessions back. */
const WRITE_BACK_MS = 2 * LEASE_PERIOD_MS;

export type ClaimResult =
  | { kind: 'won'; session: StoredSession }
  | { kind: 'owned'; owner: Incarnation; epoch: number }
  | { kind: 'superseded' }
  | { kind: 'gone' }
  /** No voice worker has room for a new session. */
  | { kind: 'full' }
  /** Store or owner cannot be asked, or another claim was faster: asking again tells. */
  | { kind: 'unavailable' };

/**
 * Decides whether a session is free and takes it. The epoch is the fence: two claims that both find it free are decided
 * by the store's script, and a claim that was wrong about a silent owner fences that owner with its next write.
 */
export class Claims {
  private storeLostAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: SessionStorePort,
    private readonly bus: BusPort,
    private readonly clock: ClockPort,
    private readonly self: Incarnation,
  ) {}

  /** The store was away, or our own lease was gone: it may have lost what it held. */
  storeWasLost(): void {
    this.storeLostAtMs = this.clock.nowMs();
  }

  async claim(claim: Claim, traceparent: string, onProbing: () => void): Promise<ClaimResult> {
    if (claim.attach.kind === 'new') {
      return (await isCrowded(this.bus, workGroups.ttsOpen)) ? { kind: 'full' } : this.take(claim, 0);
    }
    const loaded = await this.store.load(claim.sessionId);
    if (loaded.kind === 'unavailable') return { kind: 'unavailable' };
    if (loaded.kind === 'missing' && (await this.mayBeWrittenBack())) return { kind: 'unavailable' };
    if (loaded.kind !== 'found' || loaded.session.state === undefined) return { kind: 'gone' };
    const refusal = refusalOf(claim, loaded.session.state);
    if (refusal) return refusal;
    const { owner, epoch } = loaded.session;
    if (owner === undefined || owner === this.self) return this.take(claim, epoch);
    const found = await this.probe(claim.sessionId, owner, traceparent, onProbing);
    if (found === 'alive') return { kind: 'owned', owner, epoch };
    return found === 'gone' ? this.take(claim, epoch) : { kind: 'unavailable' };
  }

  /** What is missing in a store that has just lost everything is none of those that are over: an owner has it. */
  private async mayBeWrittenBack(): Promise<boolean> {
    if (this.clock.nowMs() < this.storeLostAtMs + WRITE_BACK_MS) return true;
    const lease = await this.store.leaseAlive(this.self);
    return lease.kind !== 'alive';
  }

  private async take(claim: Claim, expectedEpoch: number): Promise<ClaimResult> {
    const outcome = await this.store.claim({
      sessionId: claim.sessionId,
      owner: this.self,
      expectedEpoch,
      seenEpoch: claim.seenEpoch,
      newAttachment: claim.attach.kind !== 'keep',
      ttlMs: CLAIMED_TTL_MS,
    });
    if (outcome.kind === 'claimed') return { kind: 'won', session: outcome.session };
    return outcome.kind === 'removed' ? { kind: 'gone' } : { kind: 'unavailable' };
  }

  /** The lease is read first; only a living one is worth a probe. Silence says nothing while our own link is down. */
  private async probe(
    sessionId: SessionId,
    owner: Incarnation,
    traceparent: string,
    onProbing: () => void,
  ): Promise<'alive' | 'gone' | 'unknown'> {
    const lease = await this.store.leaseAlive(owner);
    if (lease.kind === 'gone') return 'gone';
    onProbing();
    const answer = await ask(this.bus, subjects.ownerProbe(owner), {
      traceparent,
      body: { sessionId },
      reply: busSchemas.ownerProbeReply,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    if (answer.kind === 'answer') return answer.body.kind === 'owned' ? 'alive' : 'gone';
    if (answer.kind === 'no-responders') return 'gone';
    return answer.kind === 'timeout' && this.bus.connected ? 'gone' : 'unknown';
  }
}

/** Before anything is changed: whether this connection may have the session at all. */
function refusalOf({ attach }: Claim, state: Uint8Array): ClaimResult | undefined {
  const decoded = decodeRecord(state);
  // Who takes it says what cannot be read.
  if (!decoded.ok) return undefined;
  const { connection, resume } = decoded.record;
  if (attach.kind === 'keep' && attach.attachment < connection.attachment) return { kind: 'superseded' };
  if (attach.kind === 'resume' && !isValidToken(resume, attach.token)) return { kind: 'gone' };
  return undefined;
}
