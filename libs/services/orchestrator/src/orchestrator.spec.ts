import { subjects, type Claim, type Incarnation, type SessionId } from '@parley/model';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import { Orchestrator } from './orchestrator';
import {
  CONFIG,
  GatewayDouble,
  keepClaim,
  newClaim,
  OrchestratorStage,
  read,
  SESSION,
  TRACE,
  turnOf,
  updateOf,
  WorkerDouble,
} from './orchestrator-stage.fixture';
import type { OrchestratorConfig } from './config';
import { decodeRecord, encodeRecord, type SessionRecord } from './session/session-record';

interface Staged {
  service: Orchestrator;
  ports: ReturnType<OrchestratorStage['process']>;
  /** As SIGKILL. */
  kill(): void;
}

let stage: OrchestratorStage;
let gateway: GatewayDouble;
let staged: Staged[];

beforeEach(() => {
  stage = new OrchestratorStage();
  gateway = new GatewayDouble(stage);
  staged = [];
});
afterEach(async () => {
  for (const { service } of staged) await stage.system.runUntil(service.stop(1_000));
  await stage.pass(20_000);
  expect(stage.system.pendingTimers).toBe(0);
});

async function start(config: Partial<OrchestratorConfig> = {}): Promise<Staged> {
  const ports = stage.process();
  const service = new Orchestrator(ports, { ...CONFIG, ...config });
  const one: Staged = {
    service,
    ports,
    kill: () => {
      ports.bus.kill();
      ports.store.inner.setUnavailable(true);
    },
  };
  staged.push(one);
  await stage.now(service.start());
  return one;
}

const claim = (body = newClaim()) => stage.now(gateway.claim(body));
const greetingOf = (reply: Awaited<ReturnType<typeof claim>>): unknown[] =>
  typeof reply === 'object' && reply.kind === 'granted' ? (reply.opening?.greeting ?? []) : [];
const leaseOf = (owner: Incarnation): boolean => stage.storeServer.leaseAlive(owner);
const probe = async (owner: Incarnation, sessionId: SessionId): Promise<unknown> => {
  const payload = encodeEnvelope(TRACE, { sessionId });
  const outcome = await stage.now(gateway.bus.request(subjects.ownerProbe(owner), payload, { timeoutMs: 100 }));
  return outcome.kind === 'reply' ? read(busSchemas.ownerProbeReply, outcome.payload) : outcome.kind;
};

