import type { GatewayService } from '@parley/service-gateway';
import { heardSegments } from '../support/indexed-audio';
import { ANSWER, FIRST, SECOND } from './answer';
import { longestGapMs, statusesOf, wholeOf } from './heard';
import { Stage, type StagedClient, type StagedProcess } from './stage';

describe('a process that dies in mid-answer', () => {
  let stage: Stage;
  let orchestrators: StagedProcess[];
  let workers: StagedProcess[];
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = Stage.exact();
    orchestrators = [await stage.orchestrator()];
    workers = [await stage.ttsWorker()];
    gateway = await stage.gateway();
    client = await stage.connect(gateway.service);
  });

  const statuses = (): unknown[] => statusesOf(client);
  const heard = (): Buffer[] => heardSegments(client.arrivals);
  const gapMs = (): number => longestGapMs(client.arrivals);

  async function losesWorker(afterMs: number): Promise<void> {
    client.say('hello', 't1');
    await stage.system.advanceBy(afterMs);
    workers.push(await stage.ttsWorker());
    workers[0]?.kill();
    await stage.system.advanceBy(20_000);
  }

  it.each([
    ['before its first sample', 60],
    ['in its first segment', 700],
    ['between two segments', 1_690],
    ['in its last segment', 2_500],
    ['at its last samples', 3_700],
  ])('[G6] a voice worker %s: another goes on, and every sample is heard once', async (_, afterMs) => {
    await losesWorker(afterMs);
    expect(heard().map((segment) => segment.length)).toEqual(
      [wholeOf(FIRST), wholeOf(SECOND)].map(({ length }) => length),
    );
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('error')).toEqual([]);
    expect(gapMs()).toBeLessThanOrEqual(400);
    expect(client.state()).toBe('listening');
  });

  it.each([
    ['before its first sample', 60],
    ['in its first segment', 700],
    ['between two segments', 1_690],
    ['in its last segment', 2_500],
    ['at its last samples', 3_200],
  ])('[G6] nothing, but the gateway’s link for a moment %s: what was lost is heard, once', async (_, afterMs) => {
    client.say('hello', 't1');
    await stage.system.advanceBy(afterMs);
    gateway.bus.disconnect();
    await stage.system.advanceBy(150);
    gateway.bus.reconnect();
    await stage.system.advanceBy(20_000);
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('error')).toEqual([]);
    expect(gapMs()).toBeLessThanOrEqual(800);
    expect(client.state()).toBe('listening');
  });

  it('[G6] a voice worker whose voice never says the same twice: another speaks the words that are left', async () => {
    stage.tts.deterministic = false;
    await losesWorker(1_000);
    // Delivered were some 1,400 ms, 23 characters: the cut word is said again.
    expect(stage.tts.spoken).toEqual([FIRST.trimEnd(), 'five six.', SECOND]);
    const [first, second] = heard();
    expect(first?.length).toBeGreaterThanOrEqual(wholeOf(FIRST).length);
    expect(first?.length).toBeLessThanOrEqual(wholeOf(FIRST).length + wholeOf('four ').length);
    expect(Buffer.compare(second ?? Buffer.alloc(0), wholeOf(SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G6] the only voice worker, for longer than a voice is waited for: the text goes on alone, and the next turn is spoken', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    workers[0]?.kill();
    await stage.system.advanceBy(6_000);
    expect(client.events('error').map((event) => (event['error'] as { code: unknown }).code)).toEqual([
      'tts_unavailable',
    ]);
    expect(statuses()).toEqual(['completed']);
    await stage.ttsWorker();
    client.say('again', 't2');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed', 'completed']);
    expect(client.state()).toBe('listening');
  });

  it('[G6] the only voice worker, started again: it goes on, and every sample is heard once', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    workers[0]?.kill();
    await stage.system.advanceBy(3_000);
    await stage.ttsWorker();
    await stage.system.advanceBy(20_000);
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('error')).toEqual([]);
  });

  it('[G6] every voice worker, one after the other: the answer is heard whole', async () => {
    client.say('hello', 't1');
    for (let n = 0; n < 5; n++) {
      await stage.system.advanceBy(700);
      workers.push(await stage.ttsWorker());
      workers[n]?.kill();
    }
    await stage.system.advanceBy(20_000);
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G6][G1] a voice worker that was only silent: nothing of it is heard when it is back', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(700);
    workers.push(await stage.ttsWorker());
    workers[0]?.bus.disconnect();
    await stage.system.advanceBy(400);
    workers[0]?.bus.reconnect();
    await stage.system.advanceBy(20_000);
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
  });

  async function losesOwner(afterMs: number): Promise<void> {
    client.say('hello', 't1');
    await stage.system.advanceBy(afterMs);
    orchestrators.push(await stage.orchestrator());
    orchestrators[0]?.kill();
    await stage.system.advanceBy(20_000);
  }

  function expectWholeAnswer(): void {
    expect(Buffer.compare(Buffer.concat(heard()), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('parley.turn.accepted')).toHaveLength(1);
    expect(client.events('response.created')).toHaveLength(1);
    expect(client.events('error')).toEqual([]);
    const [done] = client.events('response.output_audio_transcript.done');
    expect(done?.['transcript']).toBe(ANSWER);
    expect(client.state()).toBe('listening');
  }

  it.each([
    ['before its first token', 20, 100],
    ['while the model writes its first segment', 120, 40],
    ['while the model writes and the voice speaks', 420, 40],
    ['after the model, while the voice speaks', 1_000, 1],
    ['when all is delivered but the last words', 3_600, 1],
  ])('[G6] an owner %s: its successor goes on, and every sample is heard once', async (_, afterMs, wordDelayMs) => {
    stage.llm.wordDelayMs = wordDelayMs;
    await losesOwner(afterMs);
    expectWholeAnswer();
    expect(gapMs()).toBeLessThanOrEqual(400);
  });

  it.each(['continues', 'starts-over', 'repeats-last-sentence'] as const)(
    '[G6] an owner whose successor has a model that %s: no word is said twice',
    async (habit) => {
      stage.llm.wordDelayMs = 60;
      stage.llm.habit = habit;
      await losesOwner(500);
      expect(stage.llm.asked).toHaveLength(2);
      expectWholeAnswer();
    },
  );

  it('[G6] an owner and the worker that spoke, together: the answer is heard whole', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    orchestrators.push(await stage.orchestrator());
    workers.push(await stage.ttsWorker());
    orchestrators[0]?.kill();
    workers[0]?.kill();
    await stage.system.advanceBy(20_000);
    expectWholeAnswer();
  });

  it('[G6] every owner, one after the other: the answer is heard whole', async () => {
    stage.llm.wordDelayMs = 100;
    client.say('hello', 't1');
    for (let n = 0; n < 5; n++) {
      await stage.system.advanceBy(600);
      orchestrators.push(await stage.orchestrator());
      orchestrators[n]?.kill();
    }
    await stage.system.advanceBy(20_000);
    expectWholeAnswer();
  });

  it('[G6] a successor in the middle of its takeover: the next one goes on', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(700);
    orchestrators.push(await stage.orchestrator());
    orchestrators[0]?.kill();
    // By now the gateway has noticed and claimed.
    await stage.system.advanceBy(255);
    orchestrators.push(await stage.orchestrator());
    orchestrators[1]?.kill();
    await stage.system.advanceBy(20_000);
    expectWholeAnswer();
  });

  it('[G6][G1] an interrupt at the moment of the loss is obeyed by the successor, and nothing of the answer follows', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    orchestrators.push(await stage.orchestrator());
    orchestrators[0]?.kill();
    client.send({ type: 'parley.interrupt' });
    const samples = client.samples();
    await stage.system.advanceBy(5_000);
    expect(client.samples()).toBe(samples);
    expect(statuses()).toEqual(['cancelled']);
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
    client.say('again', 't2');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['cancelled', 'completed']);
  });
});
