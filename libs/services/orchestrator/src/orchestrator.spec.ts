import { subjects, type ClaimReply, type SessionId } from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import {
  CONFIG,
  GatewayDouble,
  keepClaim,
  newClaim,
  SESSION,
  TRACE,
  turnOf,
  updateOf,
  WorkerDouble,
} from './orchestrator-stage.fixture';
import { RunningOrchestrators } from './running-orchestrators.fixture';

let stage: RunningOrchestrators;
let gateway: GatewayDouble;

beforeEach(() => {
  stage = new RunningOrchestrators();
  ({ gateway } = stage);
});
afterEach(() => stage.end());

const greetingOf = (reply: ClaimReply | string): unknown[] =>
  typeof reply === 'object' && reply.kind === 'granted' ? (reply.opening?.greeting ?? []) : [];

describe('a claim of a new session', () => {
  it('is granted by a process that then takes its inputs and greets its client', async () => {
    const { service } = await stage.start();
    const reply = await stage.claim();
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
    await stage.start();
    const first = await stage.claim();
    expect(await stage.claim()).toEqual(first);
  });

  it('that comes again while the first is under way is left to the first: no session is carried twice', async () => {
    const one = await stage.start();
    one.delayClaims(1_000);
    const first = gateway.claim(newClaim());
    await stage.pass(750);
    expect(await first).toBe('timeout');
    // It would find the session in the store as this process’s own, and take it from itself.
    const second = gateway.claim(keepClaim(0));
    await stage.pass(750);
    expect(await second).toBe('timeout');
    expect(await stage.claim()).toMatchObject({ kind: 'granted', epoch: 1 });
    expect(stage.counted('parley_sessions_total orchestrator')).toBe(1);
  });

  it.each([
    ['named', 'model-2'],
    ['unknown', 'model-1'],
    [null, 'model-1'],
    ['constructor', 'model-1'],
    ['__proto__', 'model-1'],
  ])('that names the model %s gets %s', async (named, model) => {
    await stage.start();
    expect(greetingOf(await stage.claim(newClaim(SESSION, named)))[0]).toMatchObject({
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
    await stage.start();
    await stage.claim(newClaim(SESSION, named));
    await stage.now(gateway.send({ kind: 'session-updated', patch: {}, model: told }));
    expect(gateway.of('error').map(({ error }) => error.code)).toEqual(codes);
  });

  it('begins with what its client’s secret says, which the client may change', async () => {
    await stage.start();
    const connection = {
      ...{ parley: true, model: null },
      defaults: { instructions: 'Be kind.', voice: 'marin', toolChoice: 'none', settings: { tracing: 'auto' } },
    } as const;
    expect(greetingOf(await stage.claim({ ...newClaim(), attach: { kind: 'new', connection } }))[0]).toMatchObject({
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
    await stage.start({ maxSessions: 2 });
    const claims = ['sess_a', 'sess_b', 'sess_c'].map((id) => gateway.claim(newClaim(id as SessionId)));
    await stage.pass();
    expect((await Promise.all(claims)).map((reply) => (typeof reply === 'string' ? reply : reply.kind))).toEqual([
      'granted',
      'granted',
      'full',
    ]);
    const other = new GatewayDouble(stage, 'sess_a');
    await stage.now(other.send({ kind: 'disconnected', reason: 'client' }));
    expect(await stage.claim(newClaim('sess_c'))).toMatchObject({ kind: 'granted' });
  });

  it('is granted by another one when a full one was asked first', async () => {
    await stage.start({ maxSessions: 0 });
    await stage.start();
    const kinds = new Set<string>();
    for (let n = 0; n < 20 && !kinds.has('granted'); n++) {
      const reply = await stage.claim(newClaim(`sess_${n}`));
      kinds.add(typeof reply === 'string' ? reply : reply.kind);
    }
    expect(kinds.has('granted')).toBe(true);
  });

  it('goes past a full one, which is not asked while another has room', async () => {
    await stage.start({ maxSessions: 1 });
    await stage.start();
    const replies = [];
    for (let n = 0; n < 12; n++) replies.push(await stage.claim(newClaim(`sess_${n}`)));
    expect(replies.map((reply) => (typeof reply === 'string' ? reply : reply.kind))).toEqual(
      Array.from({ length: 12 }, () => 'granted'),
    );
  });

  it('is refused while all voice workers are in reserve, and granted when one has room, or none works at all', async () => {
    await stage.start();
    expect(await stage.claim(newClaim('sess_textonly'))).toMatchObject({ kind: 'granted' });
    const worker = new WorkerDouble(stage);
    worker.leaveGroup();
    expect(await stage.claim()).toEqual({ kind: 'full' });
    new WorkerDouble(stage, 'tts_two');
    expect(await stage.claim()).toMatchObject({ kind: 'granted' });
    expect(worker.opens).toEqual([]);
  });

  it('is not answered while the store cannot be reached: another one may reach it', async () => {
    const { ports } = await stage.start();
    ports.store.inner.setUnavailable(true);
    const answer = gateway.claim(newClaim());
    await stage.pass(750);
    expect(await answer).toBe('timeout');
  });

  it('that cannot be read is left out', async () => {
    await stage.start();
    gateway.bus.publish(subjects.claim, new TextEncoder().encode('{}'));
    await stage.pass();
    expect(stage.logged('a claim cannot be read')).toBe(1);
    expect(await stage.claim()).toMatchObject({ kind: 'granted' });
  });
});

describe('word from others', () => {
  it('of a probe is whether the session is carried here', async () => {
    const { service } = await stage.start();
    expect(await stage.probe(service.incarnation, SESSION)).toEqual({ kind: 'disowned' });
    await stage.claim();
    expect(await stage.probe(service.incarnation, SESSION)).toEqual({ kind: 'owned', epoch: 1 });
    await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }));
    expect(await stage.probe(service.incarnation, SESSION)).toEqual({ kind: 'disowned' });
  });

  it('of a voice that failed is acknowledged, and ends the response it is about', async () => {
    const { service } = await stage.start();
    const worker = new WorkerDouble(stage);
    await stage.claim();
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