describe('a claim of a new session', () => {
  it('is granted by a process that then takes its inputs and greets its client', async () => {
    const { service } = await start();
    const reply = await claim();
    expect(reply).toMatchObject({ kind: 'granted', epoch: 1, attachment: 1, owner: service.incarnation });
    expect(greetingOf(reply)).toMatchObject([
      { type: 'session.created' },
      { type: 'parley.session', resume_token: expect.stringMatching(/^sess_one\.[0-9a-f]{32}$/), resumed: false },
      { type: 'parley.state', state: 'listening' },
    ]);
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { rev: 1 } });
    expect(await stage.now(gateway.send(updateOf('Be kind.')))).toEqual({ kind: 'applied', seq: 1 });
  });

  it('that comes again because its answer was lost is granted as before, with the same greeting', async () => {
    await start();
    const first = await claim();
    expect(await claim()).toEqual(first);
  });

  it('that comes again while the first is under way is left to the first: no session is carried twice', async () => {
    const { ports } = await start();
    const slow = ports.store.claim;
    ports.store.claim = async (request) => {
      const outcome = await slow(request);
      await new Promise<void>((resolve) => stage.system.timers.after(1_000, resolve));
      return outcome;
    };
    const first = gateway.claim(newClaim());
    await stage.pass(750);
    expect(await first).toBe('timeout');
    // It would find the session in the store as this process’s own, and take it from itself.
    const second = gateway.claim(keepClaim(0));
    await stage.pass(750);
    expect(await second).toBe('timeout');
    expect(await claim()).toMatchObject({ kind: 'granted', epoch: 1 });
    expect(stage.counted('parley_sessions_total orchestrator')).toBe(1);
  });

  it.each([
    ['named', 'model-2'],
    ['unknown', 'model-1'],
    [null, 'model-1'],
    ['constructor', 'model-1'],
    ['__proto__', 'model-1'],
  ])('that names the model %s gets %s', async (named, model) => {
    await start();
    expect(greetingOf(await claim(newClaim(SESSION, named)))[0]).toMatchObject({
      type: 'session.created',
      session: { model },
    });
  });

  it.each([
    ['named', 'other', ['invalid_value']],
    ['named', 'alias', []],
    ['named', 'unknown', []],
    ['unknown', 'other', []],
    [null, 'other', []],
  ])('[CL9] opened with the model %s and told of %s refuses: %j', async (named, told, codes) => {
    await start();
    await claim(newClaim(SESSION, named));
    await stage.now(gateway.send({ kind: 'session-updated', patch: {}, model: told }));
    expect(gateway.of('error').map(({ error }) => error.code)).toEqual(codes);
  });

  it('begins with what its client’s secret says, which the client may change', async () => {
    await start();
    const connection = {
      ...{ parley: true, model: null },
      defaults: { instructions: 'Be kind.', voice: 'marin', toolChoice: 'none', settings: { tracing: 'auto' } },
    } as const;
    expect(greetingOf(await claim({ ...newClaim(), attach: { kind: 'new', connection } }))[0]).toMatchObject({
      type: 'session.created',
      session: {
        ...{ model: 'model-1', instructions: 'Be kind.', tool_choice: 'none', tracing: 'auto' },
        audio: { output: { voice: 'marin' } },
      },
    });
    await stage.now(gateway.send({ kind: 'session-updated', patch: { instructions: null, voice: 'alloy' } }));
    expect(gateway.of('event').at(-1)).toMatchObject({
      event: {
        type: 'session.updated',
        session: { instructions: CONFIG.instructions, tool_choice: 'none', audio: { output: { voice: 'alloy' } } },
      },
    });
  });

  it('is refused as full at the limit, claims under way included, and granted when one is over', async () => {
    await start({ maxSessions: 2 });
    const claims = ['sess_a', 'sess_b', 'sess_c'].map((id) => gateway.claim(newClaim(id as SessionId)));
    await stage.pass();
    expect((await Promise.all(claims)).map((reply) => (typeof reply === 'string' ? reply : reply.kind))).toEqual([
      'granted',
      'granted',
      'full',
    ]);
    const other = new GatewayDouble(stage, 'sess_a');
    await stage.now(other.send({ kind: 'disconnected', reason: 'client' }));
    expect(await claim(newClaim('sess_c'))).toMatchObject({ kind: 'granted' });
  });

  it('is granted by another one when a full one was asked first', async () => {
    await start({ maxSessions: 0 });
    await start();
    const kinds = new Set<string>();
    for (let n = 0; n < 20 && !kinds.has('granted'); n++) {
      const reply = await claim(newClaim(`sess_${n}`));
      kinds.add(typeof reply === 'string' ? reply : reply.kind);
    }
    expect(kinds.has('granted')).toBe(true);
  });

  it('goes past a full one, which is not asked while another has room', async () => {
    await start({ maxSessions: 1 });
    await start();
    const replies = [];
    for (let n = 0; n < 12; n++) replies.push(await claim(newClaim(`sess_${n}`)));
    expect(replies.map((reply) => (typeof reply === 'string' ? reply : reply.kind))).toEqual(
      Array.from({ length: 12 }, () => 'granted'),
    );
  });

  it('is refused while all voice workers are in reserve, and granted when one has room, or none works at all', async () => {
    await start();
    expect(await claim(newClaim('sess_textonly'))).toMatchObject({ kind: 'granted' });
    const worker = new WorkerDouble(stage);
    worker.leaveGroup();
    expect(await claim()).toEqual({ kind: 'full' });
    new WorkerDouble(stage, 'tts_two');
    expect(await claim()).toMatchObject({ kind: 'granted' });
    expect(worker.opens).toEqual([]);
  });

  it('is not answered while the store cannot be reached: another one may reach it', async () => {
    const { ports } = await start();
    ports.store.inner.setUnavailable(true);
    const answer = gateway.claim(newClaim());
    await stage.pass(750);
    expect(await answer).toBe('timeout');
  });

  it('that cannot be read is left out', async () => {
    await start();
    gateway.bus.publish(subjects.claim, new TextEncoder().encode('{}'));
    await stage.pass();
    expect(stage.logged('a claim cannot be read')).toBe(1);
    expect(await claim()).toMatchObject({ kind: 'granted' });
  });
});

