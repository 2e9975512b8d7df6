import type { GatewayService } from '@parley/service-gateway';
import type { Arrival } from '../support/test-client';
import { longestGapMs, statusesOf } from './heard';
import { ReturningClient } from './returning-client';
import { SAMPLES_PER_CHARACTER, Stage, type StagedClient, type StagedProcess } from './stage';

const SENTENCES = [
  'The lamp in the tower was lit before the storm. ',
  'Nobody on the island saw who had climbed the stairs. ',
  'In the morning the light was still burning.',
];
const WHOLE_SAMPLES = SENTENCES.reduce((sum, each) => sum + each.trimEnd().length * SAMPLES_PER_CHARACTER, 0);
/** Longer than the rest of the answer, whenever it begins. */
const AWAY_MS = 12_000;
/** Each segment of the scripted voice begins with the time of one chunk. */
const CHUNK_MS = 100;
/** In each the model still writes; the answer is 8.6 s of sound. */
const MOMENTS_MS = [120, 700, 1_500, 2_500, 3_500];

describe('the store away for 12 s in mid-answer', () => {
  let stage: Stage;
  let owner: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: ReturningClient;

  beforeEach(async () => {
    stage = new Stage();
    stage.tts.deterministic = true;
    stage.tts.indexed = true;
    stage.lookAheadMs = 300;
    stage.llm.wordDelayMs = 150;
    stage.llm.answer = (text) => (text === 'Tell me.' ? SENTENCES.join('') : 'I heard you.');
    ({ orchestrator: owner, gateway } = await stage.cluster());
    client = new ReturningClient(stage);
    await client.connect(gateway.service);
  });

  const pass = (ms: number): Promise<void> => stage.system.advanceBy(ms);
  const statuses = (): unknown[] => statusesOf(client);
  const accepted = (): unknown[] => client.events('parley.turn.accepted').map((event) => event['turn_id']);
  const floor = (): unknown => client.events('parley.state').at(-1)?.['state'];
  const audio = (): Extract<Arrival, { kind: 'audio' }>[] =>
    client.all().flatMap((arrival) => (arrival.kind === 'audio' ? [arrival] : []));
  /** Each sample once and in its place. */
  function expectNothingTwice(): void {
    const next = new Map<string, number>();
    for (const { responseId, segment, firstSample, samples } of audio()) {
      const key = `${responseId} ${segment}`;
      expect(firstSample).toBe(next.get(key) ?? 0);
      next.set(key, firstSample + samples);
    }
  }
  async function tell(untilMs: number): Promise<void> {
    client.say('Tell me.', 'story');
    await pass(untilMs);
    stage.storeServer.setUnavailable(true);
  }
  async function converses(turnId: string): Promise<void> {
    const before = statuses().length;
    client.say('Are you there?', turnId);
    await pass(8_000);
    expect(statuses().slice(before)).toEqual(['completed']);
    expect(accepted().filter((each) => each === turnId)).toHaveLength(1);
    expect(floor()).toBe('listening');
  }

  it.each(MOMENTS_MS)(
    '[G2][G6] after %i ms: the answer is heard whole without a pause, and ends meanwhile',
    async (ms) => {
      await tell(ms);
      await pass(AWAY_MS);
      expect(statuses()).toEqual(['completed']);
      expect(floor()).toBe('listening');
      expect(audio().reduce((sum, { samples }) => sum + samples, 0)).toBe(WHOLE_SAMPLES);
      expect(longestGapMs(client.all())).toBeLessThanOrEqual(CHUNK_MS);
      expectNothingTwice();
      stage.storeServer.setUnavailable(false);
      await pass(500);
      await converses('next');
      // A new owner knows all of it.
      await stage.orchestrator();
      owner.kill();
      await pass(3_000);
      await converses('last');
      expect(stage.llm.asked.at(-1)?.map(({ content }) => content.trim())).toContain(SENTENCES.join(''));
    },
  );

  it.each(MOMENTS_MS.slice(1))(
    '[G2][G3] after %i ms: a question asked meanwhile waits, and is answered once',
    async (ms) => {
      await tell(ms);
      await pass(1_000);
      client.say('And then?', 'question');
      await pass(AWAY_MS - 1_000);
      expect(accepted()).toEqual(['story']);
      expect(client.events('error')).toEqual([]);
      stage.storeServer.setUnavailable(false);
      await pass(8_000);
      expect(accepted()).toEqual(['story', 'question']);
      expect(statuses()).toEqual(['completed', 'completed']);
      expectNothingTwice();
    },
  );

  it('[G2][G3] a question asked before the owner has noticed: the answer waits with it, and then both are answered', async () => {
    await tell(120);
    client.say('And then?', 'question');
    await pass(AWAY_MS);
    expect(audio()).toEqual([]);
    stage.storeServer.setUnavailable(false);
    await pass(12_000);
    expect(client.events('error')).toMatchObject([{ error: { code: 'turn_in_progress' } }]);
    expect(statuses()).toEqual(['completed']);
    expect(audio().reduce((sum, { samples }) => sum + samples, 0)).toBe(WHOLE_SAMPLES);
    await converses('question');
  });

  it('[G1] an explicit interrupt silences the answer at once, and is confirmed when the store is back', async () => {
    await tell(1_500);
    await pass(500);
    client.send({ type: 'parley.interrupt' });
    const before = audio().length;
    await pass(AWAY_MS);
    expect(audio()).toHaveLength(before);
    expect(client.events('parley.response.interrupted')).toEqual([]);
    stage.storeServer.setUnavailable(false);
    await pass(1_000);
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
    expect(statuses()).toEqual(['cancelled']);
    await converses('next');
  });

  it('[G3] a function that the model calls is not called before that is written', async () => {
    stage.llm.callsFor = (text) => (text === 'Tell me.' ? [{ name: 'light', arguments: '{}' }] : []);
    await tell(700);
    await pass(AWAY_MS);
    expect(client.events('response.function_call_arguments.done')).toEqual([]);
    stage.storeServer.setUnavailable(false);
    await pass(6_000);
    expect(client.events('response.function_call_arguments.done')).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
  });

  it.each(MOMENTS_MS)(
    '[G1][G2] after %i ms, and then the owner killed: one end, nothing stale, and the next turn works',
    async (ms) => {
      await stage.orchestrator();
      await tell(ms);
      await pass(3_000);
      owner.kill();
      await pass(500);
      stage.storeServer.setUnavailable(false);
      await pass(8_000);
      expect(statuses()).toHaveLength(1);
      expectNothingTwice();
      await converses('next');
      await converses('last');
    },
  );

  it.each(MOMENTS_MS)(
    '[G2] after %i ms, then the owner killed and the connection lost: the client that resumes gets one end',
    async (ms) => {
      const other = await stage.orchestrator();
      await tell(ms);
      await pass(3_000);
      owner.kill();
      other.kill();
      client.drop();
      await pass(500);
      stage.storeServer.setUnavailable(false);
      await stage.orchestrator();
      await client.resume(gateway.service);
      await pass(8_000);
      expect(client.events('parley.session').at(-1)).toMatchObject({ resumed: true });
      expect(statuses()).toHaveLength(1);
      await converses('next');
      expectNothingTwice();
    },
  );
});

