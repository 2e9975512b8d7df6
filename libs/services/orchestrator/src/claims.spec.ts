import { subjects, type Incarnation, type OwnerProbeReply } from '@parley/model';
import type { SessionStorePort } from '@parley/ports';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import { PeerWatch, SETTLE_MS } from '@parley/service-link';
import { Claims, type ClaimResult } from './claims';
import { Lease } from './lease';
import {
  keepClaim,
  newClaim,
  OrchestratorStage,
  read,
  SESSION,
  TRACE,
  type HeldStore,
} from './orchestrator-stage.fixture';

const OLD: Incarnation = 'orc_old';
const SELF: Incarnation = 'orc_self';
const STATE = new Uint8Array([1, 2, 3]);
/** An outage that has cost an owner its lease. */
const OUTAGE_MS = 3_500;

let stage: OrchestratorStage;
let bus: ReturnType<OrchestratorStage['link']>;
let store: HeldStore;
let lease: Lease;
let peers: PeerWatch;
let claims: Claims;
let probings: number;

/** A process that reaches the store from its start on. */
async function claimant(
  self: Incarnation,
): Promise<{ bus: typeof bus; store: HeldStore; lease: Lease; peers: PeerWatch; claims: Claims }> {
  const ports = stage.process();
  const lease = new Lease(ports, self, { onLapsed: () => undefined, onChanged: () => undefined });
  await lease.take();
  const { bus, store } = ports;
  const peers = new PeerWatch(bus, ports.system, self);
  return { bus, store, lease, peers, claims: new Claims(store, bus, lease, peers) };
}

beforeEach(async () => {
  stage = new OrchestratorStage();
  ({ bus, store, lease, peers, claims } = await claimant(SELF));
  probings = 0;
});

const claim = (body = keepClaim(), by: Claims = claims): Promise<ClaimResult> =>
  by.claim(body, TRACE, () => {
    probings++;
  });
const settled = (body = keepClaim(), by?: Claims): Promise<ClaimResult> => stage.system.runUntil(claim(body, by));

/** A session of another process, written once, whose lease lives. */
async function owned(by: Incarnation = OLD): Promise<void> {
  const { sessions } = stage.storeServer;
  sessions.claim({ sessionId: SESSION, owner: by, expectedEpoch: 0, seenEpoch: 0, newAttachment: true, ttlMs: 1e6 });
  sessions.write({ sessionId: SESSION, epoch: 1, rev: 1, owner: by, attachment: 1, state: STATE, ttlMs: 1e6 });
  stage.storeServer.renewLease(by, 3_000);
}

/** How the old owner takes a probe; undefined: it is silent. */
function ownerThat(answer: OwnerProbeReply | { kind: 'nonsense' } | undefined): ReturnType<OrchestratorStage['link']> {
  const link = stage.link();
  link.subscribe(subjects.ownerProbe(OLD), (message) => {
    expect(read(busSchemas.ownerProbe, message.payload)).toEqual({ sessionId: SESSION });
    if (answer) message.reply?.(encodeEnvelope(TRACE, answer));
  });
  return link;
}
const storedOwner = () => {
  const found = stage.storeServer.sessions.load(SESSION);
  return found.kind === 'found' ? [found.session.owner, found.session.epoch] : found.kind;
};

describe('a new connection', () => {
  it('gets a session of epoch 1 and attachment 1', async () => {
    expect(await settled(newClaim())).toMatchObject({
      kind: 'won',
      session: { epoch: 1, attachment: 1, owner: SELF, rev: 0, state: undefined },
    });
    expect(probings).toBe(0);
  });

  it('does not get one that exists already', async () => {
    await owned();
    expect(await settled(newClaim())).toEqual({ kind: 'unavailable' });
    expect(storedOwner()).toEqual([OLD, 1]);
  });
});

describe('a connection that lost its owner', () => {
  it('wins at once when nobody owns the session, and keeps state and attachment', async () => {
    await owned();
    stage.storeServer.sessions.release(SESSION, 1);
    expect(await settled()).toMatchObject({ kind: 'won', session: { epoch: 2, attachment: 1, rev: 1, state: STATE } });
    expect(probings).toBe(0);
  });

  it('[G6] loses to an owner that lives and has no lease, after an outage of both: until it has had the time to come back', async () => {
    await owned();
    ownerThat({ kind: 'owned', epoch: 1 });
    store.inner.setUnavailable(true);
    await stage.pass(OUTAGE_MS);
    store.inner.setUnavailable(false);
    expect(stage.storeServer.leaseAlive(OLD)).toBe(false);
    expect(await stage.now(claim())).toEqual({ kind: 'owned', owner: OLD, epoch: 1 });
    // The next renewal, and 5 s.
    await stage.pass(5_400);
    expect(await stage.now(claim())).toEqual({ kind: 'owned', owner: OLD, epoch: 1 });
    expect(storedOwner()).toEqual([OLD, 1]);
  });

  it('[G2] wins from an owner that lives and alone has not reached the store for as long as a lease lives', async () => {
    await owned();
    ownerThat({ kind: 'owned', epoch: 1 });
    await stage.pass(2_999);
    expect(await stage.now(claim())).toMatchObject({ kind: 'owned' });
    await stage.pass(1);
    expect(await stage.now(claim())).toMatchObject({ kind: 'won', session: { epoch: 2, state: STATE } });
  });

  it('wins when nobody answers for the owner', async () => {
    await owned();
    expect(await stage.now(claim())).toMatchObject({ kind: 'won' });
    expect(probings).toBe(1);
  });

  it('wins when the owner disowns the session', async () => {
    await owned();
    ownerThat({ kind: 'disowned' });
    expect(await stage.now(claim())).toMatchObject({ kind: 'won' });
  });

  it('wins when the owner is silent for 300 ms, and says meanwhile that it is probing', async () => {
    await owned();
    ownerThat(undefined);
    const winning = claim();
    await stage.pass(299);
    expect(probings).toBe(1);
    expect(storedOwner()).toEqual([OLD, 1]);
    await stage.pass(1);
    expect(await winning).toMatchObject({ kind: 'won' });
  });

  it('loses to an owner that lives', async () => {
    await owned();
    ownerThat({ kind: 'owned', epoch: 1 });
    expect(await stage.now(claim())).toEqual({ kind: 'owned', owner: OLD, epoch: 1 });
    expect(storedOwner()).toEqual([OLD, 1]);
  });

  it('wins back what this process owns in the store only: its claim was applied and not answered', async () => {
    await owned(SELF);
    expect(await settled()).toMatchObject({ kind: 'won', session: { epoch: 2, owner: SELF } });
    expect(probings).toBe(0);
  });

  it('goes beyond the highest epoch its gateway has seen', async () => {
    await owned();
    stage.storeServer.sessions.release(SESSION, 1);
    expect(await settled(keepClaim(7))).toMatchObject({ kind: 'won', session: { epoch: 8 } });
  });
});

