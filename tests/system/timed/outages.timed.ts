import { Redis } from 'ioredis';
import { Ear } from '../chaos/ear';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { isAudioOf } from '../support/indexed-audio';
import { orderFaults } from '../support/response-order';
import { Servers, type StoreKind } from '../support/servers';
import { sleep } from '../support/sleep';
import { finishTurn, speakTurn, type SpokenResponse } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

const SAMPLES_PER_CHARACTER = 480;
const STORY = [
  'The lamp in the tower was lit before the storm.',
  'Nobody on the island saw who had climbed the stairs.',
  'In the morning the light was still burning.',
].join(' ');
const AWAY_MS = 3_000;
/** While the store is away an answer goes on unwritten: what remains is the first try to write it, and two busy cores. */
const UNWRITTEN_PAUSE_MS = 500;
/** On top of what is away: reconnecting, and two busy cores. */
const BACK_WITHIN_MS = 20_000;

jest.setTimeout(90_000);

let servers: Servers;
let faked: FakedCluster;
let admin: Redis;
let questions = 0;

async function start(kind: StoreKind): Promise<void> {
  servers = await Servers.start(kind, 'enable-debug-command local');
  faked = await startFakedCluster(['--orchestrator', '2', '--avatar', '0'], {
    NATS_URL: servers.natsUrl,
    ...servers.storeEnvironment,
    PARLEY_AVATAR: 'none',
    PARLEY_TTS_DETERMINISTIC: 'yes',
    PARLEY_LOG_LEVEL: 'warn',
  });
  faked.voice.setDefaultSpeech({
    kind: 'voice',
    samplesPerCharacter: SAMPLES_PER_CHARACTER,
    content: 'indexed',
    pace: 1,
  });
  faked.llm.chatRule(({ text }) => ({
    kind: 'answer',
    text: text.startsWith('Tell me') ? STORY : `I heard: ${text}`,
    tokenDelayMs: 40,
  }));
  admin = new Redis(servers.primary.url);
  // It is to fall: that is what it is watched for.
  admin.on('error', () => undefined);
}

async function stop(): Promise<void> {
  admin.disconnect();
  await faked?.stop();
  await servers?.stop();
}

/** What the model was told when it was last asked this: role and text, the instructions left out. */
function promptOf(question: string): string[] {
  const asked = faked.llm.requests.flatMap((request) =>
    request.kind === 'chat' && request.text === question ? [request.body.messages ?? []] : [],
  );
  return (asked.at(-1) ?? []).slice(1).map(({ role, content }) => `${role}: ${String(content).trim()}`);
}

const sessionOf = async (client: TestClient): Promise<string> =>
  String((await client.waitForType('parley.session'))['session_id']);

/** Heard to its end, sample for sample. */
function expectWhole(client: TestClient, turn: SpokenResponse, text: string): void {
  expect(turn).toMatchObject({ status: 'completed', errorCode: undefined, errors: [] });
  expect(turn.texts.join('').trim()).toBe(text);
  expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
}

/** The longest silence in an answer, for a client that plays samples as they arrive. */
function longestSilenceMs(client: TestClient, responseId: string): number {
  const ear = new Ear();
  for (const arrival of client.arrivals) {
    if (arrival.kind === 'audio' && arrival.responseId === responseId) ear.arrived(arrival.samples, arrival.atMs);
  }
  return ear.longestGapMs;
}

/**
 * One client in mid-answer, and one that has had a turn and asks its next one in the outage: the answer goes on, the
 * question waits, and afterwards both go on with everything that was said, each of it once.
 */
async function outlives(outage: () => Promise<void>, pauseMs = AWAY_MS + BACK_WITHIN_MS): Promise<TestClient[]> {
  const [teller, asker] = await Promise.all([
    TestClient.connect({ url: faked.cluster.url }),
    TestClient.connect({ url: faked.cluster.url }),
  ]);
  const number = ++questions;
  const [first, story, second, last] = [
    `Who is there, ${number}?`,
    `Tell me story ${number}.`,
    `And now, ${number}?`,
    `Is that all, ${number}?`,
  ];
  await speakTurn(asker, first);
  const from = teller.arrivals.length;
  const startedMs = performance.now();
  teller.send({ type: 'parley.transcript.final', turn_id: story, text: story });
  const created = await teller.waitForType('response.created', 5_000, from);
  const responseId = String(fieldsOf(created['response'])['id']);
  await teller.waitUntil('the story to be heard', () => teller.receivedSamples(responseId) > 0);

  const over = outage();
  await sleep(500);
  const answering = speakTurn(asker, second, AWAY_MS + BACK_WITHIN_MS);
  await over;
  const told = await finishTurn(teller, responseId, { from, startedMs, timeoutMs: BACK_WITHIN_MS });
  const answered = await answering;
  expectWhole(teller, told, STORY);
  expect(longestSilenceMs(teller, responseId)).toBeLessThan(pauseMs);
  expectWhole(asker, answered, `I heard: ${second}`);

  const lastTurns = await Promise.all([teller, asker].map((client) => speakTurn(client, last)));
  for (const turn of lastTurns) expect(turn).toMatchObject({ status: 'completed', errorCode: undefined });
  const prompts = faked.llm.requests.flatMap((request) =>
    request.kind === 'chat' && request.text === last ? [request.body.messages ?? []] : [],
  );
  const said = prompts.map((messages) => messages.slice(1).map(({ content }) => String(content).trim()));
  const byLength = said.sort((a, b) => a.length - b.length);
  expect(byLength).toEqual([
    [story, STORY, last],
    [first, `I heard: ${first}`, second, `I heard: ${second}`, last],
  ]);
  expect([teller, asker].map(({ closed }) => closed)).toEqual([undefined, undefined]);
  expect([teller, asker].flatMap(({ arrivals }) => orderFaults(arrivals))).toEqual([]);
  return [teller, asker];
}

