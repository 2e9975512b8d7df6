import { subjects } from '@parley/model';
import type { GatewayService } from '@parley/service-gateway';
import { indexedPcm, SAMPLES_PER_CHARACTER, Stage, type StagedClient, type StagedProcess } from './stage';

const ANSWER = ['One two three four five six.', 'Seven eight nine ten eleven twelve.'];
const SHORT_ANSWER = 'Yes, I am.';
const TURNS = 30;
/** Behind its first sample. */
const HEARD_MS = 1_000;
/** From a question to the first sample of its answer: the model, one chunk of the voice, and what rounds up. */
const USUAL_MS = 20;
/** Design §5 and ADR 8: after so long a silence another worker is asked. */
const FIRST_WORD_MS = 150;
/** Ten offers in a row reach the frozen one of two in one turn of a thousand. */
const IN_TIME_MS = 10 * FIRST_WORD_MS;
/** Of the worker that speaks: a silence of 1.5 s (design §5), and a ping before it and after it. */
const NOTICED_MS = 2_000;
/** Above the limit of every process. */
const LATE_MS = 101;

const pcmOf = (text: string): Buffer =>
  Buffer.from(indexedPcm(text.trimEnd(), 0, text.trimEnd().length * SAMPLES_PER_CHARACTER));
const WHOLE = Buffer.concat(ANSWER.map(pcmOf));

interface Turn {
  /** From the question to the first sample. */
  lateMs: number;
  offers: number;
}

let stage: Stage;
let workers: StagedProcess[];
let gateway: StagedProcess<GatewayService>;
let client: StagedClient;
/** So often a worker was asked to speak. */
let offers: number;

beforeEach(async () => {
  stage = new Stage();
  stage.tts.indexed = true;
  stage.tts.deterministic = true;
  stage.tts.pace = 20;
  stage.lookAheadMs = 500;
  await stage.orchestrator();
  workers = [await stage.ttsWorker()];
  gateway = await stage.gateway();
  client = await stage.connect(gateway.service);
  offers = 0;
  // Beside the group, and not a member of it: it gets a copy of each offer.
  for (const subject of [subjects.ttsOpen, subjects.ttsOpenReserve]) {
    stage.link().subscribe(subject, () => offers++, { queue: 'beside' });
  }
});

const freeze = (count: number): void => workers.slice(0, count).forEach(({ freezer }) => freezer.freeze());
const thaw = (): void => workers.forEach(({ freezer }) => freezer.thaw());
const jobs = (): number[] => workers.map(({ telemetry }) => telemetry.gauges.get('parley_tts_jobs_active') ?? 0);
const samples = (): Buffer =>
  Buffer.concat(client.arrivals.flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.pcm] : [])));
/** From the first offer to the first sample, where each but the last one met a silent worker. */
const searchMs = (made: number): number => USUAL_MS + (made - 1) * FIRST_WORD_MS;
/** From one sample of an answer to the next. */
const longestWaitMs = (): number => {
  const times = client.arrivals.flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.atMs] : []));
  return Math.max(...times.map((atMs, n) => atMs - (times[n - 1] ?? atMs)));
};
const statuses = (): unknown[] =>
  client.events('response.done').map((event) => (event['response'] as { status: unknown }).status);

/** Who was frozen wakes up, and does everything that it was told meanwhile. */
async function expectNothingMoreAfterTheThaw(): Promise<void> {
  const before = samples();
  thaw();
  await stage.system.advanceBy(5_000);
  expect(Buffer.compare(samples(), before)).toBe(0);
  expect(jobs()).toEqual(workers.map(() => 0));
}

describe('with one of two voice workers frozen', () => {
  beforeEach(async () => {
    workers.push(await stage.ttsWorker());
    stage.llm.answer = () => SHORT_ANSWER;
  });

  async function takesTurns(): Promise<Turn[]> {
    const turns: Turn[] = [];
    for (let n = 0; n < TURNS; n++) {
      const [from, saidMs] = [client.arrivals.length, stage.system.nowMs];
      offers = 0;
      client.say('Are you there?', `t${n}`);
      const isHeard = (): boolean => client.arrivals.slice(from).some(({ kind }) => kind === 'audio');
      const lateMs = (): number => stage.system.nowMs - saidMs;
      while (!isHeard() && lateMs() < 6_000) await stage.system.advanceBy(10);
      turns.push({ lateMs: lateMs(), offers });
      await stage.system.advanceBy(HEARD_MS);
    }
    return turns;
  }

  /** By what was asked of whom, and in all. */
  function expectEachInTime(turns: Turn[]): void {
    for (const turn of turns) expect(turn.lateMs).toBeLessThanOrEqual(searchMs(turn.offers));
    expect(Math.max(...turns.map(({ lateMs }) => lateMs))).toBeLessThanOrEqual(IN_TIME_MS);
  }

  function expectEachHeardOnce(): void {
    expect(statuses()).toEqual(Array.from({ length: TURNS }, () => 'completed'));
    expect(client.events('error')).toEqual([]);
    expect(Buffer.compare(samples(), Buffer.concat(Array.from({ length: TURNS }, () => pcmOf(SHORT_ANSWER))))).toBe(0);
  }

  it('[G6] each of thirty turns has its voice, 150 ms later for each time that the frozen one was asked', async () => {
    freeze(1);
    const turns = await takesTurns();
    expectEachInTime(turns);
    // About each other turn finds it.
    expect(turns.filter((turn) => turn.offers > 1).length).toBeGreaterThan(TURNS / 4);
    expectEachHeardOnce();
    await expectNothingMoreAfterTheThaw();
  });

  it('[G6] each has its voice where the other one is late, and the frozen one alone seems to have room', async () => {
    freeze(1);
    await stage.system.stayAtLag(LATE_MS, 1_000);
    expectEachInTime(await takesTurns());
    expectEachHeardOnce();
  });
});

describe('a voice worker that freezes in mid-answer', () => {
  async function freezesFor(afterMs: number, frozenMs: number): Promise<void> {
    client.say('hello', 't1');
    await stage.system.advanceBy(afterMs);
    workers.push(await stage.ttsWorker(), await stage.ttsWorker());
    freeze(2);
    offers = 0;
    await stage.system.advanceBy(frozenMs);
    if (frozenMs < 20_000) thaw();
    await stage.system.advanceBy(20_000);
  }

  it.each(
    [0, 60, 700, 1_690, 2_500, 3_200].flatMap((afterMs) =>
      [100, 1_400, 1_600, 1_750, 2_500, 20_000].map((frozenMs) => [afterMs, frozenMs] as const),
    ),
  )(
    '[G6][G1] after %i ms, for %i ms, and one of the two others too: the answer is heard whole, and nothing twice or of it when it is back',
    async (afterMs, frozenMs) => {
      await freezesFor(afterMs, frozenMs);
      expect(Buffer.compare(samples(), WHOLE)).toBe(0);
      expect(statuses()).toEqual(['completed']);
      expect(client.events('error')).toEqual([]);
      expect(longestWaitMs()).toBeLessThanOrEqual(NOTICED_MS + searchMs(Math.max(offers, 1)));
      await expectNothingMoreAfterTheThaw();
    },
  );

  it('[G6] and is the only one: the text goes on alone, and it is left without a job', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(700);
    freeze(1);
    await stage.system.advanceBy(20_000);
    expect(client.events('error').map((event) => (event['error'] as { code: unknown }).code)).toEqual([
      'tts_unavailable',
    ]);
    workers.push(await stage.ttsWorker());
    await expectNothingMoreAfterTheThaw();
    client.say('again', 't2');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed', 'completed']);
  });
});