describe('a takeover', () => {
  it('by keep goes on with the session of a process that died, under a higher epoch', async () => {
    const first = await start();
    await claim();
    await stage.now(gateway.send(turnOf(1)));
    const second = await start();
    first.kill();
    // The dead one is still a member of the group as far as its store and lease go.
    const reply = await claim(keepClaim());
    expect(reply).toMatchObject({ kind: 'granted', epoch: 2, attachment: 1, owner: second.service.incarnation });
    await stage.pass();
    expect(gateway.of('adopted')).toMatchObject([{ epoch: 2, ordinal: 1 }]);
    expect(stage.counted('parley_takeovers_total')).toBe(1);
    expect(await stage.now(gateway.send(turnOf(2), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 2 });
    expect(stage.llm.calls).toHaveLength(2);
  });

  it('does not happen to an owner that lives', async () => {
    const first = await start();
    await claim();
    const claimer = await start();
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
    expect(await probe(first.service.incarnation, SESSION)).toEqual({ kind: 'owned', epoch: 1 });
  });

  it('claimed at two processes at once has one winner, and the client goes on with it', async () => {
    const first = await start();
    await claim();
    const others = [await start(), await start()];
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
    for (const { service } of others) words.push(await probe(service.incarnation, SESSION));
    expect(words.filter((word) => JSON.stringify(word) === '{"kind":"owned","epoch":2}')).toHaveLength(1);
    expect(await stage.now(gateway.send(updateOf('Be kind.'), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 1 });
  });

  it('whose grant was lost is not undone: the older owner does not grant again out of its memory', async () => {
    const first = await start();
    await claim();
    const taken = { sessionId: SESSION, owner: 'orc_two', newAttachment: false, ttlMs: 1e6 } as const;
    stage.storeServer.sessions.claim({ ...taken, expectedEpoch: 1, seenEpoch: 1 });
    // The gateway has heard of no later owner.
    expect(await claim(keepClaim(1))).toMatchObject({
      ...{ kind: 'granted', epoch: 3, attachment: 1, owner: first.service.incarnation },
    });
  });

  it('of a session that ended before its owner could remove it finds nothing', async () => {
    const first = await start();
    await claim();
    first.ports.store.remove = async () => ({ kind: 'unavailable', message: 'lost' });
    await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }));
    first.kill();
    await start();
    await stage.pass(3_500);
    expect(await claim(keepClaim())).toEqual({ kind: 'gone' });
    expect(stage.logged('a stored session cannot be read')).toBe(0);
  });

  describe('of a session that no message can hold, as an older release may have left it', () => {
    const HUGE = 'x'.repeat(1_100_000);

    /** Its owner dies, and leaves this. Returns the token of its client. */
    async function leave(change: (stored: SessionRecord) => void): Promise<string> {
      const { sessions } = stage.storeServer;
      const { service, kill } = await start();
      await claim();
      kill();
      const found = sessions.load(SESSION);
      const decoded = found.kind === 'found' && found.session.state ? decodeRecord(found.session.state) : undefined;
      if (!decoded?.ok) throw new Error('nothing readable is stored');
      const { record } = decoded;
      change(record);
      const state = encodeRecord(record);
      const owner = service.incarnation;
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
      expect(await claim(keepClaim(1))).toEqual({ kind: 'gone' });
    }

    it('ends with it, once: neither this process nor the next one', async () => {
      await leave((record) => {
        const output = { kind: 'event', event: { type: 'session.updated', HUGE } } as const;
        record.outbox.push({ outSeq: ++record.outSeq, output });
      });
      await start();
      await start();
      await expectEnd(keepClaim(1));
    });

    it('by a client that resumes, whose greeting it is, ends it too', async () => {
      const token = await leave(({ engine }) => Object.assign(engine.session, { instructions: HUGE }));
      await start();
      const attach = { kind: 'resume', connectionId: 'c', token, received: null, receivedOutSeq: 0 } as const;
      await expectEnd({ ...keepClaim(1), attach });
    });
  });

  it('of a session whose state cannot be read finds nothing, and says so in the log', async () => {
    await start();
    const { sessions } = stage.storeServer;
    const owner = 'orc_gone';
    sessions.claim({ sessionId: SESSION, owner, expectedEpoch: 0, seenEpoch: 0, newAttachment: true, ttlMs: 1e6 });
    const state = new TextEncoder().encode('{"v":9}');
    sessions.write({ sessionId: SESSION, epoch: 1, rev: 1, owner, attachment: 1, state, ttlMs: 1e6 });
    expect(await claim(keepClaim())).toEqual({ kind: 'gone' });
    expect(stage.logged('a stored session cannot be read')).toBe(1);
  });
});

