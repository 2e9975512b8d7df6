import {
  subjects,
  workGroups,
  type Claim,
  type ClaimReply,
  type ConnectionProfile,
  type Incarnation,
  type Opening,
  type SessionId,
} from '@parley/model';
import type { BusMessage, BusSubscription, Readiness, Service, StoredSession } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings, GroupMember, Intake, PeerWatch, turnsMs } from '@parley/service-link';
import { sessionObject, type SessionConfig } from '@parley/turn-engine';
import { Claims, type ClaimResult } from './claims';
import type { OrchestratorConfig } from './config';
import { Lease } from './lease';
import { newRecord, newSession } from './new-session';
import { OwnedSession } from './session/owned-session';
import type { OrchestratorPorts } from './ports';
import { newResumeToken } from './session/session-connection';
import { SecretDesk } from './secret-desk';
import { decodeRecord, type SessionRecord } from './session/session-record';

const FLUSH_TIMEOUT_MS = 1_000;
/** A planned stop looks this often which sessions have come to the end of a turn. */
const DRAIN_PERIOD_MS = 50;
/** Turns that are under way share the store with them. */
const WRITE_BACKS_AT_A_TIME = 4;

/** Owns sessions: claims them for gateways, runs them, and lets them go. The only writer of a session's state. */
export class Orchestrator implements Service {
  readonly incarnation: Incarnation;
  private readonly sessions = new Map<SessionId, OwnedSession>();
  /** Claims under way. A second one for a session would win against the first, whose session nobody would end. */
  private readonly claiming = new Set<SessionId>();
  private readonly lease: Lease;
  private readonly claims: Claims;
  private readonly peers: PeerWatch;
  private readonly intake: Intake;
  private readonly group: GroupMember;
  private readonly secrets: SecretDesk;
  private subscriptions: BusSubscription[] = [];
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly ports: OrchestratorPorts,
    private readonly config: OrchestratorConfig,
  ) {
    this.incarnation = `orc_${ports.system.random.hex(8)}`;
    this.lease = new Lease(ports, this.incarnation, {
      onLapsed: () => this.doubtAll(),
      onChanged: () => this.leaseChanged(),
    });
    this.peers = new PeerWatch(ports.bus, ports.system, this.incarnation);
    this.claims = new Claims(ports.store, ports.bus, this.lease, this.peers);
    const limits = { count: config.maxSessions, lagMs: config.maxLagMs };
    this.intake = new Intake(ports, 'orchestrator', limits, () => this.sessions.size + this.claiming.size);
    this.group = new GroupMember(ports.bus, workGroups.claim, (message) => void this.answerClaim(message));
    this.secrets = new SecretDesk(ports, ({ model, patch }) => {
      const sessionId: SessionId = `sess_${ports.system.random.hex(16)}`;
      return sessionObject(this.newSession(sessionId, { parley: false, model, defaults: patch }));
    });
  }

  async start(): Promise<void> {
    const { bus } = this.ports;
    await this.lease.take();
    this.subscriptions = [
      answerPings(bus, this.incarnation),
      bus.subscribe(subjects.ownerProbe(this.incarnation), (message) => this.answerProbe(message)),
      bus.subscribe(subjects.ownerClaim(this.incarnation), (message) => void this.answerClaim(message)),
      bus.subscribe(subjects.ownerVoice(this.incarnation), (message) => this.takeVoiceFailure(message)),
    ];
    this.intake.open(() => this.offer());
    this.group.join(this.takesClaims);
    this.secrets.open();
    await bus.flush(FLUSH_TIMEOUT_MS);
  }

  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.stopping) reasons.push('stopping');
    if (!this.ports.bus.connected) reasons.push('the bus cannot be reached');
    if (!this.lease.isHeld) reasons.push('the session store cannot be reached');
    return { ready: reasons.length === 0, reasons };
  }

  /** Claims no more and hands each session over at the end of its turn, those that take too long in mid-answer; then releases the lease. */
  stop(deadlineMs: number): Promise<void> {
    this.stopping ??= this.drain(deadlineMs);
    return this.stopping;
  }

  private async drain(deadlineMs: number): Promise<void> {
    const { clock, timers } = this.ports.system;
    this.intake.close();
    this.group.leave();
    this.secrets.close();
    const beganMs = clock.nowMs();
    const passedMs = (): number => clock.nowMs() - beganMs;
    const releases = new Set<Promise<void>>();
    // A claim that wins now is released with the others.
    while (this.claiming.size + this.sessions.size > 0 && passedMs() < deadlineMs) {
      for (const session of this.sessions.values()) {
        if (!session.isBusy || passedMs() >= turnsMs(deadlineMs)) releases.add(session.release());
      }
      await new Promise<void>((resolve) => timers.after(DRAIN_PERIOD_MS, resolve));
    }
    // The store cannot be reached: whoever takes them over goes on from the last write.
    for (const session of this.sessions.values()) session.drop('the process stops');
    await Promise.all(releases);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.peers.close();
    await this.lease.giveBack();
  }

  private doubtAll(): void {
    for (const session of this.sessions.values()) session.doubt();
  }

  private leaseChanged(): void {
    this.offer();
    if (this.lease.isHeld) void this.writeBack();
  }

  /** The store was away, or has lost what it held: what it should hold is written anew, whether or not it has changed. */
  private async writeBack(): Promise<void> {
    const sessions = this.sessions.values();
    const writeNext = async (): Promise<void> => {
      for (const session of sessions) await session.writeBack();
    };
    await Promise.all(Array.from({ length: WRITE_BACKS_AT_A_TIME }, writeNext));
  }

  private answerProbe(message: BusMessage): void {
    const decoded = decodeEnvelope(busSchemas.ownerProbe, message.payload);
    if (!decoded.ok) return;
    const session = this.sessions.get(decoded.body.sessionId);
    const reply = session ? { kind: 'owned', epoch: session.epoch } : { kind: 'disowned' };
    message.reply?.(encodeEnvelope(decoded.traceparent, reply));
  }

  private takeVoiceFailure(message: BusMessage): void {
    const decoded = decodeEnvelope(busSchemas.voiceFailed, message.payload);
    if (!decoded.ok) return this.ports.log.error('a voice failure cannot be read', { reason: decoded.reason });
    message.reply?.(encodeEnvelope(decoded.traceparent, {}));
    this.sessions.get(decoded.body.sessionId)?.voiceFailed(decoded.body);
  }

  private async answerClaim(message: BusMessage): Promise<void> {
    const decoded = decodeEnvelope(busSchemas.claim, message.payload);
    if (!decoded.ok) return this.ports.log.error('a claim cannot be read', { reason: decoded.reason });
    const { traceparent, body } = decoded;
    const reply = (answer: ClaimReply): void => message.reply?.(encodeEnvelope(traceparent, answer));
    try {
      const answer = await this.claim(body, traceparent, () => reply({ kind: 'probing' }));
      this.offer();
      // No answer: the gateway asks another member of the group.
      if (!answer) return;
      this.ports.telemetry.count('parley_claims_total', { outcome: answer.kind });
      reply(answer);
    } catch (error) {
      const { sessionId } = body;
      this.ports.log.error('a claim broke', { sessionId, error });
      await this.sessions.get(sessionId)?.giveUp('its claim broke');
    }
  }

  private async claim(claim: Claim, traceparent: string, onProbing: () => void): Promise<ClaimReply | undefined> {
    const own = this.sessions.get(claim.sessionId);
    if (own && (await this.isNewest(own, claim))) return this.attach(own, claim);
    own?.drop('another process has owned the session since');
    if (this.claiming.has(claim.sessionId)) return undefined;
    // A session that lost its owner must find another one, late or not.
    const hasRoom = claim.attach.kind === 'new' ? this.intake.hasRoom : !this.intake.isFull;
    if (!hasRoom || this.stopping) return { kind: 'full' };
    this.claiming.add(claim.sessionId);
    this.offer();
    let result: ClaimResult;
    try {
      result = await this.claims.claim(claim, traceparent, onProbing);
    } finally {
      this.claiming.delete(claim.sessionId);
    }
    switch (result.kind) {
      case 'won':
        return this.own(claim, result.session, traceparent);
      case 'owned':
        return { kind: 'owned', owner: result.owner, epoch: result.epoch };
      case 'superseded':
      case 'gone':
      case 'full':
        return result;
      case 'unavailable':
        return undefined;
    }
  }

  /**
   * Not when a later owner took over: while our link was away, which the gateway may have seen; or with a grant that the
   * gateway never got, which only the store knows of.
   */
  private async isNewest(own: OwnedSession, { sessionId, seenEpoch }: Claim): Promise<boolean> {
    if (own.epoch < seenEpoch) return false;
    const loaded = await this.ports.store.load(sessionId);
    // It ended while the store was asked.
    if (this.sessions.get(sessionId) !== own) return false;
    if (loaded.kind === 'found') return loaded.session.epoch <= own.epoch;
    return loaded.kind !== 'removed' || loaded.epoch <= own.epoch;
  }

  private async own(claim: Claim, stored: StoredSession, traceparent: string): Promise<ClaimReply | undefined> {
    const record = this.recordOf(claim, stored);
    if (!record) return { kind: 'gone' };
    const { sessionId } = claim;
    const { epoch, rev } = stored;
    const ownership = { sessionId, epoch, rev, record, traceparent, isLapsed: () => this.lease.isLapsed };
    const session = new OwnedSession(this.ports, this.config, this.incarnation, this.peers, ownership, () => {
      if (this.sessions.get(sessionId) === session) this.sessions.delete(sessionId);
      this.countSessions();
    });
    this.sessions.set(sessionId, session);
    this.ports.telemetry.count('parley_sessions_total', { role: 'orchestrator' });
    this.countSessions();
    session.open();
    await this.ports.bus.flush(FLUSH_TIMEOUT_MS);
    if (claim.attach.kind !== 'new') this.ports.telemetry.count('parley_takeovers_total', {});
    this.goOn(session, claim);
    return this.attach(session, claim, stored.attachment);
  }

  /** The first thing a session does here. */
  private goOn(session: OwnedSession, { attach }: Claim): void {
    if (attach.kind === 'new') session.begin();
    else if (attach.kind === 'resume') session.takeOverLost(attach.receivedOutSeq);
    // A newer connection has come since, of which this gateway does not know; its own will say what it has.
    else if (attach.attachment < session.attachment) session.takeOverLost(0);
    else session.takeOver(attach.delivered);
  }

  /** A connection to a session that is owned here; undefined when the session is lost meanwhile. */
  private async attach(own: OwnedSession, claim: Claim, claimed?: number): Promise<ClaimReply | undefined> {
    const { attach, gateway } = claim;
    switch (attach.kind) {
      case 'new': {
        // Also when the answer to an earlier try of the same gateway was lost.
        const opening = await own.opening;
        return opening && this.granted(own, opening);
      }
      case 'keep':
        if (attach.attachment < own.attachment) return { kind: 'superseded' };
        own.keep(attach.delivered);
        return this.granted(own, null);
      case 'resume': {
        const opening = await own.resume(attach, gateway, claimed);
        if (opening === 'refused') return { kind: 'gone' };
        return opening && this.granted(own, opening);
      }
    }
  }

  private granted({ epoch, attachment }: OwnedSession, opening: Opening | null): ClaimReply {
    return { kind: 'granted', epoch, attachment, owner: this.incarnation, opening };
  }

  private recordOf(claim: Claim, stored: StoredSession): SessionRecord | undefined {
    if (claim.attach.kind === 'new') {
      const session = this.newSession(claim.sessionId, claim.attach.connection);
      const token = session.resumable ? newResumeToken(claim.sessionId, this.ports.system.random) : null;
      const { attachment } = stored;
      return newRecord(session, { attachment, lastSeq: 0, gateway: claim.gateway, connectionId: null }, token);
    }
    const decoded = stored.state ? decodeRecord(stored.state) : { ok: false as const, reason: 'no state' };
    if (!decoded.ok) {
      this.ports.log.error('a stored session cannot be read', { sessionId: claim.sessionId, reason: decoded.reason });
      return undefined;
    }
    const { record } = decoded;
    // It had ended, and its owner was lost before it could remove it.
    if (record.engine.phase.name === 'closed') return undefined;
    return claim.attach.kind === 'keep'
      ? { ...record, connection: { ...record.connection, gateway: claim.gateway } }
      : record;
  }

  private newSession(sessionId: SessionId, connection: ConnectionProfile): SessionConfig {
    return newSession(sessionId, connection, this.config, this.ports.system.clock.wallMs());
  }

  /** Without a lease it cannot take what it is asked for, and others may. Where it is so for all, they are asked in reserve. */
  private get takesClaims(): boolean {
    return this.intake.hasRoom && this.lease.isHeld;
  }

  private offer(): void {
    this.group.offer(this.takesClaims);
  }

  private countSessions(): void {
    this.offer();
    this.ports.telemetry.gauge('parley_sessions_active', { role: 'orchestrator' }, this.sessions.size);
  }
}

/** The turn-orchestrator over its ports. */
export const createOrchestrator = (ports: OrchestratorPorts, config: OrchestratorConfig): Service =>
  new Orchestrator(ports, config);
