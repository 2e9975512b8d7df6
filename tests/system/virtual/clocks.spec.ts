import type { JournalRecord } from '@parley/ports';
import { replay } from '@parley/replay';
import type { Arrival } from '../support/test-client';
import { ReturningClient } from './returning-client';
import { Stage, type Skew } from './stage';

const TEN_MINUTES_MS = 10 * 60_000;
/** Of the orchestrators, voice workers and gateways, in the order in which they start. */
const FAR_APART: Skew[] = [
  { monotonicS: 0, wallMs: TEN_MINUTES_MS },
  { monotonicS: 900_000, wallMs: -TEN_MINUTES_MS },
  { monotonicS: 17, wallMs: 7 },
  { monotonicS: 4, wallMs: -TEN_MINUTES_MS },
  { monotonicS: 300_000, wallMs: TEN_MINUTES_MS },
  { monotonicS: 1, wallMs: -3_600_000 },
  { monotonicS: 86_400, wallMs: 3_600_000 },
];

interface Talk {
  arrivals: Arrival[];
  stage: Stage;
  problems: readonly unknown[];
}

/** Everything that hands work from one host to another: an owner, a voice, a gateway that is lost, and a planned stop. */
async function talk(skews: readonly Skew[]): Promise<Talk> {
  const stage = Stage.exact();
  const { system } = stage;
  Object.assign(stage, { skews: [...skews], journal: true });
  const journal: JournalRecord[] = [];
  stage.link().subscribe('journal.>', ({ payload }) => journal.push({ storedAtMs: system.nowMs, payload }));
  const { orchestrator: owner, worker, gateway } = await stage.cluster();
  stage.llm.wordDelayMs = 80;
  const client = new ReturningClient(stage);
  await client.connect(gateway.service);
  client.say('hello', 't1');
  await system.advanceBy(700);
  const next = await stage.orchestrator();
  owner.kill();
  await system.advanceBy(1_000);
  await stage.ttsWorker();
  worker.kill();
  await system.advanceBy(10_000);
  client.say('And then?', 't2');
  await system.advanceBy(1_000);
  const other = await stage.gateway();
  gateway.kill();
  client.drop();
  await system.advanceBy(500);
  await client.resume(other.service);
  await system.advanceBy(500);
  await stage.orchestrator();
  await system.runUntil(next.service.stop(20_000));
  await system.advanceBy(10_000);
  client.say('Thanks.', 't3');
  await system.advanceBy(10_000);
  return { arrivals: client.all(), stage, problems: replay(journal).problems };
}

/** Without the date at which a session ends, which is its first owner's word. */
const timeless = (arrival: Arrival | undefined): string => JSON.stringify(arrival).replace(/"expires_at":\d+,/, '');

describe('hosts whose clocks are far apart', () => {
  let agreed: Talk;
  let apart: Talk;
  beforeAll(async () => {
    agreed = await talk([]);
    apart = await talk(FAR_APART);
  });

  it('[G6] hold the conversation that others hold: every event and sample, at its millisecond', () => {
    // The comparison is of something: three answers, taken over, resumed and handed over.
    const done = agreed.arrivals.filter(
      (arrival) => arrival.kind === 'event' && arrival.event.type === 'response.done',
    );
    expect(done).toMatchObject(Array.from({ length: 3 }, () => ({ event: { response: { status: 'completed' } } })));
    expect(apart.stage.skews).toEqual([]);
    const differences = agreed.arrivals.filter(
      (arrival, index) => timeless(arrival) !== timeless(apart.arrivals[index]),
    );
    expect(differences).toEqual([]);
    expect(apart.arrivals).toHaveLength(agreed.arrivals.length);
  });

  it('[G6] ask the model and the voice for the same', () => {
    expect(apart.stage.llm.asked).toEqual(agreed.stage.llm.asked);
    expect(apart.stage.tts.spoken).toEqual(agreed.stage.tts.spoken);
    expect(apart.stage.telemetry.counts).toEqual(agreed.stage.telemetry.counts);
  });

  it('leave a journal that can be replayed', () => {
    expect([agreed.problems, apart.problems]).toEqual([[], []]);
  });
});
