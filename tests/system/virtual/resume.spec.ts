import type { GatewayService } from '@parley/service-gateway';
import { heardSegments } from '../support/indexed-audio';
import { FIRST, SECOND } from './answer';
import { statusesOf, wholeOf } from './heard';
import { ReturningClient } from './returning-client';
import { Stage, type StagedProcess } from './stage';

/** Before the first sample, in the first segment, between two, in the last one, and when all is delivered and still plays. */
const MOMENTS: [string, number][] = [
  ['before its first sample', 8],
  ['in its first segment', 700],
  ['between two segments', 1_690],
  ['in its last segment', 2_500],
  ['at its last samples', 3_700],
];

describe('a client that lost its connection', () => {
  let stage: Stage;
  let orchestrators: StagedProcess[];
  let gateways: [StagedProcess<GatewayService>, StagedProcess<GatewayService>];
  let client: ReturningClient;

  beforeEach(async () => {
    stage = Stage.exact();
    orchestrators = [await stage.orchestrator(), await stage.orchestrator()];
    await stage.ttsWorker();
    gateways = [await stage.gateway(), await stage.gateway()];
    client = new ReturningClient(stage);
    await client.connect(gateways[0].service);
  });

  const statuses = (): unknown[] => statusesOf(client);
  const deltas = (): unknown[] => client.events('response.output_audio_transcript.delta').map(({ delta }) => delta);
  const sessions = (): unknown[] => client.events('parley.session').map(({ resumed }) => resumed);

  const heard = (): Buffer => Buffer.concat(heardSegments(client.all()));

  /** The whole answer, each of its samples and events once, and the floor is free. */
  function expectWhole(): void {
    expect(Buffer.compare(heard(), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(deltas()).toEqual([FIRST, SECOND]);
    for (const type of ['response.created', 'parley.turn.accepted', 'response.output_item.added'])
      expect([type, client.events(type).length]).toEqual([type, 1]);
    expect(client.events('error')).toEqual([]);
    expect(client.current.state()).toBe('listening');
    expect(stage.llm.asked).toHaveLength(1);
  }

  async function speaksUntil(ms: number): Promise<void> {
    client.say('hello', 't1');
    await stage.system.advanceBy(ms);
  }

  it.each(MOMENTS)('[G6] because its gateway died, %s, hears every sample once', async (_, atMs) => {
    await speaksUntil(atMs);
    gateways[0].kill();
    await stage.system.advanceBy(150);
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expect(sessions()).toEqual([false, true]);
    expectWhole();
  });

  it.each(MOMENTS)(
    '[G6] %s, and whose socket opens after the voice has spoken again, hears every sample once',
    async (_, atMs) => {
      await speaksUntil(atMs);
      gateways[0].kill();
      await stage.system.advanceBy(150);
      stage.upgradeMs = 100;
      await client.resume(gateways[1].service);
      await stage.system.advanceBy(10_000);
      expectWhole();
    },
  );

  it.each(MOMENTS)('[G6] without anybody noticing, %s, hears every sample once', async (_, atMs) => {
    await speaksUntil(atMs + 600);
    await client.resume(gateways[0].service, { untilMs: atMs });
    await stage.system.advanceBy(10_000);
    expectWhole();
    expect(client.connections[0]?.closed).toEqual({ code: 4001, reason: expect.any(String) });
  });

  it('[G6] and was away until all was over, hears what it missed', async () => {
    await speaksUntil(25_000);
    expect(client.current.state()).toBe('listening');
    await client.resume(gateways[1].service, { untilMs: 1_500 });
    await stage.system.advanceBy(10_000);
    expectWhole();
  });

  it('[G6] for longer than the grace period: its answer waits', async () => {
    await speaksUntil(1_000);
    client.drop();
    await stage.system.advanceBy(60_000);
    expect(stage.tts.spoken).toEqual([FIRST.trimEnd()]);
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expectWhole();
  });

  it('[G6] again and again, hears every sample once', async () => {
    await speaksUntil(400);
    for (let n = 1; n <= 8; n++) {
      client.drop();
      await client.resume(gateways[n % 2 === 0 ? 0 : 1].service);
      await stage.system.advanceBy(300);
    }
    await stage.system.advanceBy(10_000);
    expectWhole();
  });

  it.each(MOMENTS)('[G6] with its owner too, %s, hears every sample once', async (_, atMs) => {
    await speaksUntil(atMs);
    gateways[0].kill();
    for (const process of orchestrators) process.kill();
    await stage.orchestrator();
    await stage.system.advanceBy(150);
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expect(Buffer.compare(heard(), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
    expect(deltas()).toEqual([FIRST, SECOND]);
  });

  it('[G6] whose owner died when the voice had sent all it may to nobody: it is spoken again', async () => {
    await speaksUntil(8);
    gateways[0].kill();
    await stage.system.advanceBy(3_000);
    for (const process of orchestrators) process.kill();
    await stage.orchestrator();
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expect(Buffer.compare(heard(), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G6] and did not hear how an answer ended that was then cut hears that it ended, and the next one', async () => {
    await speaksUntil(1_000);
    client.send({ type: 'parley.interrupt' });
    await stage.system.advanceBy(100);
    client.say('again', 't2');
    await stage.system.advanceBy(25_000);
    await client.resume(gateways[1].service, { untilMs: 900 });
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['cancelled', 'completed']);
    const ends = client
      .events()
      .filter(({ type }) => type === 'response.done' || type === 'parley.response.interrupted');
    expect(ends.map(({ type }) => type)).toEqual(['response.done', 'parley.response.interrupted', 'response.done']);
  });

  it('[G6] whose owner died meanwhile is found by another one', async () => {
    await speaksUntil(1_000);
    client.drop();
    await stage.system.advanceBy(500);
    for (const process of orchestrators) process.kill();
    await stage.orchestrator();
    await stage.system.advanceBy(30_000);
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expect(Buffer.compare(heard(), wholeOf(FIRST, SECOND))).toBe(0);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G6] may take the rest in the other audio mode', async () => {
    await speaksUntil(1_000);
    client.drop();
    const before = heard();
    await client.resume(gateways[1].service, { audio: 'json' });
    await stage.system.advanceBy(10_000);
    const rest = client.events('response.output_audio.delta');
    const pcm = rest.map(({ delta }) => Buffer.from(String(delta), 'base64'));
    expect(Buffer.compare(Buffer.concat([before, ...pcm]), wholeOf(FIRST, SECOND))).toBe(0);
    expect(rest[0]).toMatchObject({ segment: 0, first_sample: before.length / 2 });
  });

  it('[G6] and its memory hears on from where it had heard', async () => {
    await speaksUntil(1_000);
    client.current.send({
      type: 'parley.playback',
      response_id: client.events('response.created').map((event) => (event['response'] as { id: unknown }).id)[0],
      played_ms: 500,
    });
    await stage.system.advanceBy(300);
    client.drop();
    await client.resume(gateways[1].service, { forgets: true });
    await stage.system.advanceBy(10_000);
    const { arrivals } = client.current;
    const first = arrivals.find((arrival) => arrival.kind === 'audio');
    expect(first).toMatchObject({ segment: 0, firstSample: 12_000 });
    expect(client.current.events('response.output_audio_transcript.delta').map(({ delta }) => delta)).toEqual([
      FIRST,
      SECOND,
    ]);
    expect(client.current.events('response.done')).toHaveLength(1);
    expect(client.current.state()).toBe('listening');
  });

  it('[G1] hears nothing of what it had interrupted', async () => {
    await speaksUntil(1_000);
    client.send({ type: 'parley.interrupt' });
    client.drop();
    await client.resume(gateways[1].service, { untilMs: stage.system.nowMs - 1 });
    await stage.system.advanceBy(10_000);
    expect(client.current.arrivals.filter(({ kind }) => kind === 'audio')).toEqual([]);
    expect(statuses()).toEqual(['cancelled']);
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
    client.say('and now', 't2');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['cancelled', 'completed']);
  });

  it('[G3] sends again what was not applied, and a turn runs once', async () => {
    gateways[0].kill();
    client.say('hello', 't1');
    await stage.system.advanceBy(150);
    await client.resume(gateways[1].service);
    await stage.system.advanceBy(10_000);
    expect(client.events('parley.session').at(-1)).toMatchObject({ resumed: true, last_client_event_id: null });
    expectWhole();
  });

  it('[G3] is told what was applied, though the word of it never came', async () => {
    await speaksUntil(0);
    gateways[0].kill();
    await stage.system.advanceBy(150);
    await client.resume(gateways[1].service, { untilMs: -1, token: client.token });
    await stage.system.advanceBy(10_000);
    expect(client.current.events('parley.session')[0]).toMatchObject({ resumed: true, last_client_event_id: 'mine_1' });
    expect(client.current.events('parley.turn.accepted')).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
    expect(stage.llm.asked).toHaveLength(1);
  });

  it('may use a token until its successor is used', async () => {
    const first = client.token;
    await client.resume(gateways[1].service);
    const second = client.token;
    expect(second).not.toBe(first);
    await client.resume(gateways[0].service, { token: first });
    expect(sessions().at(-1)).toBe(true);
    const third = client.token;
    await client.resume(gateways[1].service, { token: third });
    await client.resume(gateways[1].service, { token: first });
    expect(sessions()).toEqual([false, true, true, true, false]);
  });

  it.each([['nonsense'], ['sess_0123.abcd']])('gets a new session with the token %s', async (token) => {
    await client.resume(gateways[0].service, { token });
    expect(sessions()).toEqual([false, false]);
    const [before, after] = client.events('parley.session').map(({ session_id: id }) => id);
    expect(after).not.toBe(before);
    client.say('hello', 't1');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed']);
  });

  it('gets a new session when it comes back too late', async () => {
    await speaksUntil(1_000);
    client.drop();
    await stage.system.advanceBy(121_000);
    await client.resume(gateways[0].service);
    expect(sessions()).toEqual([false, false]);
  });

  it('gets a new session when it comes back too late and nobody was left to end the old one', async () => {
    await speaksUntil(1_000);
    client.drop();
    await stage.system.advanceBy(500);
    for (const process of [...orchestrators, ...gateways]) process.kill();
    await stage.orchestrator();
    const later = await stage.gateway();
    await stage.system.advanceBy(150_000);
    await client.resume(later.service);
    expect(sessions()).toEqual([false, false]);
  });

  it('is not heard any more where another tab has its session', async () => {
    await client.resume(gateways[1].service);
    client.connections[0]?.say('hello', 'old');
    await stage.system.advanceBy(1_000);
    expect(stage.llm.asked).toEqual([]);
    client.say('hello', 't1');
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.connections[0]?.closed?.code).toBe(4001);
  });

  it('says what it has in words that can be read, or is told which are not', async () => {
    const refused = stage.connect(gateways[0].service, { query: { resume: String(client.token), received: '[{}]' } });
    await expect(refused).rejects.toThrow('received[0].response_id');
  });
});