describe('an orchestrator whose event loop is late', () => {
  it('is asked for no new session, refuses one that finds nobody else, and takes them again when it has time', async () => {
    await start();
    await stage.system.stayAtLag(101, 1_000);
    expect(await claim()).toBe('no-responders');
    expect(await stage.now(gateway.claim(newClaim(), subjects.claimReserve))).toEqual({ kind: 'full' });
    await stage.system.stayAtLag(49, 3_000);
    expect(await claim()).toMatchObject({ kind: 'granted' });
  });

  it('takes over a session that lost its owner and finds nobody else', async () => {
    const first = await start();
    await claim();
    const second = await start();
    first.kill();
    await stage.system.stayAtLag(101, 1_000);
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toMatchObject({
      ...{ kind: 'granted', epoch: 2, attachment: 1, owner: second.service.incarnation },
    });
  });

  it('takes over none beyond its limit of sessions', async () => {
    const first = await start();
    await claim();
    await start({ maxSessions: 1 });
    const other = new GatewayDouble(stage, 'sess_other');
    await stage.now(other.claim(newClaim('sess_other')));
    await stage.now(other.claim(newClaim('sess_another')));
    first.kill();
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toEqual({ kind: 'full' });
  });
});

describe('the lease', () => {
  it('is held from the start, renewed before it ends, and given back at the stop', async () => {
    const { service } = await start();
    expect(leaseOf(service.incarnation)).toBe(true);
    for (let n = 0; n < 20; n++) {
      await stage.pass(500);
      expect(leaseOf(service.incarnation)).toBe(true);
    }
    await stage.now(service.stop(1_000));
    expect(leaseOf(service.incarnation)).toBe(false);
    await stage.pass(5_000);
    expect(leaseOf(service.incarnation)).toBe(false);
  });

  it('of a process that died ends within 3 s', async () => {
    const { service, kill } = await start();
    await stage.pass(950);
    kill();
    await stage.pass(3_000);
    expect(leaseOf(service.incarnation)).toBe(false);
  });

  it('that cannot be renewed makes the process not ready, until it is', async () => {
    const { service, ports } = await start();
    expect(service.readiness()).toEqual({ ready: true, reasons: [] });
    ports.store.inner.setUnavailable(true);
    await stage.pass(1_000);
    expect(service.readiness()).toEqual({ ready: false, reasons: ['the session store cannot be reached'] });
    expect(stage.counted('parley_store_failures_total lease')).toBe(1);
    ports.bus.disconnect();
    expect(service.readiness().reasons).toEqual(['the bus cannot be reached', 'the session store cannot be reached']);
    ports.store.inner.setUnavailable(false);
    ports.bus.reconnect();
    await stage.pass(1_000);
    expect(service.readiness()).toEqual({ ready: true, reasons: [] });
  });
});

describe('an orchestrator that cannot reach the store', () => {
  it('[G2] is not asked while another one can, and is again when it can itself', async () => {
    const { ports } = await start();
    const { service: other } = await start();
    ports.store.inner.setUnavailable(true);
    await stage.pass(1_000);
    for (let n = 0; n < 12; n++) {
      expect(await claim(newClaim(`sess_${n}`))).toMatchObject({ kind: 'granted', owner: other.incarnation });
    }
    ports.store.inner.setUnavailable(false);
    await stage.pass(1_000);
    const owners = new Set<unknown>();
    for (let n = 12; n < 32; n++) {
      const reply = await claim(newClaim(`sess_${n}`));
      owners.add(typeof reply === 'object' && reply.kind === 'granted' && reply.owner);
    }
    expect(owners.size).toBe(2);
  });

  it('[G2] as nobody can: is asked in reserve, and keeps what it owns', async () => {
    const { service } = await start();
    await claim();
    stage.storeServer.setUnavailable(true);
    await stage.pass(10_000);
    expect(await claim(keepClaim())).toBe('no-responders');
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toMatchObject({
      ...{ kind: 'granted', epoch: 1, owner: service.incarnation },
    });
    stage.storeServer.setUnavailable(false);
  });
});