describe('two claims for one session that both find it free', () => {
  it('are decided by the store: one wins, the other must ask again', async () => {
    await owned();
    ownerThat(undefined);
    const second = await claimant('orc_second');
    const both = [claim(), claim(keepClaim(), second.claims)];
    await stage.pass(400);
    const kinds = (await Promise.all(both)).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['unavailable', 'won']);
  });

  it('do not win against one that was faster while the owner was probed', async () => {
    await owned();
    ownerThat(undefined);
    const slow = claim();
    await stage.pass(100);
    stage.storeServer.sessions.claim({
      ...{ sessionId: SESSION, owner: 'orc_fast', expectedEpoch: 1, seenEpoch: 1, newAttachment: false, ttlMs: 1e6 },
    });
    await stage.pass(300);
    expect(await slow).toEqual({ kind: 'unavailable' });
    expect(storedOwner()).toEqual(['orc_fast', 2]);
  });
});

describe('a session that is not there', () => {
  it('is gone: never written, unknown, or over', async () => {
    expect(await settled()).toEqual({ kind: 'gone' });
    await settled(newClaim());
    expect(await settled()).toEqual({ kind: 'gone' });
    stage.storeServer.sessions.remove(SESSION, 1, 60_000);
    expect(await settled()).toEqual({ kind: 'gone' });
    expect(await settled(newClaim())).toEqual({ kind: 'gone' });
  });
});

describe('nothing is decided', () => {
  it('[G6] by a store that has lost everything, our own lease too, until owners have written back', async () => {
    await owned();
    await stage.pass(100);
    stage.storeServer.clear();
    expect(await settled()).toEqual({ kind: 'unavailable' });
    // The next renewal, and 5 s.
    await stage.pass(5_899);
    expect(await settled()).toEqual({ kind: 'unavailable' });
    await stage.pass(1);
    expect(await settled()).toEqual({ kind: 'gone' });
  });

  it('[G6] by nobody who answers, or silence, until the owner has had the time to find the bus again', async () => {
    await owned();
    bus.disconnect();
    bus.reconnect();
    await stage.pass(SETTLE_MS - 1);
    expect(await stage.now(claim())).toEqual({ kind: 'unavailable' });
    const link = ownerThat(undefined);
    bus.disconnect();
    bus.reconnect();
    expect(await settled()).toEqual({ kind: 'unavailable' });
    link.disconnect();
    await stage.pass(SETTLE_MS);
    expect(storedOwner()).toEqual([OLD, 1]);
    expect(await stage.now(claim())).toMatchObject({ kind: 'won' });
  });

  it('while the store cannot be reached', async () => {
    await owned();
    store.inner.setUnavailable(true);
    expect(await settled()).toEqual({ kind: 'unavailable' });
    expect(await settled(newClaim())).toEqual({ kind: 'unavailable' });
  });

  it('by a lease that cannot be read: the owner has the word', async () => {
    await owned();
    await stage.pass(3_000);
    ownerThat({ kind: 'owned', epoch: 1 });
    const leaseless: SessionStorePort = Object.assign(Object.create(store) as HeldStore, {
      leaseAlive: async () => ({ kind: 'unavailable', message: 'lost' }) as const,
    });
    expect(await stage.now(claim(keepClaim(), new Claims(leaseless, bus, lease, peers)))).toMatchObject({
      kind: 'owned',
    });
  });

  it('while our own link is down: the silence is ours', async () => {
    await owned();
    bus.disconnect();
    expect(await settled()).toEqual({ kind: 'unavailable' });
    expect(storedOwner()).toEqual([OLD, 1]);
  });

  it('when our own link is lost during the probe', async () => {
    await owned();
    ownerThat(undefined);
    const claiming = claim();
    await stage.pass(200);
    bus.disconnect();
    await stage.pass(200);
    expect(await claiming).toEqual({ kind: 'unavailable' });
    expect(storedOwner()).toEqual([OLD, 1]);
  });

  it('by an answer of the owner that cannot be read: it lives', async () => {
    await owned();
    ownerThat({ kind: 'nonsense' });
    expect(await stage.now(claim())).toEqual({ kind: 'unavailable' });
    expect(storedOwner()).toEqual([OLD, 1]);
  });
});
