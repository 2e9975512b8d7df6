import { scrape } from '../support/cluster-process';
import type { HandshakeOptions } from '../support/handshake';
import { speakTurn } from '../support/spoken-turn';
import { bearer, ProtocolStage } from './protocol-stage.fixture';

const KEY_ENTRY = 'openai-insecure-api-key.';

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  describe('handshake', () => {
    it.each([
      ['nothing', undefined, undefined],
      ['realtime', 'realtime', 'realtime'],
      ['parley.v1', 'parley.v1', 'parley.v1'],
      ['both', 'realtime, parley.v1', 'parley.v1'],
      ['an unknown one', 'chat.v2', undefined],
    ])('of the subprotocols offered (%s) it selects what it speaks', async (_what, offered, selected) => {
      const answer = await stage.shake({ headers: { ...bearer, 'sec-websocket-protocol': offered } });
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, selected]);
    });

    it.each([
      ['realtime', 'realtime'],
      ['parley.v1', 'parley.v1'],
    ])("a browser's key among the subprotocols opens and is never echoed (%s)", async (offered, selected) => {
      const answer = await stage.shake({ headers: { 'sec-websocket-protocol': `${offered}, ${KEY_ENTRY}dev` } });
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, selected]);
      expect(JSON.stringify(answer.headers)).not.toContain(KEY_ENTRY);
    });

    it.each<[string, HandshakeOptions]>([
      ['no key', {}],
      ['a key nobody knows', { headers: { authorization: 'Bearer devil' } }],
      ['a known key in another scheme', { headers: { authorization: 'Basic dev' } }],
      ['an unknown key among the subprotocols', { headers: { 'sec-websocket-protocol': `realtime, ${KEY_ENTRY}no` } }],
      ['a known key in the query', { path: '/v1/realtime?key=dev&api_key=dev&authorization=Bearer%20dev' }],
    ])('%s is answered 401 with WWW-Authenticate', async (_what, options) => {
      const answer = await stage.shake(options);
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' }, socket: undefined });
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'invalid_api_key' } });
    });

    it.each([
      ['a foreign page', 403, () => ({ origin: 'https://evil.example' })],
      ['a page without an origin of its own', 403, () => ({ origin: 'null' })],
      // DNS rebinding: the page's name leads here, so its Host and its Origin agree.
      [
        'a foreign page whose name leads to loopback',
        403,
        () => ({ origin: 'http://evil.example', host: 'evil.example' }),
      ],
      ['its own page', 101, () => ({ origin: stage.url })],
      ['a client that is no page', 101, () => ({})],
    ])('with the key dev, %s gets %i', async (_what, status, headers) => {
      const answer = await stage.shake({ headers: { ...bearer, ...headers() } });
      expect(answer.status).toBe(status);
    });

    it.each([
      ['another path', 404, { path: '/v1/other', headers: bearer }],
      ['no path', 404, { path: '/', headers: bearer }],
      [
        'an unknown form of audio',
        400,
        { path: '/v1/realtime?audio=mp3', headers: { ...bearer, 'sec-websocket-protocol': 'parley.v1' } },
      ],
      ['a handshake without its key', 400, { headers: { ...bearer, 'sec-websocket-key': undefined } }],
    ])('%s is answered %i', async (_what, status, options) => {
      expect((await stage.shake(options)).status).toBe(status);
    });

    it('a plain GET is answered 400: it is no WebSocket handshake', async () => {
      expect((await fetch(`${stage.url}/v1/realtime`, { headers: bearer })).status).toBe(400);
    });

    it('unknown query parameters are ignored, and audio=… is one for a client without parley.v1', async () => {
      const path = '/v1/realtime?model=gpt-realtime&temperature=0.8&audio=mp3';
      const answer = await stage.shake({ path, headers: { ...bearer, 'sec-websocket-protocol': 'realtime' } });
      expect(answer.status).toBe(101);
    });

    it('when no orchestrator takes the session the answer is 503 with Retry-After, and later it is 101', async () => {
      const { pid, metricsUrl } = stage.only('orchestrator');
      const refusedBefore = await scrape(stage.only('gateway').metricsUrl, 'parley_connections_refused_total');
      process.kill(pid, 'SIGSTOP');
      try {
        const answer = await stage.shake({ headers: bearer });
        expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      expect(await scrape(stage.only('gateway').metricsUrl, 'parley_connections_refused_total')).toBe(
        refusedBefore + 1,
      );
      const client = await stage.connect();
      expect(await speakTurn(client, 'Is somebody there again?')).toMatchObject({ status: 'completed' });
      expect(metricsUrl).toBe(stage.only('orchestrator').metricsUrl);
    });
  });
});
