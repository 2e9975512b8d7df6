import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import { INSTRUCTIONS, startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { httpsRequest, type HttpsAnswer } from '../support/https-request';
import { openAiClient, type OpenAiAccess } from '../support/openai-client';
import { until } from '../support/until';

const KEY = 'wombat-key-2093';
const LIFE_S = 10;
const SESSION = {
  type: 'realtime',
  model: 'named-by-the-secret',
  instructions: 'You are the secret’s agent.',
  audio: { output: { voice: 'marin' } },
  tracing: 'auto',
};

jest.setTimeout(90_000);

interface Made {
  value: string;
  expires_at: number;
  session: Record<string, unknown>;
}

describe('client secrets, with two gateways and two orchestrators', () => {
  let home: string;
  let faked: FakedCluster;
  let redis: Redis;
  let access: OpenAiAccess;
  /** The first one, made with a session and for the shortest time there is. */
  let made: Made;
  let askedMs: number;

  const printed = (line: RegExp): string[] => [...(line.exec(faked.cluster.output()) ?? [])].slice(1);
  const withKey = (key: string): OpenAiAccess => ({ ...access, key });
  const create = async (body: unknown, key = KEY): Promise<Made> =>
    (await openAiClient(withKey(key), 'secret', JSON.stringify(body))) as unknown as Made;
  const post = (body: string, headers: Record<string, string>, path = '/v1/realtime'): Promise<HttpsAnswer> =>
    httpsRequest(`${access.url}${path}/client_secrets`, {
      ...{ method: 'POST', body, certificate: access.certificate },
      headers: { 'content-type': 'application/json', ...headers },
    });
  const refusalOf = async (answer: Promise<HttpsAnswer>): Promise<unknown[]> => {
    const { status, headers, body } = await answer;
    expect(headers['content-type']).toBe('application/json');
    const { error } = JSON.parse(body) as { error: Record<string, unknown> };
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
    return [status, error['type'], error['code'], error['param']];
  };
  /** The status of an upgrade. */
  const upgrade = (url: string, key: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/realtime`, {
        ...{ ca: readFileSync(access.certificate), headers: { authorization: `Bearer ${key}` } },
      });
      socket.once('open', () => {
        socket.close(1000);
        resolve(101);
      });
      socket.once('unexpected-response', (_request, { statusCode = 0 }) => {
        socket.on('error', () => undefined);
        socket.terminate();
        resolve(statusCode);
      });
      socket.once('error', reject);
    });

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'parley-home-'));
    const replicas = ['--gateway', '2', '--orchestrator', '2', '--avatar', '1'];
    faked = await startFakedCluster(replicas, {
      ...{ HOME: home, PARLEY_TLS_PORT: '0', PARLEY_API_KEYS: KEY, PARLEY_MODEL_MAP: 'named-by-the-secret=mapped' },
    });
    const [url = '', certificate = ''] = printed(/^tls (https:\S+) certificate=(\S+)$/m);
    const [redisUrl = ''] = printed(/^redis-server (\S+)$/m);
    access = { url, certificate, key: KEY };
    redis = new Redis(redisUrl);
    askedMs = Date.now();
    made = await create({ expires_after: { anchor: 'created_at', seconds: LIFE_S }, session: SESSION });
  });

  afterAll(async () => {
    redis?.disconnect();
    await faked?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('[RT1] is what the official client expects, and opens its session with what it says', async () => {
    expect(made).toEqual({
      value: expect.stringMatching(/^ek_\w+$/),
      expires_at: expect.any(Number),
      session: expect.objectContaining({
        ...{ id: expect.stringMatching(/^sess_/), object: 'realtime.session', type: 'realtime', expires_at: 0 },
        ...{ model: 'mapped', instructions: SESSION.instructions, tracing: 'auto' },
        audio: expect.objectContaining({ output: expect.objectContaining({ voice: 'marin' }) }),
      }),
    });
    expect(made.expires_at).toBeGreaterThanOrEqual(askedMs / 1000 + LIFE_S);
    expect(made.expires_at).toBeLessThanOrEqual(Date.now() / 1000 + LIFE_S + 1);
    const { value } = await create({ session: SESSION });
    const turn = await openAiClient(withKey(value), 'turn', 'Who are you?');
    expect(turn).toMatchObject({
      status: 'completed',
      created: { instructions: SESSION.instructions, tracing: 'auto', audio: { output: { voice: 'marin' } } },
    });
    expect(turn['audioBytes']).toBeGreaterThan(0);
    expect(asked('Who are you?')[0]).toMatchObject({ role: 'system', content: SESSION.instructions });
  });

  it('gives way to what its client says, and is good for several sessions', async () => {
    const { value } = await create({ session: SESSION });
    const update = { type: 'session.update', session: { type: 'realtime', instructions: 'Mine.' } };
    const turn = await openAiClient(withKey(value), 'turn', 'And now?', JSON.stringify(update));
    expect(turn).toMatchObject({ status: 'completed', updated: { instructions: 'Mine.', tracing: 'auto' } });
    expect(asked('And now?')[0]).toMatchObject({ role: 'system', content: 'Mine.' });
    expect(await openAiClient(withKey(value), 'turn', 'Again?')).toMatchObject({ status: 'completed' });
    expect(asked('Again?')[0]).toMatchObject({ content: SESSION.instructions });
  });

  it('without a session begins as the server is configured', async () => {
    const { value, session, expires_at: expiresAt } = await create({});
    expect(session).toMatchObject({ instructions: INSTRUCTIONS });
    expect(expiresAt - Date.now() / 1000).toBeGreaterThan(590);
    expect(expiresAt - Date.now() / 1000).toBeLessThanOrEqual(601);
    expect(await openAiClient(withKey(value), 'turn', 'Hello?')).toMatchObject({
      created: { instructions: INSTRUCTIONS },
    });
  });

  it('lies in the store under its hash alone, for as long as it lives, and in no line of any log', async () => {
    const { value } = await create({ expires_after: { seconds: 7_200 }, session: SESSION });
    const digest = createHash('sha256').update(value).digest('hex');
    const keys = await redis.keys('*');
    const [own] = keys.filter((key) => key.includes(digest));
    expect(own).toBeDefined();
    const leftMs = await redis.pttl(own ?? '');
    expect(leftMs).toBeGreaterThan(7_190_000);
    expect(leftMs).toBeLessThanOrEqual(7_201_000);
    expect(await upgrade(access.url, value)).toBe(101);
    const secretPart = value.slice('ek_'.length);
    expect(`${keys.join(' ')} ${await redis.get(own ?? '')} ${faked.cluster.output()}`).not.toContain(secretPart);
  });

  it('is made with a key alone, whatever the path, and every mistake is told by its field', async () => {
    const bearer = { authorization: `Bearer ${KEY}` };
    const invalid = 'invalid_request_error';
    expect((await post('{}', { 'api-key': KEY }, '/openai/v1/realtime')).status).toBe(200);
    const { value } = await create({});
    expect(await refusalOf(post('{}', {}))).toEqual([401, invalid, 'invalid_api_key', null]);
    expect(await refusalOf(post('{}', { authorization: `Bearer ${value}` }))).toEqual([
      ...[401, invalid, 'invalid_api_key', null],
    ]);
    const body = (session: unknown): string => JSON.stringify({ session });
    for (const [text, code, param] of [
      ['{"expires_after":{"seconds":9}}', 'invalid_value', 'expires_after.seconds'],
      ['{"expires_after":{"seconds":7201}}', 'invalid_value', 'expires_after.seconds'],
      [body({ ...SESSION, type: 'transcription' }), 'invalid_value', 'session.type'],
      [body({ ...SESSION, temperature: 1 }), 'unknown_parameter', 'session.temperature'],
      ['{', 'invalid_json', null],
    ]) {
      expect(await refusalOf(post(String(text), bearer))).toEqual([400, invalid, code, param]);
    }
    const large = body({ ...SESSION, instructions: 'x'.repeat(300_000) });
    expect(await refusalOf(post(large, bearer))).toEqual([413, invalid, 'body_too_long', null]);
  });

  it('outlives the gateway and the orchestrator that made it', async () => {
    const { value } = await create({ session: SESSION });
    const before = faked.cluster.announced.length;
    for (const role of ['gateway', 'orchestrator'] as const) {
      for (const { pid } of faked.cluster.running(role)) process.kill(pid, 'SIGKILL');
    }
    await until('all of them are back', () => faked.cluster.announced.length >= before + 4, 20_000);
    expect(await openAiClient(withKey(value), 'turn', 'Still there?')).toMatchObject({
      status: 'completed',
      created: { instructions: SESSION.instructions },
    });
  });

  it('is refused with 401 when its time is over, at every gateway, as one that never was', async () => {
    await until('its end', () => Date.now() > made.expires_at * 1000, 15_000);
    for (let n = 0; n < 4; n++) {
      expect(await upgrade(access.url, made.value)).toBe(401);
      expect(await upgrade(access.url, `ek_${'0f'.repeat(16)}`)).toBe(401);
    }
  });

  function asked(text: string): readonly unknown[] {
    const requests = faked.llm.requests.flatMap((request) =>
      request.kind === 'chat' && request.text === text ? [request.body.messages ?? []] : [],
    );
    expect(requests).toHaveLength(1);
    return requests[0] ?? [];
  }
});