describe('a planned stop', () => {
  it('claims no more, lets the running answer end, and then frees the session for another process', async () => {
    const { service } = await start();
    await claim();
    await stage.now(gateway.send(turnOf(1)));
    let stopped = false;
    const stopping = service.stop(10_000).then(() => (stopped = true));
    expect(service.readiness().reasons).toEqual(['stopping']);
    await stage.pass(2_000);
    expect(stopped).toBe(false);
    expect(await claim(newClaim('sess_other'))).toBe('no-responders');
    // The session is served meanwhile.
    expect(await stage.now(gateway.send(updateOf('Be kind.')))).toEqual({ kind: 'applied', seq: 2 });
    stage.llm.call(0).writes('One two three four.');
    stage.llm.call(0).finishes();
    await stage.pass(100);
    gateway.report({
      acknowledgedOutSeq: 99,
      announcedOrdinal: 1,
      responses: [
        {
          ...{
            lane: 0,
            ordinal: 1,
            responseId: 'resp_1',
            playedSamples: 0,
            ended: false,
            closed: true,
            holedAttempt: null,
          },
          segments: [{ attempt: 1, samples: 24_000, last: true }],
        },
      ],
    });
    await stage.pass(100);
    expect(stopped).toBe(true);
    await stopping;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined } });
    await start();
    expect(await claim(keepClaim())).toMatchObject({ kind: 'granted', epoch: 2 });
  });

  it('ends at its deadline in mid-answer, and the session goes on elsewhere', async () => {
    const { service } = await start();
    await claim();
    await stage.now(gateway.send(turnOf(1)));
    const stopping = service.stop(3_000);
    expect(service.stop(9_000)).toBe(stopping);
    await stage.pass(3_100);
    await stopping;
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
    await start();
    expect(await claim(keepClaim())).toMatchObject({ kind: 'granted', epoch: 2 });
  });

  it('ends at its deadline though the store is away', async () => {
    const { service, ports } = await start();
    await claim();
    ports.store.inner.setUnavailable(true);
    void gateway.send(turnOf(1));
    await stage.pass();
    const stopping = service.stop(3_000);
    await stage.pass(3_100);
    await stopping;
  });

  it('waits for a claim under way, and frees what that one won', async () => {
    const { service, ports } = await start();
    const slow = ports.store.claim;
    ports.store.claim = async (request) => {
      const outcome = await slow(request);
      await new Promise<void>((resolve) => stage.system.timers.after(200, resolve));
      return outcome;
    };
    void gateway.claim(newClaim());
    await stage.pass(100);
    const stopping = service.stop(3_000);
    await stage.pass(500);
    await stopping;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined } });
  });
});

describe('word from others', () => {
  it('of a probe is whether the session is carried here', async () => {
    const { service } = await start();
    expect(await probe(service.incarnation, SESSION)).toEqual({ kind: 'disowned' });
    await claim();
    expect(await probe(service.incarnation, SESSION)).toEqual({ kind: 'owned', epoch: 1 });
    await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }));
    expect(await probe(service.incarnation, SESSION)).toEqual({ kind: 'disowned' });
  });

  it('of a voice that failed is acknowledged, and ends the response it is about', async () => {
    const { service } = await start();
    const worker = new WorkerDouble(stage);
    await claim();
    await stage.now(gateway.send(turnOf(1)));
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    const failure = { kind: 'cut', message: 'The voice broke.' } as const;
    const key = { sessionId: SESSION, epoch: 1, lane: 0, ordinal: 1, attempt: 1, segment: 0 };
    const tell = (sessionId: SessionId) =>
      stage.now(
        worker.bus.request(
          subjects.ownerVoice(service.incarnation),
          encodeEnvelope(TRACE, { ...key, sessionId, failure }),
          { timeoutMs: 100 },
        ),
      );
    expect((await tell('sess_unknown')).kind).toBe('reply');
    expect(gateway.of('end')).toEqual([]);
    expect((await tell(SESSION)).kind).toBe('reply');
    expect(gateway.of('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
  });
});
