import { once } from 'node:events';
import { WebSocket } from 'ws';
import { scrape } from '../support/cluster-process';
import { speakTurn } from '../support/spoken-turn';
import { until } from '../support/until';
import { bearer, ProtocolStage } from './protocol-stage.fixture';

/** PING_PERIOD three times, and what a busy machine adds. */
const HALF_OPEN_MS = 50_000;

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  it('a half-open client is cut by WebSocket pings, and its owner forgets it', async () => {
    const { metricsUrl } = stage.only('orchestrator');
    // Answers no ping: to the gateway it looks like a client whose network is gone.
    const address = `${stage.url.replace('http', 'ws')}/v1/realtime`;
    const halfOpen = new WebSocket(address, { headers: bearer, autoPong: false });
    const halfOpenSinceMs = performance.now();
    await once(halfOpen, 'open');
    const before = await scrape(metricsUrl, 'parley_sessions_active');
    await until('it was cut', () => halfOpen.readyState === WebSocket.CLOSED, HALF_OPEN_MS);
    expect(performance.now() - halfOpenSinceMs).toBeLessThan(HALF_OPEN_MS);
    await until('one session less', async () => (await scrape(metricsUrl, 'parley_sessions_active')) < before);
  });

  it('SIGTERM of the gateway closes its sockets with 1012, and its owner keeps the session that can be resumed', async () => {
    const { metricsUrl } = stage.only('orchestrator');
    const before = await scrape(metricsUrl, 'parley_sessions_active');
    const client = await stage.connect();
    const other = await stage.connectRealtime();
    await speakTurn(client, 'Will you stay?');
    expect(await scrape(metricsUrl, 'parley_sessions_active')).toBe(before + 2);
    process.kill(stage.only('gateway').pid, 'SIGTERM');
    expect([(await client.waitClosed()).code, (await other.waitClosed()).code]).toEqual([1012, 1012]);
    await until('one session less', async () => (await scrape(metricsUrl, 'parley_sessions_active')) === before + 1);
  });
});
