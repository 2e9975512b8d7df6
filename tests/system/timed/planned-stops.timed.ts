import { scrape, type ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { heardSegments, indexedAudio } from '../support/indexed-audio';
import { speakTurn } from '../support/spoken-turn';
import { Refused, TestClient, type Arrival } from '../support/test-client';
import { until } from '../support/until';

/** 20 ms a character: each sentence is heard for some 0.8 s. */
const SAMPLES_PER_CHARACTER = 480;
const SENTENCES = Array.from({ length: 7 }, (_, index) => `This is sentence number ${index} of a story.`);
/** Of a process: for turns, for what goes on elsewhere, and for what it stands on. */
const GRACE_MS = 30_000;
const STORY_MS = 20_000;

jest.setTimeout(90_000);

describe('SIGTERM in mid-answer', () => {
  let faked: FakedCluster;

  beforeAll(async () => {
    // Or what is left of a sentence would be other audio, where a client resumes in the middle of one.
    faked = await startFakedCluster(['--gateway', '2', '--orchestrator', '2', '--tts', '2'], {
      PARLEY_TTS_DETERMINISTIC: 'yes',
    });
    faked.voice.setDefaultSpeech({
      kind: 'voice',
      samplesPerCharacter: SAMPLES_PER_CHARACTER,
      content: 'indexed',
    });
    faked.llm.chatRule(({ text }) =>
      text.startsWith('Tell me') ? { kind: 'answer', text: SENTENCES.join(' '), tokenDelayMs: 40 } : undefined,
    );
  });

  afterAll(() => faked?.stop());

  /** Whoever has something to do; the conversation is the only one. */
  const busy = (role: ClusterMember['role'], metric: string): Promise<ClusterMember> =>
    until(`a busy ${role}`, async () => {
      for (const member of faked.cluster.running(role)) {
        const labels = role === 'tts' ? {} : { role };
        if ((await scrape(member.metricsUrl, metric, labels).catch(() => 0)) > 0) return member;
      }
      return false;
    });

  /** Resolves with the time until another process took its place, which is after its end. */
  const terminate = async (member: ClusterMember): Promise<number> => {
    const startedMs = performance.now();
    process.kill(member.pid, 'SIGTERM');
    return until(
      `a new ${member.role}`,
      () =>
        faked.cluster.running(member.role).some(({ index, pid }) => index === member.index && pid !== member.pid) &&
        performance.now() - startedMs,
      GRACE_MS,
    );
  };

  /** Each sample of each sentence once and in its place. */
  const expectWhole = (arrivals: readonly Arrival[], responseId: string): void => {
    const ofIt = arrivals.filter((arrival) => arrival.kind === 'audio' && arrival.responseId === responseId);
    const whole = SENTENCES.map((text) => indexedAudio(text, SAMPLES_PER_CHARACTER));
    expect(Buffer.concat(heardSegments(ofIt)).equals(Buffer.concat(whole))).toBe(true);
    const events = arrivals.flatMap((arrival) => (arrival.kind === 'event' ? [arrival.event] : []));
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    expect([count('response.created'), count('response.done'), count('error')]).toEqual([1, 1, 0]);
    const done = events.find((event) => event.type === 'response.done');
    expect(fieldsOf(done?.['response'])['status']).toBe('completed');
  };

  const beginStory = async (client: TestClient): Promise<string> => {
    client.send({ type: 'parley.transcript.final', turn_id: 'story', text: 'Tell me a story.' });
    const created = await client.waitForType('response.created');
    const responseId = String(fieldsOf(created['response'])['id']);
    await client.waitUntil('a second of it', () => client.receivedSamples(responseId) > 24_000);
    return responseId;
  };

  it.each([
    ['orchestrator', 'parley_sessions_active'],
    ['tts', 'parley_tts_jobs_active'],
  ] as const)('[G6] of the %s: the answer is heard whole, and the next turn works', async (role, metric) => {
    const client = await TestClient.connect({ url: faked.cluster.url });
    const responseId = await beginStory(client);
    const ended = terminate(await busy(role, metric));
    await client.waitForType('response.done', STORY_MS);
    expect(await ended).toBeLessThan(GRACE_MS);
    expectWhole(client.arrivals, responseId);
    expect(await speakTurn(client, 'Is somebody there?')).toMatchObject({ status: 'completed', errors: [] });
    await client.close();
  });

  /** The gateway that stops refuses; behind the same address there is another one. */
  const reconnect = async (query: string): Promise<TestClient> => {
    for (;;) {
      try {
        return await TestClient.connect({ url: faked.cluster.url, query });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        expect([error.status, error.code]).toEqual([503, 'stopping']);
      }
    }
  };

  it('[G6] of the gateway: a client that is told resumes, and hears the answer whole', async () => {
    const client = await TestClient.connect({ url: faked.cluster.url });
    const responseId = await beginStory(client);
    const ended = terminate(await busy('gateway', 'parley_sessions_active'));
    const told = await client.waitForType('parley.going_away', 2_000);
    expect(told['reconnect_within_ms']).toBeGreaterThan(0);
    const token = String((await client.waitForType('parley.session'))['resume_token']);
    // At one moment: what arrives behind it is not stated, and comes again.
    const before = [...client.arrivals];
    const ids = before.flatMap((arrival) => (arrival.kind === 'event' ? [arrival.event.event_id] : []));
    const samples = client.received(responseId).map((segment) => segment.samples);
    if (client.received(responseId).at(-1)?.last) samples.push(0);
    const received = JSON.stringify([{ response_id: responseId, samples, played_ms: 0, done: false }]);
    const query = new URLSearchParams({ resume: token, last_event_id: String(ids.at(-1)), received });
    const startedMs = performance.now();
    const next = await reconnect(query.toString());
    await next.waitFor('the session', (event) => event.type === 'parley.session' && event['resumed'] === true);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect((await client.waitClosed()).code).toBe(4001);
    await next.waitForType('response.done', STORY_MS);
    expectWhole([...before, ...next.arrivals], responseId);
    expect(await ended).toBeLessThan(GRACE_MS);
    await next.close();
  });

  it('[G6] of the gateway: a client of the Realtime API hears its answer whole, then 1012', async () => {
    const client = await TestClient.connect({ url: faked.cluster.url, subprotocols: ['realtime'], binary: false });
    client.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Tell me a story.' }] },
    });
    client.send({ type: 'response.create' });
    const created = await client.waitForType('response.created');
    const responseId = String(fieldsOf(created['response'])['id']);
    await client.waitUntil('a second of it', () => client.receivedSamples(responseId) > 24_000);
    const ended = terminate(await busy('gateway', 'parley_sessions_active'));
    expect((await client.waitClosed(STORY_MS)).code).toBe(1012);
    const whole = SENTENCES.map((text) => indexedAudio(text, SAMPLES_PER_CHARACTER));
    const heard = client.arrivals.flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.pcm] : []));
    expect(Buffer.concat(heard).equals(Buffer.concat(whole))).toBe(true);
    expect(client.events().filter(({ type }) => type === 'response.done')).toHaveLength(1);
    expect(await ended).toBeLessThan(GRACE_MS);
  });
});
