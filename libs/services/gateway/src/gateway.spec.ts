import {
  InvariantError,
  subjects,
  type Claim,
  type ClaimReply,
  type SecretFindReply,
  type SessionId,
} from '@parley/model';
import type { Admission, ConnectionListener, UpgradeRequest } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import { Gateway } from './gateway';
import { GatewayStage, OwnerDouble, TestConnection, TRACE } from './gateway-stage.fixture';

const REQUEST: UpgradeRequest = {
  path: '/v1/realtime',
  query: {},
  headers: { authorization: 'Bearer key' },
  subprotocols: ['parley.v1'],
  loopback: false,
};

let stage: GatewayStage;
let owner: OwnerDouble;
let gateway: Gateway;

beforeEach(async () => {
  stage = new GatewayStage();
  owner = new OwnerDouble(stage);
  gateway = make(2);
  await stage.now(gateway.start());
});
afterEach(async () => {
  await stage.system.runUntil(gateway.stop(5_000));
  await stage.pass(5_000);
  expect(stage.system.pendingTimers).toBe(0);
});

function make(maxConnections: number): Gateway {
  const { bus, system, log, telemetry } = stage;
  return new Gateway(
    { bus, system, log, telemetry },
    { apiKeys: ['key'], devKeyAllowed: false, maxConnections, maxLagMs: 100 },
  );
}

const admit = (more: Partial<UpgradeRequest> = {}): Promise<Admission> => gateway.admit({ ...REQUEST, ...more });
async function admitted(more: Partial<UpgradeRequest> = {}): Promise<Extract<Admission, { kind: 'admitted' }>> {
  const admission = await stage.now(admit(more));
  if (admission.kind !== 'admitted') throw new InvariantError(`refused: ${admission.body}`);
  return admission;
}
async function connect(more: Partial<UpgradeRequest> = {}): Promise<{
  connection: TestConnection;
  listener: ConnectionListener;
}> {
  const connection = new TestConnection();
  return { connection, listener: (await admitted(more)).open(connection) };
}
async function refusal(more: Partial<UpgradeRequest> = {}): Promise<{ status: number; code: string; retry?: string }> {
  const admission = await stage.system.runUntil(admit(more));
  if (admission.kind !== 'refused') throw new InvariantError('admitted');
  const { code } = (JSON.parse(admission.body) as { error: { code: string } }).error;
  const retry = admission.headers['retry-after'];
  return { status: admission.status, code, ...(retry === undefined ? {} : { retry }) };
}

