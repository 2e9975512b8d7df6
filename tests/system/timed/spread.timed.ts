import { lastUserText } from '@parley/fakes';
import { scrape, type ClusterMember } from '../support/cluster-process';
import { INSTRUCTIONS, startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { isAudioOf } from '../support/indexed-audio';
import { Judge, type LogEntry } from '../support/judge';
import { orderFaults } from '../support/response-order';
import { speakTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';

const SESSIONS = 50;
const TURNS = 3;
const LEAST_SHARE = 0.2;
const SAMPLES_PER_CHARACTER = 60;

jest.setTimeout(120_000);

describe('50 sessions on two gateways, two orchestrators and two voice workers', () => {
  let faked: FakedCluster;
  const clients: TestClient[] = [];
  const logs = new Map<TestClient, LogEntry[]>();

  beforeAll(async () => {
    faked = await startFakedCluster(['--gateway', '2', '--orchestrator', '2', '--tts', '2', '--avatar', '1'], {
      PARLEY_LOG_LEVEL: 'warn',
    });
    faked.voice.setDefaultSpeech({ kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, content: 'indexed' });
    faked.llm.setDefaultChat({
      kind: 'answer',
      // Nobody else is told these words.
      text: (messages) => `You asked this: ${lastUserText(messages)} Now I have to think about my answer to that.`,
      tokenDelayMs: 3,
    });
    await Promise.all(
      Array.from({ length: SESSIONS }, async (_, session) => {
        const client = await TestClient.connect({ url: faked.cluster.url, binary: session % 2 === 0 });
        clients.push(client);
      }),
    );
    await Promise.all(clients.map((client, session) => converse(client, session)));
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await faked?.stop();
  });

  async function converse(client: TestClient, session: number): Promise<void> {
    const log: LogEntry[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const from = client.arrivals.length;
      const text = `Question ${turn} of session ${session}?`;
      const spoken = await speakTurn(client, text, 60_000);
      log.push(sent(spoken.turnId, text), ...client.arrivals.slice(from));
      expect(spoken).toMatchObject({ status: 'completed', errorCode: undefined, errors: [] });
      // Sample for sample its own answer, nothing of any of the other 49.
      expect(spoken.texts.join('')).toContain(text);
      expect(isAudioOf(client, spoken.responseId, spoken.texts, SAMPLES_PER_CHARACTER)).toBe(true);
    }
    logs.set(client, log);
  }

  const sent = (turnId: string, text: string): LogEntry => ({
    kind: 'sent',
    atMs: 0,
    event: { type: 'parley.transcript.final', turn_id: turnId, text },
  });

  it.each<[ClusterMember['role'], string, Record<string, string>]>([
    ['gateway', 'parley_sessions_total', { role: 'gateway' }],
    ['orchestrator', 'parley_sessions_total', { role: 'orchestrator' }],
    ['tts', 'parley_tts_segments_total', {}],
  ])('each %s carries at least 20 %% of them, by its own metrics (%s)', async (role, metric, labels) => {
    const members = faked.cluster.running(role);
    const carried = await Promise.all(members.map(({ metricsUrl }) => scrape(metricsUrl, metric, labels)));
    const total = carried.reduce((sum, each) => sum + each, 0);
    expect(members).toHaveLength(2);
    expect(total).toBe(role === 'tts' ? SESSIONS * TURNS * 2 : SESSIONS);
    expect(Math.min(...carried)).toBeGreaterThanOrEqual(total * LEAST_SHARE);
  });

  it("each session's events are in order: chains, segments, samples, event ids", () => {
    expect(clients.flatMap((client) => orderFaults(client.arrivals))).toEqual([]);
  });

  it('[G3][G4] each model request carries its own conversation and nothing of another', () => {
    const asked = faked.llm.requests.flatMap((request) =>
      request.kind === 'chat'
        ? [(request.body.messages ?? []).map(({ role, content }) => ({ role, content: String(content) }))]
        : [],
    );
    expect(asked).toHaveLength(SESSIONS * TURNS);
    clients.forEach((client, session) => {
      const own = asked
        .filter((messages) => messages.at(-1)?.content.endsWith(` of session ${session}?`))
        .map((messages) => ({ messages }));
      const judge = new Judge(INSTRUCTIONS, 'bounded');
      expect(judge.judge(logs.get(client) ?? [], own).violations).toEqual([]);
      expect(own).toHaveLength(TURNS);
    });
  });
});
