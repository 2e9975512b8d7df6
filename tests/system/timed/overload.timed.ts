import { latenessOf } from '../chaos/lateness';
import { scrape } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { handshake, type Handshake } from '../support/handshake';
import { isAudioOf } from '../support/indexed-audio';
import { LaggingProcess } from '../support/lagging-process';
import { speakTurn, type SpokenTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

const SAMPLES_PER_CHARACTER = 720;
/** Six seconds in four sentences, paced at real time. */
const STORY =
  'A grey boat comes home with the tide and nobody waits. Its captain has lost her only map of the coast. A boy draws her another one in the wet sand. The sea takes it away before the evening comes.';
/** What a busy machine may add; a second connection that costs the first one its audio adds seconds. */
const MOST_LATE_MS = 500;

jest.setTimeout(120_000);

const knock = async (url: string): Promise<Handshake> => {
  const answer = await handshake(url, {
    headers: { authorization: 'Bearer dev', 'sec-websocket-protocol': 'parley.v1' },
  });
  answer.socket?.destroy();
  return answer;
};

function expectCapacity({ status, headers, body }: Handshake): void {
  const { error } = JSON.parse(body) as { error: { code: string } };
  expect([status, error.code]).toEqual([503, 'capacity']);
  expect(headers['retry-after']).toMatch(/^([1-9]|10)$/);
}

/** Every sample, once and in order, and each in time for who plays from the first one on. */
function expectUntouched(client: TestClient, turn: SpokenTurn): void {
  expect(turn).toMatchObject({ status: 'completed', errors: [] });
  expect(turn.texts.join('').trim()).toBe(STORY);
  expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
  const audio = client.arrivals.flatMap((arrival) =>
    arrival.kind === 'audio' && arrival.responseId === turn.responseId ? [arrival] : [],
  );
  expect(Math.max(...latenessOf(audio).map(({ lateMs }) => lateMs))).toBeLessThan(MOST_LATE_MS);
}

async function start(
  replicas: string[],
  env: Record<string, string>,
  pace: number | 'unpaced' = 'unpaced',
): Promise<FakedCluster> {
  const faked = await startFakedCluster([...replicas, '--avatar', '0'], { PARLEY_AVATAR: 'none', ...env });
  const samplesPerCharacter = SAMPLES_PER_CHARACTER;
  faked.voice.setDefaultSpeech({ kind: 'voice', samplesPerCharacter, content: 'indexed', pace });
  faked.llm.setDefaultChat({ kind: 'answer', text: STORY });
  return faked;
}

describe('a gateway at its limit of connections', () => {
  const LIMIT = 3;
  let faked: FakedCluster;
  let clients: TestClient[];

  beforeAll(async () => {
    faked = await start([], { PARLEY_MAX_CONNECTIONS: String(LIMIT) }, 1.03);
    clients = await Promise.all(Array.from({ length: LIMIT }, () => TestClient.connect({ url: faked.cluster.url })));
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await faked.stop();
  });

  it('refuses with 503, `capacity` and a time to wait, and those that speak hear every sample in time', async () => {
    const turns = clients.map((client, index) => speakTurn(client, `Tell me story ${index}.`, 30_000));
    let isOver = false;
    const speaking = Promise.all(turns).finally(() => (isOver = true));
    let refused = 0;
    while (!isOver) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => knock(faked.cluster.url)));
      answers.forEach(expectCapacity);
      refused += answers.length;
    }
    (await speaking).forEach((turn, index) => expectUntouched(clients[index] as TestClient, turn));
    expect(refused).toBeGreaterThan(2 * LIMIT);
  });

  it('lets in again as many as have left', async () => {
    await clients.pop()?.close();
    await until('there is room again', async () => {
      const client = await TestClient.connect({ url: faked.cluster.url }).catch(() => undefined);
      if (client) clients.push(client);
      return client !== undefined;
    });
    expect(await speakTurn(clients.at(-1) as TestClient, 'And me?', 30_000)).toMatchObject({ status: 'completed' });
    expectCapacity(await knock(faked.cluster.url));
  });
});

describe('orchestrators at their limit of sessions', () => {
  let faked: FakedCluster;
  beforeAll(async () => {
    faked = await start(['--orchestrator', '2'], { PARLEY_MAX_SESSIONS: '2' });
  });
  afterAll(() => faked.stop());

  it('fill up, each to its limit, before anybody is refused', async () => {
    const clients = [];
    for (let n = 0; n < 4; n++) clients.push(await TestClient.connect({ url: faked.cluster.url }));
    expectCapacity(await knock(faked.cluster.url));
    await clients[0]?.close();
    await until('there is room again', async () => {
      const client = await TestClient.connect({ url: faked.cluster.url }).catch(() => undefined);
      if (client) clients.push(client);
      return client !== undefined;
    });
    expectCapacity(await knock(faked.cluster.url));
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('processes whose event loops are late', () => {
  let faked: FakedCluster;
  let lagging: LaggingProcess[] = [];

  beforeAll(async () => {
    faked = await start(['--orchestrator', '2', '--tts', '2'], {});
  });
  afterEach(async () => {
    lagging.forEach((each) => each.end());
    lagging = [];
    await until(
      'everybody takes work again',
      () => knock(faked.cluster.url).then(({ status }) => status === 101),
      20_000,
    );
  });
  afterAll(() => faked.stop());

  const lag = (role: 'gateway' | 'orchestrator' | 'tts', count: number): void => {
    lagging = faked.cluster
      .running(role)
      .slice(0, count)
      .map(({ pid }) => new LaggingProcess(pid));
  };
  const refuses = (): Promise<boolean> =>
    until('a new client is refused', () => knock(faked.cluster.url).then(({ status }) => status === 503), 20_000);

  it('get no new sessions while another one has time, and nobody is refused', async () => {
    lag('orchestrator', 1);
    const [late] = faked.cluster.running('orchestrator');
    const metricsUrl = late?.metricsUrl ?? '';
    await until('the late one says so', async () => (await scrape(metricsUrl, 'parley_takes_work')) === 0, 20_000);
    expect(await scrape(metricsUrl, 'parley_event_loop_lag_seconds')).toBeGreaterThan(0.1);
    const before = await scrape(metricsUrl, 'parley_sessions_total');
    const clients = [];
    for (let n = 0; n < 10; n++) clients.push(await TestClient.connect({ url: faked.cluster.url }));
    expect(await scrape(metricsUrl, 'parley_sessions_total')).toBe(before);
    await Promise.all(clients.map((client) => client.close()));
  });

  it.each(['gateway', 'orchestrator', 'tts'] as const)(
    'refuse new clients with `capacity` when each %s is late, and let a conversation under way go on',
    async (role) => {
      const client = await TestClient.connect({ url: faked.cluster.url });
      lag(role, 2);
      await refuses();
      expectCapacity(await knock(faked.cluster.url));
      const turn = await speakTurn(client, 'Tell me a story.', 60_000);
      expect(turn).toMatchObject({ status: 'completed', errors: [] });
      expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
      await client.close();
    },
  );
});
