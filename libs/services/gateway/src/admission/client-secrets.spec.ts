import { createHash } from 'node:crypto';
import { queueGroups, subjects, type SecretFind, type SecretKeep } from '@parley/model';
import type { BusMessage, HttpReply, HttpRequest } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { ClientSecrets } from './client-secrets';
import { GatewayStage, TRACE } from '../gateway-stage.fixture';
import { SecretEndpoint } from './secret-endpoint';

const SESSION = { type: 'realtime', object: 'realtime.session', id: 'sess_x', model: 'm', expires_at: 99 };
const CONFIG = { apiKeys: ['key'], devKeyAllowed: false, maxConnections: 1, maxLagMs: 100 };
const SECRET = `ek_${'0f'.repeat(16)}`;

let stage: GatewayStage;
let secrets: ClientSecrets;
let endpoint: SecretEndpoint;
let keeps: SecretKeep[];
let finds: SecretFind[];
/** Undefined: no answer. */
let answer: unknown;
let bodiesRead: number;

beforeEach(() => {
  stage = new GatewayStage();
  secrets = new ClientSecrets(stage);
  endpoint = new SecretEndpoint(secrets, CONFIG, stage.system.random);
  [keeps, finds, answer, bodiesRead] = [[], [], { kind: 'kept', session: SESSION }, 0];
});

/** An orchestrator, as far as secrets go. */
function desk(onMessage?: () => void): void {
  const bus = stage.link();
  const take = (message: BusMessage): void => {
    const [keep, find] = [busSchemas.secretKeep, busSchemas.secretFind].map((schema) =>
      decodeEnvelope<unknown>(schema, message.payload),
    );
    if (keep?.ok) keeps.push(keep.body as SecretKeep);
    else if (find?.ok) finds.push(find.body as SecretFind);
    if (onMessage) return onMessage();
    if (answer !== undefined) message.reply?.(encodeEnvelope(TRACE, answer));
  };
  const queue = queueGroups.orchestrators;
  for (const subject of [subjects.secretKeep, subjects.secretFind]) bus.subscribe(subject, take, { queue });
}

const post = (body: unknown, more: Partial<HttpRequest> = {}): Promise<HttpReply> =>
  stage.system.runUntil(
    endpoint.answer({
      ...{ path: '/v1/realtime/client_secrets', query: {}, headers: { authorization: 'Bearer key' } },
      ...{ subprotocols: [], loopback: false },
      readBody: async () => {
        bodiesRead++;
        return body === undefined ? undefined : JSON.stringify(body);
      },
      ...more,
    }),
  );
const errorOf = ({ status, body }: HttpReply): unknown => {
  const { error } = JSON.parse(body) as { error: Record<string, unknown> };
  return { status, ...error, message: undefined };
};

describe('making a client secret', () => {
  it('answers with the secret, when it ends, and the session that it begins', async () => {
    desk();
    const session = { type: 'realtime', model: 'named', instructions: 'Be kind.', audio: { output: { voice: 'v' } } };
    const reply = await post({ expires_after: { anchor: 'created_at', seconds: 60 }, session });
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
    const made = JSON.parse(reply.body) as { value: string; expires_at: number };
    expect(made).toEqual({
      value: expect.stringMatching(/^ek_[0-9a-f]{32}$/),
      expires_at: Math.ceil(stage.system.clock.wallMs() / 1000) + 60,
      session: { ...SESSION, expires_at: 0 },
    });
    expect(keeps).toEqual([
      {
        digest: createHash('sha256').update(made.value).digest('hex'),
        ttlMs: expect.any(Number),
        defaults: { model: 'named', patch: { instructions: 'Be kind.', voice: 'v' } },
      },
    ]);
    // Not a moment less than was asked for, nor more than it says.
    expect(keeps[0]?.ttlMs).toBeGreaterThanOrEqual(60_000);
    expect(keeps[0]?.ttlMs).toBe(Math.floor(made.expires_at * 1000 - stage.system.clock.wallMs()));
  });

  it('draws another one each time, and says nothing of any on the bus or in the log', async () => {
    const seen: string[] = [];
    stage.link().subscribe('>', ({ payload }) => seen.push(Buffer.from(payload).toString()));
    desk();
    const values = [];
    for (let n = 0; n < 3; n++) values.push((JSON.parse((await post({})).body) as { value: string }).value);
    expect(new Set(values).size).toBe(3);
    expect(keeps.map(({ defaults }) => defaults)).toEqual(Array(3).fill({ model: null, patch: {} }));
    expect(seen.length).toBeGreaterThanOrEqual(3);
    for (const value of values) {
      expect(seen.join('')).not.toContain(value.slice(3));
      expect(JSON.stringify(stage.log.lines)).not.toContain(value.slice(3));
    }
  });

  it.each<[string, Partial<HttpRequest>]>([
    ['no key', { headers: {} }],
    ['another key', { headers: { authorization: 'Bearer other' } }],
    ['a client secret', { headers: { authorization: `Bearer ${SECRET}` } }],
  ])('is refused with 401 for %s, before the body is read', async (_what, more) => {
    desk();
    expect(errorOf(await post({}, more))).toMatchObject({
      status: 401,
      type: 'invalid_request_error',
      code: 'invalid_api_key',
    });
    expect([bodiesRead, keeps]).toEqual([0, []]);
  });

  it('takes Azure’s header', async () => {
    desk();
    expect(await post({}, { headers: { 'api-key': 'key' } })).toMatchObject({ status: 200 });
  });

  it('refuses a body that is too long, and one that is wrong by the name of the field', async () => {
    desk();
    expect(errorOf(await post(undefined))).toMatchObject({ status: 413, code: 'body_too_long', param: null });
    expect(errorOf(await post({ expires_after: { seconds: 5 } }))).toEqual({
      ...{ status: 400, type: 'invalid_request_error', code: 'invalid_value', param: 'expires_after.seconds' },
      message: undefined,
    });
    expect(keeps).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['nobody is there', () => undefined],
    ['nobody answers', () => desk(() => undefined)],
    ['the store is away', () => ((answer = { kind: 'unavailable' }), desk())],
  ])('answers 503 and when to come again where %s', async (_what, prepare) => {
    prepare();
    const reply = await post({});
    expect(reply.headers).toMatchObject({ 'retry-after': '1' });
    expect(errorOf(reply)).toMatchObject({ status: 503, type: 'server_error', code: 'unavailable' });
  });
});

describe('finding a client secret', () => {
  const find = () => stage.system.runUntil(secrets.find(SECRET, TRACE));

  it('asks by its digest and gives what its sessions begin with', async () => {
    answer = { kind: 'found', defaults: { model: 'm', patch: { instructions: 'Be kind.' } } };
    desk();
    expect(await find()).toEqual(answer);
    expect(finds).toEqual([{ digest: createHash('sha256').update(SECRET).digest('hex') }]);
  });

  it('goes past an orchestrator that is stopped', async () => {
    answer = { kind: 'unknown' };
    let asked = 0;
    desk(() => void asked++);
    desk();
    for (let n = 0; n < 5; n++) expect(await find()).toEqual({ kind: 'unknown' });
    expect(asked).toBeGreaterThan(0);
  });
});
