import { scrape, type ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { isAudioOf } from '../support/indexed-audio';
import { orderFaults } from '../support/response-order';
import { fieldsOf } from '../support/fields';
import { finishTurn, speakTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

const SAMPLES_PER_CHARACTER = 480;
const STORY = Array.from({ length: 8 }, (_, index) => `This is sentence number ${index} of a story.`).join(' ');
const TURNS = 12;
/** Of one turn in a thousand the first ten offers all reach the worker that is stopped, 150 ms each. On top: two busy cores. */
const VOICE_WITHIN_MS = 10 * 150 + 1_000;

jest.setTimeout(120_000);

describe('a voice worker that is stopped (SIGSTOP) in mid-answer, one of two', () => {
  let faked: FakedCluster;
  let client: TestClient;

  beforeAll(async () => {
    faked = await startFakedCluster(['--tts', '2', '--avatar', '0'], {
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
    faked.llm.chatRule(({ text }) => ({ kind: 'answer', text: text.startsWith('Tell') ? STORY : 'Yes.' }));
    client = await TestClient.connect({ url: faked.cluster.url });
  });

  afterAll(async () => {
    await client?.close();
    await faked?.stop();
  });

  const jobsOf = ({ metricsUrl }: ClusterMember): Promise<number> => scrape(metricsUrl, 'parley_tts_jobs_active');
  const speaker = async (): Promise<ClusterMember | undefined> => {
    for (const worker of faked.cluster.running('tts')) if ((await jobsOf(worker)) > 0) return worker;
    return undefined;
  };

  /** From the question to the first sample. */
  async function askedAndHeardMs(question: string): Promise<number> {
    const startedMs = performance.now();
    const turn = await speakTurn(client, question);
    expect(turn).toMatchObject({ status: 'completed', errors: [] });
    expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
    const first = client.arrivals.find(
      (arrival) => arrival.kind === 'audio' && arrival.responseId === turn.responseId && arrival.samples > 0,
    );
    return (first?.atMs ?? Infinity) - startedMs;
  }

  it('[G6] the answer is heard whole, each new turn has its voice in time, and it wakes up to no job', async () => {
    const from = client.arrivals.length;
    const startedMs = performance.now();
    client.send({ type: 'parley.transcript.final', turn_id: 'story', text: 'Tell me a story.' });
    const created = await client.waitForType('response.created', 5_000, from);
    const responseId = String(fieldsOf(created['response'])['id']);
    await client.waitUntil('the story to be heard', () => client.receivedSamples(responseId) > 0);
    const stopped = await until('a worker that speaks', speaker);
    process.kill(stopped.pid, 'SIGSTOP');
    try {
      const story = await finishTurn(client, responseId, { from, startedMs, timeoutMs: 30_000 });
      expect(story).toMatchObject({ status: 'completed', errors: [] });
      expect(story.texts.join('').trim()).toBe(STORY);
      expect(isAudioOf(client, responseId, story.texts, SAMPLES_PER_CHARACTER)).toBe(true);
      for (let n = 0; n < TURNS; n++) {
        expect(await askedAndHeardMs(`Are you there, ${n}?`)).toBeLessThan(VOICE_WITHIN_MS);
      }
    } finally {
      process.kill(stopped.pid, 'SIGCONT');
    }
    const heard = client.receivedSamples(responseId);
    await until('no worker with a job', async () => (await speaker()) === undefined);
    expect(client.receivedSamples(responseId)).toBe(heard);
    await askedAndHeardMs('And now?');
    expect(orderFaults(client.arrivals)).toEqual([]);
  });
});