/** Its turn is neither accepted nor refused while the store takes nothing, and answered once when it does. */
async function waitsFor(refuse: () => Promise<unknown>, allow: () => Promise<unknown>): Promise<void> {
  const client = await TestClient.connect({ url: faked.cluster.url });
  const [first, second] = [`Are you there, ${++questions}?`, `And now, ${questions}?`];
  await speakTurn(client, first);
  const from = client.arrivals.length;
  await refuse();
  const answering = speakTurn(client, second, BACK_WITHIN_MS);
  try {
    await sleep(1_500);
    const types = client.eventsFrom(from).map(({ type }) => type);
    expect(types.filter((type) => type === 'error' || type === 'parley.turn.accepted')).toEqual([]);
  } finally {
    await allow();
  }
  expectWhole(client, await answering, `I heard: ${second}`);
  expect(client.eventsFrom(from).filter(({ type }) => type === 'parley.turn.accepted')).toHaveLength(1);
  expect(promptOf(second)).toEqual([`user: ${first}`, `assistant: I heard: ${first}`, `user: ${second}`]);
  await client.close();
}

describe('over one Redis and one NATS', () => {
  beforeAll(() => start('single'));
  afterAll(stop);

  it('[G2][G3][G6] Redis killed in mid-answer, back with nothing: the answer is heard on, the question waits, the owners write back', async () => {
    const clients = await outlives(() => servers.dropStore(AWAY_MS), UNWRITTEN_PAUSE_MS);
    for (const client of clients) {
      const key = `parley:{${await sessionOf(client)}}:state`;
      expect(await admin.hmget(key, 'epoch', 'attachment')).toEqual(['1', '1']);
    }
    // What was written back is enough for a new owner.
    const [client] = clients;
    const pids = faked.cluster.running('orchestrator').map(({ pid }) => pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until('others in their place', () => {
      const now = faked.cluster.running('orchestrator').map(({ pid }) => pid);
      return now.length === 2 && now.every((pid) => !pids.includes(pid));
    });
    if (client) expect(await speakTurn(client, 'Still there?', BACK_WITHIN_MS)).toMatchObject({ status: 'completed' });
    expect(promptOf('Still there?')).toHaveLength(5);
    await Promise.all(clients.map((each) => each.close()));
  });

  it('[G2][G3] NATS killed in mid-answer: clients stay, the answer is heard whole, and the question that waits is answered', async () => {
    const clients = await outlives(() => servers.dropBus(AWAY_MS));
    await Promise.all(clients.map((each) => each.close()));
  });

  it('[G2][G3] a full Redis (noeviction): a turn waits', () =>
    waitsFor(
      () => admin.config('SET', 'maxmemory', 1),
      () => admin.config('SET', 'maxmemory', 0),
    ));

  it('[G2][G3] a Redis that answers READONLY: a turn waits', () =>
    waitsFor(
      () => admin.replicaof('127.0.0.1', 1),
      () => admin.replicaof('NO', 'ONE'),
    ));

  it('[G2][G3] a Redis that answers LOADING: a turn waits', async () => {
    await Promise.all(Array.from({ length: 800 }, (_, index) => admin.set(`filler${index}`, 'x'.repeat(200))));
    await admin.config('SET', 'loading-process-events-interval-bytes', 1_024);
    await admin.config('SET', 'key-load-delay', 4_000);
    let loading: Promise<unknown> | undefined;
    await waitsFor(
      async () => {
        loading = admin.debug('RELOAD');
        await sleep(100);
      },
      () => loading ?? Promise.resolve(),
    );
    await admin.config('SET', 'key-load-delay', 0);
  });
});

describe('over a Redis with Sentinel', () => {
  beforeAll(() => start('watched'), 60_000);
  afterAll(stop);

  it('[G2][G3][G6] the primary killed in mid-answer: the answer is heard on, the question waits, the next primary holds both', async () => {
    const before = servers.primary;
    const clients = await outlives(() => servers.failOver(), UNWRITTEN_PAUSE_MS);
    expect(servers.primary.port).not.toBe(before.port);
    const next = new Redis(servers.primary.url);
    for (const client of clients) {
      const key = `parley:{${await sessionOf(client)}}:state`;
      expect(Number(await next.hget(key, 'rev'))).toBeGreaterThan(1);
    }
    next.disconnect();
    await Promise.all(clients.map((each) => each.close()));
  });
});
