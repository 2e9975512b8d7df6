import { subjects, type Claim } from '@parley/model';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import {
  keepClaim,
  numbersOf,
  read,
  SESSION,
  TRACE,
  turnOf,
  updateOf,
  type GatewayDouble,
} from './orchestrator-stage.fixture';
import { RunningOrchestrators } from './running-orchestrators.fixture';
import { decodeRecord, encodeRecord, type SessionRecord } from './session/session-record';

let stage: RunningOrchestrators;
let gateway: GatewayDouble;

beforeEach(() => {
  stage = new RunningOrchestrators();
  ({ gateway } = stage);
});
afterEach(() => stage.end());

function storedRecord(): SessionRecord {
  const found = stage.storeServer.sessions.load(SESSION);
  const decoded = found.kind === 'found' && found.session.state ? decodeRecord(found.session.state) : undefined;
  if (!decoded?.ok) throw new Error('nothing readable is stored');
  return decoded.record;
}

describe('a takeover', () => {
  it('by keep goes on with the session of a process that died, under a higher epoch', async () => {
    const first = await stage.start();
    await stage.claim();
    await stage.now(gateway.send(turnOf(1)));
    const second = await stage.start();
    first.kill();
    // The dead one is still a member of the group as far as its store and lease go.
    const reply = await stage.claim(keepClaim());
    expect(reply).toMatchObject({ kind: 'granted', epoch: 2, attachment: 1, owner: second.service.incarnation });
    await stage.pass();
    expect(gateway.of('adopted')).toMatchObject([{ epoch: 2, ordinal: 1 }]);
    expect(stage.counted('parley_takeovers_total')).toBe(1);
    expect(await stage.now(gateway.send(turnOf(2), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 2 });
    expect(stage.llm.calls).toHaveLength(2);
  });

  it('does not happen to an owner that lives', async () => {
    const first = await stage.start();
    await stage.claim();
    const claimer = await stage.start();
    // Only the other one takes claims.
    const payload = encodeEnvelope(TRACE, keepClaim());
    first.ports.bus.disconnect();
    const asking = gateway.bus.request(subjects.claim, payload, {
      timeoutMs: 750,
      isFinal: (reply) => read(busSchemas.claimReply, reply).kind !== 'probing',
    });
    first.ports.bus.reconnect();
    const outcome = await stage.now(asking);
    expect(outcome.kind === 'reply' && read(busSchemas.claimReply, outcome.payload)).toEqual({
      kind: 'owned',
      epoch: 1,
      owner: first.service.incarnation,
    });
    expect(claimer.service.readiness().ready).toBe(true);
    expect(await stage.probe(first.service.incarnation, SESSION)).toEqual({ kind: 'owned', epoch: 1 });
  });

  it('claimed at two processes at once has one winner, and the client goes on with it', async () => {
    const first = await stage.start();
    await stage.claim();
    const others = [await stage.start(), await stage.start()];
    first.kill();
    const replies = [gateway.claim(keepClaim()), gateway.claim(keepClaim()), gateway.claim(keepClaim())];
    await stage.pass(800);
    const epochs = new Set(
      (await Promise.all(replies)).flatMap((reply) =>
        typeof reply !== 'string' && (reply.kind === 'granted' || reply.kind === 'owned') ? [reply.epoch] : [],
      ),
    );
    expect([...epochs]).toEqual([2]);
    const words = [];
    for (const { service } of others) words.push(await stage.probe(service.incarnation, SESSION));
    expect(words.filter((word) => JSON.stringify(word) === '{"kind":"owned","epoch":2}')).toHaveLength(1);
    expect(await stage.now(gateway.send(updateOf('Be kind.'), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 1 });
  });

  it('whose grant was lost is not undone: the older owner does not grant again out of its memory', async () => {
    const first = await stage.start();
    await stage.claim();
    const taken = { sessionId: SESSION, owner: 'orc_two', newAttachment: false, ttlMs: 1e6 } as const;
    stage.storeServer.sessions.claim({ ...taken, expectedEpoch: 1, seenEpoch: 1 });
    // The gateway has heard of no later owner.
    expect(await stage.claim(keepClaim(1))).toMatchObject({
      ...{ kind: 'granted', epoch: 3, attachment: 1, owner: first.service.incarnation },
    });
  });

  it('of a session that ended before its owner could remove it finds nothing', async () => {
    const first = await stage.start();
    await stage.claim();
    first.ports.store.remove = async () => ({ kind: 'unavailable', message: 'lost' });
    await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }));
    first.kill();
    await stage.start();
    await stage.pass(3_500);
    expect(await stage.claim(keepClaim())).toEqual({ kind: 'gone' });
    expect(stage.logged('a stored session cannot be read')).toBe(0);
  });

  describe('of a session that no message can hold, as an older release may have left it', () => {
    const HUGE = 'x'.repeat(1_100_000);

    /** Its owner dies, and leaves this. Returns the token of its client. */
    async function leave(change: (stored: SessionRecord) => void): Promise<string> {
      const { sessions } = stage.storeServer;
      const first = await stage.start();
      await stage.claim();
      first.kill();
      const record = storedRecord();
      change(record);
      const state = encodeRecord(record);
      const owner = first.service.incarnation;
      sessions.write({ sessionId: SESSION, epoch: 1, rev: 9, owner, attachment: 1, state, ttlMs: 1e9 });
      await stage.pass(4_000);
      return record.resume?.token ?? '';
    }
    /** Nobody answers the claim, and the next one finds that there is nothing to claim. */
    async function expectEnd(claimed: Claim): Promise<void> {
      const answer = gateway.claim(claimed);
      await stage.pass(1_000);
      expect(await answer).toBe('timeout');
      expect(stage.logged('a session is given up')).toBe(1);
      expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ kind: 'removed' });
      expect(await stage.claim(keepClaim(1))).toEqual({ kind: 'gone' });
    }

    it('ends with it, once: neither this process nor the next one', async () => {
      await leave((record) => {
        const output = { kind: 'event', event: { type: 'session.updated', HUGE } } as const;
        record.outbox.push({ outSeq: ++record.outSeq, output });
      });
      await stage.start();
      await stage.start();
      await expectEnd(keepClaim(1));
    });

    it('by a client that resumes, whose greeting it is, ends it too', async () => {
      const token = await leave(({ engine }) => Object.assign(engine.session, { instructions: HUGE }));
      await stage.start();
      const attach = { kind: 'resume', connectionId: 'c', token, received: null, receivedOutSeq: 0 } as const;
      await expectEnd({ ...keepClaim(1), attach });
    });
  });

  it('[G2] asked for by the gateway of a connection that was replaced meanwhile waits for the word of the newer one’s', async () => {
    const first = await stage.start();
    await stage.claim();
    await stage.now(gateway.send(turnOf(1)));
    const acknowledgedOutSeq = gateway.messages.flatMap(numbersOf).at(-1) ?? 0;
    const { token = '' } = storedRecord().resume ?? {};
    const second = await stage.start();
    const { store } = second.ports;
    const { load } = store;
    store.load = async (sessionId) => {
      const before = await load(sessionId);
      store.load = load;
      const attach = { kind: 'resume', connectionId: 'c', token, received: null, receivedOutSeq: 0 } as const;
      await gateway.claim({ ...keepClaim(), attach }, subjects.ownerClaim(first.service.incarnation));
      first.kill();
      return before;
    };
    const keeps = (attachment: number, knownOutSeq: number): Claim => {
      const delivered = { acknowledgedOutSeq: knownOutSeq, linkLosses: 0, announcedOrdinal: 0, responses: [] };
      return { ...keepClaim(), attach: { kind: 'keep', attachment, delivered } };
    };
    const replaced = gateway.claim(keeps(1, acknowledgedOutSeq), subjects.ownerClaim(second.service.incarnation));
    await stage.pass(700);
    expect(await replaced).toEqual({ kind: 'superseded' });
    gateway.messages.length = 0;
    expect(await stage.claim(keeps(2, 0))).toMatchObject({ kind: 'granted', epoch: 2, attachment: 2 });
    await stage.pass(100);
    const numbers = gateway.messages.flatMap(numbersOf);
    expect(acknowledgedOutSeq).toBeGreaterThan(1);
    expect(numbers.slice(0, acknowledgedOutSeq)).toEqual(
      Array.from({ length: acknowledgedOutSeq }, (_, index) => index + 1),
    );
  });

  it('of a session whose state cannot be read finds nothing, and says so in the log', async () => {
    await stage.start();
    const { sessions } = stage.storeServer;
    const owner = 'orc_gone';
    sessions.claim({ sessionId: SESSION, owner, expectedEpoch: 0, seenEpoch: 0, newAttachment: true, ttlMs: 1e6 });
    const state = new TextEncoder().encode('{"v":9}');
    sessions.write({ sessionId: SESSION, epoch: 1, rev: 1, owner, attachment: 1, state, ttlMs: 1e6 });
    expect(await stage.claim(keepClaim())).toEqual({ kind: 'gone' });
    expect(stage.logged('a stored session cannot be read')).toBe(1);
  });
});
