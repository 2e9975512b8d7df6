import type { GatewayService } from '@parley/service-gateway';
import { SAMPLES_PER_CHARACTER, Stage, type StagedClient, type StagedProcess } from './stage';

const SENTENCES = [
  'The lamp in the tower was lit before the storm. ',
  'Nobody on the island saw who had climbed the stairs. ',
  'In the morning the light was still burning.',
];
const WHOLE_SAMPLES = SENTENCES.reduce((sum, each) => sum + each.trimEnd().length * SAMPLES_PER_CHARACTER, 0);
/** The gateway looks for the owner of whoever waits so often, and up to `SPREAD_MS` later. */
const LOOK_PERIOD_MS = 15_000;
const SPREAD_MS = 1_000;

describe('a store', () => {
  let stage: Stage;
  let owner: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;
  let lookAtMs: number;

  /** `draws`: of the chance that decides when a look is and who is asked. */
  async function begin(orchestrators: number, draws: number): Promise<void> {
    stage = new Stage();
    for (let n = 0; n < draws; n++) stage.system.random.fraction();
    stage.tts.deterministic = true;
    stage.lookAheadMs = 300;
    stage.llm.wordDelayMs = 150;
    stage.llm.answer = (text) => (text === 'Tell me.' ? SENTENCES.join('') : 'I heard you.');
    owner = await stage.orchestrator();
    await stage.system.advanceBy(500);
    await stage.ttsWorker();
    gateway = await stage.gateway();
    lookAtMs = stage.system.nowMs + LOOK_PERIOD_MS;
    client = await stage.connect(gateway.service);
    // Their leases are renewed half a period after the owner's.
    for (let n = 1; n < orchestrators; n++) await stage.orchestrator();
  }

  const until = (ms: number): Promise<void> => stage.system.advanceBy(ms - stage.system.nowMs);
  const statuses = (): unknown[] =>
    client.events('response.done').map((event) => (event['response'] as { status: unknown }).status);
  const takeovers = (): number => stage.telemetry.counts.get('parley_takeovers_total') ?? 0;
  async function converses(turnId: string): Promise<void> {
    const before = statuses().length;
    client.say('Are you there?', turnId);
    await stage.system.advanceBy(5_000);
    expect(statuses().slice(before)).toEqual(['completed']);
  }

  const steps = (fromMs: number, toMs: number, stepMs: number): number[] =>
    Array.from({ length: (toMs - fromMs) / stepMs + 1 }, (_, index) => fromMs + index * stepMs);

  it.each(steps(-1_000, SPREAD_MS, 100))(
    '[G2][G6] back with its data after 4 s, %i ms after a look was due: the owner lived, and so does the answer',
    async (backMs) => {
      await begin(4, SPREAD_MS + backMs);
      await until(lookAtMs + backMs - 4_000 - 2_000);
      client.say('Tell me.', 'story');
      await stage.system.advanceBy(2_000);
      stage.storeServer.setUnavailable(true);
      await stage.system.advanceBy(4_000);
      stage.storeServer.setUnavailable(false);
      await stage.system.advanceBy(8_000);
      expect(statuses()).toEqual(['completed']);
      expect(client.samples()).toBe(WHOLE_SAMPLES);
      expect(takeovers()).toBe(0);
      await converses('next');
    },
  );

  it.each(steps(-20_000, 0, 1_000))(
    '[G2][G3] that its owner alone cannot reach, from %i ms after a look on: a turn waits for another one, not for the end of the fault',
    async (lostMs) => {
      await begin(2, 20_000 + lostMs);
      await until(lookAtMs + LOOK_PERIOD_MS + lostMs);
      owner.store.setUnavailable(true);
      await stage.system.advanceBy(1_500);
      client.say('Are you there?', 'question');
      // Two looks, the first of which may be before its lease has run out.
      await stage.system.advanceBy(2 * LOOK_PERIOD_MS + 4_000);
      expect(statuses()).toEqual(['completed']);
      expect(takeovers()).toBe(1);
      await converses('next');
      owner.store.setUnavailable(false);
      await stage.system.advanceBy(2_000);
      await converses('last');
      expect(client.events('parley.turn.accepted')).toHaveLength(3);
    },
  );

  it.each(steps(0, 4, 1))(
    '[G2] away for 40 s, with ten orchestrators, chance %i: nobody’s connection is closed, and whoever asked is answered',
    async (draws) => {
      await begin(10, draws);
      const clients = [client];
      for (let n = 1; n < 20; n++) clients.push(await stage.connect(gateway.service));
      stage.storeServer.setUnavailable(true);
      await stage.system.advanceBy(1_000);
      for (const each of clients) each.say('Are you there?', 'question');
      await stage.system.advanceBy(40_000);
      stage.storeServer.setUnavailable(false);
      await stage.system.advanceBy(6_000);
      expect(clients.flatMap(({ closed }) => closed ?? [])).toEqual([]);
      expect(clients.map((each) => each.events('response.done').length)).toEqual(clients.map(() => 1));
      expect(takeovers()).toBe(0);
    },
  );
});