describe('admission', () => {
  it('claims a session of its own for each connection, before the upgrade is answered', async () => {
    await connect({ query: { model: 'm' } });
    await connect({ subprotocols: ['realtime'] });
    expect(owner.claims.map(({ attach }) => attach)).toEqual([
      { kind: 'new', connection: { parley: true, model: 'm' } },
      { kind: 'new', connection: { parley: false, model: null } },
    ]);
    expect(new Set(owner.claims.map(({ sessionId }) => sessionId)).size).toBe(2);
  });

  it.each<[Partial<UpgradeRequest>, unknown]>([
    [{ path: '/v1/other' }, { status: 404, code: 'path' }],
    [{ headers: {} }, { status: 401, code: 'invalid_api_key' }],
    [{ path: '/v1/realtime/client_secrets' }, { status: 404, code: 'path' }],
    [{ query: { audio: 'mp3' } }, { status: 400, code: 'query' }],
  ])('refuses without asking anybody: %j', async (more, answer) => {
    expect(await refusal(more)).toEqual(answer);
    expect(owner.claims).toEqual([]);
  });

  it('that breaks gives its room back', async () => {
    const { request } = stage.bus;
    stage.bus.request = () => Promise.reject(new Error('broken'));
    for (let n = 0; n < 3; n++) await expect(stage.system.runUntil(admit())).rejects.toThrow('broken');
    stage.bus.request = request;
    await connect();
    expect(await refusal({ path: '/v1/other' })).toMatchObject({ status: 404 });
  });

  it('knows Azure’s path and header', async () => {
    await connect({ path: '/openai/v1/realtime', headers: { 'api-key': 'key' }, query: { model: 'm' } });
    expect(owner.claims[0]?.attach).toEqual({ kind: 'new', connection: { parley: true, model: 'm' } });
  });

  it('looks at `audio` only for clients of parley.v1', async () => {
    expect((await admitted({ query: { audio: 'mp3' }, subprotocols: ['realtime'] })).subprotocol).toBe('realtime');
  });

  it('gives who asks for the older dialect that one, under Azure’s path with the name of its model, and no parley.v1', async () => {
    const path = '/openai/realtime';
    const query = { 'api-version': '2024-10-01-preview', deployment: 'mine', 'api-key': 'key', audio: 'mp3' };
    expect((await admitted({ path, query, headers: {}, subprotocols: ['realtime', 'parley.v1'] })).subprotocol).toBe(
      'realtime',
    );
    expect(owner.claims.at(-1)?.attach).toEqual({ kind: 'new', connection: { parley: false, model: 'mine' } });
    await admitted({ headers: { authorization: 'Bearer key', 'openai-beta': 'realtime=v1' }, query: { model: 'm' } });
    expect(owner.claims.at(-1)?.attach).toEqual({ kind: 'new', connection: { parley: false, model: 'm' } });
  });

  it.each<[ClaimReply | undefined, string]>([
    [{ kind: 'gone' }, 'unavailable'],
    [undefined, 'unavailable'],
  ])('refuses with 503 and a time to wait when the session is not granted: %j', async (reply, code) => {
    owner.onClaim = () => reply;
    expect(await refusal()).toEqual({ status: 503, code, retry: '1' });
    // It holds no place.
    owner.onClaim = () => owner.granted();
    await connect();
    await connect();
  });

  it('refuses with `capacity` when every orchestrator is full, also when none is asked for new sessions any more', async () => {
    owner.onClaim = () => ({ kind: 'full' });
    expect(await refusal()).toMatchObject({ status: 503, code: 'capacity' });
    expect(owner.claims).toHaveLength(3);
    owner.leaveGroup();
    expect(await refusal()).toMatchObject({ status: 503, code: 'capacity' });
    expect(owner.claims).toHaveLength(6);
  });

  it('names the scheme of a missing key, for a client that asks', async () => {
    const admission = await stage.now(admit({ headers: {} }));
    expect(admission).toMatchObject({ headers: { 'www-authenticate': 'Bearer' } });
  });
});

describe('a client secret', () => {
  const headers = { authorization: `Bearer ek_${'0f'.repeat(16)}` };
  const defaults = { model: 'of-secret', patch: { instructions: 'Be kind.' } };
  let answer: SecretFindReply;
  beforeEach(() => {
    answer = { kind: 'found', defaults };
    owner.bus.subscribe(subjects.secretFind, ({ reply }) => reply?.(encodeEnvelope(TRACE, answer)));
  });

  it('opens sessions that begin with what it says, as often as it is used', async () => {
    for (let n = 0; n < 2; n++) await connect({ headers });
    expect(owner.claims.map(({ attach }) => attach)).toEqual(
      Array(2).fill({ kind: 'new', connection: { parley: true, model: 'of-secret', defaults: defaults.patch } }),
    );
  });

  it('gives way to the model that the client names', async () => {
    await connect({ headers, query: { model: 'of-client' } });
    expect(owner.claims[0]?.attach).toMatchObject({ connection: { model: 'of-client', defaults: defaults.patch } });
  });

  it('that nobody knows, or no longer, is refused like any key, and holds no place', async () => {
    answer = { kind: 'unknown' };
    for (let n = 0; n < 3; n++) expect(await refusal({ headers })).toEqual({ status: 401, code: 'invalid_api_key' });
    expect(owner.claims).toEqual([]);
    expect(stage.counted('parley_connections_refused_total authentication')).toBe(3);
  });

  it('that cannot be looked for is refused with 503 and a time to wait', async () => {
    answer = { kind: 'unavailable' };
    expect(await refusal({ headers })).toEqual({ status: 503, code: 'unavailable', retry: '1' });
    expect(owner.claims).toEqual([]);
  });

  it('is not asked for where there is no room', async () => {
    await connect();
    await connect();
    answer = { kind: 'unknown' };
    expect(await refusal({ headers })).toMatchObject({ status: 503, code: 'capacity' });
  });
});

