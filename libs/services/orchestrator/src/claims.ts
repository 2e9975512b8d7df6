import { subjects, workGroups, type Claim, type Incarnation, type SessionId } from '@parley/model';
import type { BusPort, SessionStorePort, StoredSession } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, isCrowded, type PeerWatch } from '@parley/service-link';
import { CLAIMED_TTL_MS } from './config';
import type { Lease } from './lease';
import { isValidToken } from './session/session-connection';
import { decodeRecord } from './session/session-record';

/** An owner that does not answer for so long is taken for stopped (design §5). */
const PROBE_TIMEOUT_MS = 300;

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
  constructor(
    private readonly store: SessionStorePort,
    private readonly bus: BusPort,
    private readonly lease: Lease,
    private readonly peers: PeerWatch,
  ) {}

  async claim(claim: Claim, traceparent: string, onProbing: () => void): Promise<ClaimResult> {
    if (claim.attach.kind === 'new') {
      return (await isCrowded(this.bus, workGroups.ttsOpen)) ? { kind: 'full' } : this.take(claim, 0);
    }
    const loaded = await this.store.load(claim.sessionId);
    if (loaded.kind === 'unavailable') return { kind: 'unavailable' };
    // What is missing in a store that has just lost everything is none of those that are over: an owner has it.
    if (loaded.kind === 'missing' && !(await this.isStoreSettled())) return { kind: 'unavailable' };
    if (loaded.kind !== 'found' || loaded.session.state === undefined) return { kind: 'gone' };
    const refusal = refusalOf(claim, loaded.session.state);
    if (refusal) return refusal;
    const { owner, epoch } = loaded.session;
    if (owner === undefined || owner === this.lease.owner) return this.take(claim, epoch);
    const found = await this.probe(claim.sessionId, owner, traceparent, onProbing);
    if (found === 'alive') return { kind: 'owned', owner, epoch };
    return found === 'gone' ? this.take(claim, epoch) : { kind: 'unavailable' };
  }

  /** What it lacks, no owner will bring back: our lease has long been held, and is there. */
  private async isStoreSettled(): Promise<boolean> {
    const { kind } = await this.store.leaseAlive(this.lease.owner);
    return kind === 'alive' && this.lease.isSettled;
  }

  private async take(claim: Claim, expectedEpoch: number): Promise<ClaimResult> {
    const outcome = await this.store.claim({
      sessionId: claim.sessionId,
      owner: this.lease.owner,
      expectedEpoch,
      seenEpoch: claim.seenEpoch,
      newAttachment: claim.attach.kind !== 'keep',
      ttlMs: CLAIMED_TTL_MS,
    });
    if (outcome.kind === 'claimed') return { kind: 'won', session: outcome.session };
    return outcome.kind === 'removed' ? { kind: 'gone' } : { kind: 'unavailable' };
  }

  /** The owner has the word, whatever its lease says. Silence says nothing while our own link is down, or was: the owner may be on its way back. */
  private async probe(
    sessionId: SessionId,
    owner: Incarnation,
    traceparent: string,
    onProbing: () => void,
  ): Promise<'alive' | 'gone' | 'unknown'> {
    onProbing();
    const answer = await ask(this.bus, subjects.ownerProbe(owner), {
      traceparent,
      body: { sessionId },
      reply: busSchemas.ownerProbeReply,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    if (answer.kind === 'answer') {
      return answer.body.kind === 'disowned' || (await this.isCutOff(owner)) ? 'gone' : 'alive';
    }
    if (this.peers.isSettling || !this.bus.connected) return 'unknown';
    return answer.kind === 'no-responders' || answer.kind === 'timeout' ? 'gone' : 'unknown';
  }

  /** The store is there for us, and not for an owner that lives: it can take nothing of its clients. After an outage of all it is not so. */
  private async isCutOff(owner: Incarnation): Promise<boolean> {
    const lease = await this.store.leaseAlive(owner);
    return lease.kind === 'gone' && (await this.isStoreSettled());
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
