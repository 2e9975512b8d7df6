import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scrape, type ClusterMember } from '../support/cluster-process';
import { INSTRUCTIONS, startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { processesOf } from '../support/processes';
import { orderFaults } from '../support/response-order';
import { finishTurn, speakTurn, type SpokenResponse } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

const STORY = Array.from({ length: 60 }, (_, index) => `This is sentence number ${index} of a long story.`).join(' ');
/** More than the model had written when its process died. */
const MORE_SEGMENTS = 8;
const STARTED_AGAIN_WITHIN_MS = 2_000;
const FORGOTTEN_WITHIN_MS = 10_000;
/** What two busy cores add to starting a process. */
const SLACK_MS = 1_000;
const SAMPLES_PER_CHARACTER = 120;
/** Of a text of sentences: each is spoken by itself, without the space behind it. */
const samplesOf = (text: string): number =>
  text.split(/(?<=\.) /).reduce((sum, sentence) => sum + sentence.length * SAMPLES_PER_CHARACTER, 0);

jest.setTimeout(60_000);

describe.each([
  ['one of each', 1],
  ['two orchestrators and faces', 2],
])('a cluster with %s', (_name, replicas) => {
  let faked: FakedCluster;
  let client: TestClient;
  /** Given to every process of this cluster and to nobody else; all its temporary files are in there. */
  let ownTmpDir: string;
  let questions = 0;

  const members = (role: ClusterMember['role']): ClusterMember[] => faked.cluster.running(role);
  const only = (role: ClusterMember['role']): ClusterMember => {
    const [member] = members(role);
    if (!member) throw new Error(`no ${role} is running`);
    return member;
  };
  const servers = (): string[] =>
    [...processesOf(ownTmpDir)]
      .filter(([, command]) => /(nats|redis)-server /.test(command) && !command.includes('supervise'))
      .map(([pid]) => String(pid))
      .sort();
  const activeSessions = async (): Promise<number> => {
    const counts = await Promise.all(
      members('orchestrator').map(({ metricsUrl }) => scrape(metricsUrl, 'parley_sessions_active')),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const ownerOf = async (): Promise<ClusterMember> => {
    for (const member of members('orchestrator')) {
      if ((await scrape(member.metricsUrl, 'parley_sessions_active')) > 0) return member;
    }
    throw new Error('nobody owns the session');
  };
  /** SIGKILL; resolves with the time until the launcher announced the one that took its place. */
  const killAndTime = (member: ClusterMember): Promise<number> => {
    const killedMs = performance.now();
    process.kill(member.pid, 'SIGKILL');
    return until(
      `a new ${member.role} ${member.index}`,
      () =>
        members(member.role).some(({ index, pid }) => index === member.index && pid !== member.pid) &&
        performance.now() - killedMs,
      10_000,
    );
  };
  /** An answer that has been heard for a moment and would go on for long. */
  const beginStory = async (): Promise<{ responseId: string; question: string; from: number }> => {
    const question = `Tell me story ${++questions}.`;
    const from = client.arrivals.length;
    client.send({ type: 'parley.transcript.final', turn_id: question, text: question });
    const created = await client.waitForType('response.created', 5_000, from);
    const responseId = String(fieldsOf(created['response'])['id']);
    await client.waitUntil('two sentences', () => client.received(responseId).filter(({ last }) => last).length >= 2);
    return { responseId, question, from };
  };
  const askedFor = (text: string): string[] => {
    const asked = faked.llm.requests.flatMap((request) =>
      request.kind === 'chat' && request.text === text ? [request.body.messages ?? []] : [],
    );
    expect(asked).toHaveLength(1);
    return (asked[0] ?? []).map(({ role, content }) => `${role}: ${String(content)}`);
  };
  /** The session goes on with its history. */
  const expectNextTurn = async (failed: SpokenResponse, question: string): Promise<void> => {
    const next = `What was that, after story ${questions}?`;
    const turn = await speakTurn(client, next);
    expect(turn).toMatchObject({ status: 'completed', errors: [] });
    expect(turn.samples).toBeGreaterThan(0);
    const asked = askedFor(next);
    expect(asked[0]).toBe(`system: ${INSTRUCTIONS}`);
    expect(asked).toContain(`user: ${question}`);
    // What was heard of the answer that failed.
    const heard = asked.at(-2) ?? '';
    expect(heard).toMatch(/^assistant: This is sentence number 0 .* \[interrupted by the user\]$/);
    expect(STORY.startsWith(heard.slice('assistant: '.length, -' [interrupted by the user]'.length))).toBe(true);
    expect(failed.texts.join('').startsWith(heard.slice('assistant: '.length, -26).trimEnd())).toBe(true);
  };

  beforeAll(async () => {
    ownTmpDir = mkdtempSync(join(tmpdir(), 'parley-restart-'));
    faked = await startFakedCluster(['--orchestrator', String(replicas), '--avatar', String(replicas)], {
      TMPDIR: ownTmpDir,
    });
    faked.llm.chatRule(({ text }) =>
      text.startsWith('Tell me story') ? { kind: 'answer', text: STORY, tokenDelayMs: 20 } : undefined,
    );
  });

  afterAll(async () => {
    await faked?.stop();
    rmSync(ownTmpDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    client = await TestClient.connect({ url: faked.cluster.url });
  });

  afterEach(() => client.close());

  it('[G6] kill -9 of the orchestrator that owns a session: the answer goes on, history stays, the next turn works', async () => {
    const serversBefore = servers();
    const first = await speakTurn(client, 'What is in the garden?');
    const { responseId, question, from } = await beginStory();
    const owner = await ownerOf();
    const others = members('orchestrator').filter((member) => member !== owner);
    const spoken = (): number => client.received(responseId).filter(({ last }) => last).length;
    const again = killAndTime(owner);
    // Segments beyond those that were generated when it died.
    const before = spoken();
    await client.waitUntil('the answer to go on', () => spoken() >= before + MORE_SEGMENTS, 20_000);
    const startedMs = performance.now();
    client.send({ type: 'parley.interrupt' });
    const cut = await finishTurn(client, responseId, { from, startedMs });
    expect(cut).toMatchObject({ status: 'cancelled', errors: [] });
    expect(STORY.startsWith(cut.texts.join('').trimEnd())).toBe(true);
    await expectNextTurn(cut, question);
    expect(askedFor(`What was that, after story ${questions}?`).slice(1, 3)).toEqual([
      'user: What is in the garden?',
      `assistant: ${first.texts.join('')}`,
    ]);
    expect(await again).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
    // With another one there, nobody waits for the restart.
    for (const { metricsUrl } of others) expect(await scrape(metricsUrl, 'parley_takeovers_total')).toBe(1);
    expect(orderFaults(client.arrivals)).toEqual([]);
    expect(servers()).toEqual(serversBefore);
    expect(serversBefore).toHaveLength(2);
  });

  if (replicas > 1) {
    it('[G6] kill -9 of a face’s worker in mid-answer, and SIGSTOP of the other: every sample is heard, and the face goes on', async () => {
      const { responseId, from } = await beginStory();
      const animated = (): number =>
        client.eventsFrom(from).filter(({ type, response_id: id }) => type === 'parley.visemes' && id === responseId)
          .length;
      const goesOn = async (): Promise<void> => {
        const before = animated();
        await client.waitUntil('the face to go on', () => animated() >= before + 4);
      };
      const [mortal, other] = members('avatar');
      if (!mortal || !other) throw new Error('two faces were asked for');
      const startedMs = performance.now();
      const again = killAndTime(mortal);
      await goesOn();
      expect(await again).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
      process.kill(other.pid, 'SIGSTOP');
      try {
        await goesOn();
        const told = await finishTurn(client, responseId, { from, startedMs, timeoutMs: 30_000 });
        expect(told).toMatchObject({ status: 'completed', errors: [], samples: samplesOf(STORY) });
        expect(told.texts.join('')).toBe(STORY);
      } finally {
        process.kill(other.pid, 'SIGCONT');
      }
      expect(await speakTurn(client, 'Is that all?')).toMatchObject({ status: 'completed', errors: [] });
      expect(orderFaults(client.arrivals)).toEqual([]);
    });
    return;
  }

  it('[G6] kill -9 of the only voice worker in mid-answer: its successor speaks on, and the next turn works', async () => {
    const { responseId, question, from } = await beginStory();
    const spoken = (): number => client.received(responseId).filter(({ last }) => last).length;
    expect(await killAndTime(only('tts'))).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
    const before = spoken();
    await client.waitUntil('three more sentences', () => spoken() >= before + 3);
    const startedMs = performance.now();
    client.send({ type: 'parley.interrupt' });
    const cut = await finishTurn(client, responseId, { from, startedMs });
    expect(cut).toMatchObject({ status: 'cancelled', errors: [] });
    await expectNextTurn(cut, question);
    expect(orderFaults(client.arrivals)).toEqual([]);
    await until('the model was stopped', () => faked.llm.requests.every(({ outcome }) => outcome !== 'running'));
  });

  it('[G6] kill -9 of the gateway in mid-answer: its sockets close, and a client that comes back hears the rest', async () => {
    const { responseId, question } = await beginStory();
    const again = killAndTime(only('gateway'));
    await client.waitClosed();
    const before = client.received(responseId);
    const [token, lastEventId] = [client.events()[1]?.['resume_token'], client.events().at(-1)?.event_id];
    // All but the last are complete: behind one that is, nothing of the next has come.
    const samples = [...before.map((segment) => segment.samples), ...(before.at(-1)?.last ? [0] : [])];
    const has = { response_id: responseId, samples, played_ms: 0, done: false };
    expect(await again).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
    // Under the address that clients know.
    const query = new URLSearchParams({
      resume: String(token),
      last_event_id: String(lastEventId),
      received: JSON.stringify([has]),
    });
    client = await TestClient.connect({ url: faked.cluster.url, query: query.toString() });
    expect(await client.waitForType('parley.session')).toMatchObject({ resumed: true, last_client_event_id: null });
    const rest = (): (typeof before)[number][] => client.received(responseId);
    await client.waitUntil('three more sentences', () => rest().length >= before.length + 3);
    // Nothing of what it had comes again: the first sample is the one behind the last.
    const first = client.arrivals.find((arrival) => arrival.kind === 'audio');
    expect(first).toMatchObject({ segment: samples.length - 1, firstSample: samples.at(-1) });
    const startedMs = performance.now();
    client.send({ type: 'parley.interrupt' });
    const cut = await finishTurn(client, responseId, { from: 0, startedMs });
    expect(cut).toMatchObject({ status: 'cancelled', errors: [] });
    expect(askedFor(question)).toHaveLength(2);
    expect(await speakTurn(client, 'Still there?')).toMatchObject({ status: 'completed', errors: [] });
    await until('the model was stopped', () => faked.llm.requests.every(({ outcome }) => outcome !== 'running'));
  });

  it('[G2] kill -9 of the gateway: the owner forgets the sessions that nobody can resume, a new connection works', async () => {
    const other = await TestClient.connect({ url: faked.cluster.url, subprotocols: ['realtime'] });
    expect(await activeSessions()).toBe(2);
    const again = killAndTime(only('gateway'));
    await Promise.all([client.waitClosed(), other.waitClosed()]);
    await until('one session', async () => (await activeSessions()) === 1, FORGOTTEN_WITHIN_MS);
    expect(await again).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
    client = await TestClient.connect({ url: faked.cluster.url });
    expect(await speakTurn(client, 'Is somebody there?')).toMatchObject({ status: 'completed' });
  });

  it('a process that dies ends no other', async () => {
    const avatar = only('avatar');
    const others = [only('gateway'), only('orchestrator'), only('tts')];
    expect(await killAndTime(avatar)).toBeLessThan(STARTED_AGAIN_WITHIN_MS + SLACK_MS);
    expect([only('gateway'), only('orchestrator'), only('tts')]).toEqual(others);
    expect(await speakTurn(client, 'Did anything happen?')).toMatchObject({ status: 'completed' });
  });

  it('stop leaves no process and no file of the cluster', async () => {
    await client.close();
    // Launcher, four services, two servers with a supervisor each.
    expect(processesOf(ownTmpDir).size).toBeGreaterThanOrEqual(7);
    await faked.cluster.stop();
    expect([...processesOf(ownTmpDir)]).toEqual([]);
    expect(readdirSync(ownTmpDir)).toEqual([]);
  });
});