describe('the limit of connections', () => {
  it('counts those that are open, those that wait for the upgrade, and those that wait for a session', async () => {
    await connect();
    owner.onClaim = () => undefined;
    const waiting = admit();
    await stage.pass();
    expect((await stage.now(admit())).kind).toBe('refused');
    owner.onClaim = () => owner.granted();
    await stage.pass(1_000);
    const second = await waiting;
    expect(second.kind).toBe('admitted');
    expect(await refusal()).toMatchObject({ status: 503, code: 'capacity' });
    if (second.kind === 'admitted') second.open(new TestConnection());
    expect(await refusal()).toMatchObject({ status: 503, code: 'capacity' });
  });

  it('has room again when an upgrade was abandoned, whose session ends', async () => {
    await connect();
    const admission = await admitted();
    admission.abandon();
    admission.abandon();
    await stage.pass();
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'client' }]);
    await connect();
    expect((await refusal()).code).toBe('capacity');
  });

  it('has room again when a connection was closed and its owner knows', async () => {
    await connect();
    const { listener } = await connect();
    listener.onClosed(1000);
    await stage.pass(50);
    await connect();
  });
});

describe('a late event loop', () => {
  it('lets nobody in, asks nobody, leaves who is there alone, and lets in again when it has had time for 3 s', async () => {
    const { connection } = await connect();
    await stage.system.stayAtLag(101, 1_000);
    expect(await refusal()).toMatchObject({ status: 503, code: 'capacity' });
    expect(owner.claims).toHaveLength(1);
    owner.emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } }, lastClaim().sessionId);
    await stage.pass();
    expect(connection.types).toEqual(['parley.state']);
    expect(gateway.readiness()).toEqual({ ready: true, reasons: [] });
    await stage.system.stayAtLag(49, 3_000);
    await connect();
  });

  it('lets in who comes back to a conversation under way, and nobody whose conversation is over', async () => {
    await stage.system.stayAtLag(101, 1_000);
    const query = { resume: 'sess_one.0123', received: '[]', last_event_id: 'event_2_17_a1n4' };
    expect((await admitted({ query })).kind).toBe('admitted');
    expect(owner.claims.at(-1)).toMatchObject({
      sessionId: 'sess_one',
      attach: { kind: 'resume', token: 'sess_one.0123', received: [], receivedOutSeq: 17 },
    });
    owner.onClaim = () => ({ kind: 'gone' });
    expect(await refusal({ query })).toMatchObject({ status: 503, code: 'capacity' });
    expect(owner.claims).toHaveLength(2);
  });

  it('spreads over 1 to 10 s when those come again who were refused for want of room', async () => {
    await stage.system.stayAtLag(101, 1_000);
    const waits = new Set<number>();
    for (let n = 0; n < 200; n++) waits.add(Number((await refusal()).retry));
    expect([...waits].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('a connection', () => {
  it('gets binary audio only where it asked for it and speaks parley.v1', async () => {
    const forms: string[][] = [];
    for (const more of [
      { query: { audio: 'binary' } },
      { query: { audio: 'json' } },
      { query: { audio: 'binary' }, subprotocols: [] },
    ]) {
      const { connection, listener } = await connect(more);
      const sessionId = lastClaim().sessionId;
      owner.emit(
        {
          ...{ kind: 'announce', lane: 0, ordinal: 1, responseId: 'resp_1', itemId: 'item_1', previousItemId: null },
          ...{ turnId: 'turn_1', cause: { attachment: 1, seq: 1 }, voice: null, metadata: null },
          ...{ format: { type: 'audio/pcm', rate: 24_000 }, modality: 'audio', maxOutputTokens: 'inf' },
        } as const,
        sessionId,
      );
      owner.emit({ kind: 'text', lane: 0, ordinal: 1, segment: 0, text: 'Hello.' }, sessionId);
      await stage.pass();
      owner.audio({}, sessionId);
      await stage.pass();
      forms.push(connection.types.slice(-1));
      listener.onClosed(1000);
      await stage.pass(100);
    }
    expect(forms).toEqual([['<audio>'], ['response.output_audio.delta'], ['response.output_audio.delta']]);
  });

  it('that answers no pings is cut, 45 s after its last sign', async () => {
    const { connection } = await connect();
    await stage.pass(44_000);
    expect(connection.terminated).toBe(false);
    await stage.pass(1_500);
    expect([connection.pings, connection.terminated]).toEqual([2, true]);
  });
});

const lastClaim = (): Claim & { sessionId: SessionId } => {
  const claim = owner.claims.at(-1);
  if (!claim) throw new InvariantError('nothing was claimed');
  return claim;
};

describe('stopping', () => {
  it('tells every client, closes with 1012 who stays, and waits until its owner knows', async () => {
    const { connection } = await connect();
    const stopped = gateway.stop(5_000);
    expect(gateway.readiness()).toEqual({ ready: false, reasons: ['stopping'] });
    await stage.pass(1_050);
    expect(connection.events.at(-1)).toMatchObject({ type: 'parley.going_away', reconnect_within_ms: 2_000 });
    expect(connection.closes).toEqual([]);
    await stage.pass(2_000);
    await stopped;
    expect(connection.closes).toEqual([{ code: 1012, reason: 'the server is restarting' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'shutdown' }]);
  });

  it('lets nobody in any more', async () => {
    await stage.now(gateway.stop(5_000));
    expect(await refusal()).toEqual({ status: 503, code: 'stopping', retry: '1' });
  });

  it('waits for a connection that was being admitted, and closes it like the others', async () => {
    owner.onClaim = () => undefined;
    const opening = admit();
    await stage.pass(100);
    let stopped = false;
    void gateway.stop(5_000).then(() => (stopped = true));
    owner.onClaim = () => owner.granted();
    await stage.pass(900);
    expect(stopped).toBe(false);
    const admission = await opening;
    const connection = new TestConnection();
    if (admission.kind === 'admitted') admission.open(connection);
    await stage.pass(4_000);
    expect(connection.closes).toEqual([{ code: 1012, reason: 'the server is restarting' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'shutdown' }]);
    expect(stopped).toBe(true);
  });

  it('ends at its deadline though an owner does not answer, and is one however often it is asked for', async () => {
    await connect();
    owner.onInput = () => undefined;
    const first = gateway.stop(500);
    expect(gateway.stop(9_000)).toBe(first);
    await stage.pass(550);
    await first;
  });
});

describe('readiness', () => {
  it('follows the link to the bus', () => {
    expect(gateway.readiness()).toEqual({ ready: true, reasons: [] });
    stage.bus.disconnect();
    expect(gateway.readiness()).toEqual({ ready: false, reasons: ['the bus cannot be reached'] });
    stage.bus.reconnect();
    expect(gateway.readiness().ready).toBe(true);
  });

  it('the gateway answers the pings of owners from its start to its end', async () => {
    const ping = async (): Promise<string> =>
      (await stage.now(owner.bus.request(`peer.${gateway.incarnation}`, new Uint8Array(), { timeoutMs: 100 }))).kind;
    expect(await ping()).toBe('reply');
    await stage.now(gateway.stop(0));
    expect(await ping()).toBe('no-responders');
  });
});