describe('owners write back', () => {
  const sessionOf = (client: StagedClient): `sess_${string}` =>
    client.events('parley.session')[0]?.['session_id'] as `sess_${string}`;

  it('what a store has lost, within a second and without a change, whoever is at rest', async () => {
    const stage = new Stage();
    const { gateway } = await stage.cluster();
    const ids: `sess_${string}`[] = [];
    for (let n = 0; n < 9; n++) ids.push(sessionOf(await stage.connect(gateway.service)));
    const held = (): unknown[] => ids.map((id) => stage.storeServer.sessions.load(id));
    const before = held();
    stage.storeServer.clear();
    expect(held()).toEqual(ids.map(() => ({ kind: 'missing' })));
    await stage.system.advanceBy(1_100);
    for (const [index, found] of held().entries()) {
      const { session } = before[index] as { session: { rev: number } };
      expect(found).toMatchObject({ kind: 'found', session: { ...session, rev: session.rev + 1 } });
    }
  });

  it('[G6] before anybody is told that a session is gone: clients that come back meanwhile have it', async () => {
    const stage = new Stage();
    for (let n = 0; n < 2; n++) await stage.orchestrator();
    await stage.ttsWorker();
    const gateway = await stage.gateway();
    const comesBack = async (client: ReturningClient): Promise<void> => {
      // Refused while nobody can know, as a client that finds a server full.
      await client.resume(gateway.service).catch(async () => {
        await stage.system.advanceBy(100);
        await comesBack(client);
      });
    };
    // Half of them ask another orchestrator than their own, before anybody has noticed that they were gone: nothing is written for that.
    for (let n = 0; n < 8; n++) {
      const client = new ReturningClient(stage);
      await client.connect(gateway.service);
      await stage.system.advanceBy(3_000);
      stage.storeServer.clear();
      await comesBack(client);
      expect(client.events('parley.session').map(({ resumed }) => resumed)).toEqual([false, true]);
    }
  });

  it('what was stored when the store was away, which may have been lost with it', async () => {
    const stage = new Stage();
    const { gateway } = await stage.cluster();
    const client = await stage.connect(gateway.service);
    const id = sessionOf(client);
    stage.storeServer.setUnavailable(true);
    await stage.system.advanceBy(1_500);
    stage.storeServer.sessions.clear();
    stage.storeServer.setUnavailable(false);
    await stage.system.advanceBy(1_100);
    expect(stage.storeServer.sessions.load(id)).toMatchObject({ kind: 'found', session: { epoch: 1, rev: 2 } });
  });
});
