import type { GatewayService } from '@parley/service-gateway';
import { heardSegments } from '../support/indexed-audio';
import { FIRST, SECOND } from './answer';
import { longestGapMs, statusesOf, wholeOf } from './heard';
import { ReturningClient } from './returning-client';
import { Stage, type StagedClient, type StagedProcess } from './stage';

/** As a process gives its services; 15 s of it are for turns. */
const DEADLINE_MS = 20_000;
const TURNS_MS = 15_000;

const MOMENTS: [string, number, number][] = [
  ['before its first token', 20, 100],
  ['while the model writes its first segment', 120, 40],
  ['while the model writes and the voice speaks', 420, 40],
  ['after the model, while the voice speaks', 1_000, 1],
  ['when all is delivered but the last words', 3_600, 1],
];

/** Longer than the time for turns: in twenty sentences, each of some 3 s. */
const LONG = Array.from({ length: 20 }, (_, n) => `One two three four five six seven eight nine ${n}. `);

describe('a planned stop', () => {
  let stage: Stage;
  let orchestrator: StagedProcess;
  let worker: StagedProcess;
  let gateway: StagedProcess<GatewayService>;

  beforeEach(async () => {
    stage = Stage.exact();
    ({ orchestrator, worker, gateway } = await stage.cluster());
  });

  function expectWhole(
    client: { all(): StagedClient['arrivals'] } & Pick<StagedClient, 'events'>,
    texts: string[],
  ): void {
    expect(Buffer.compare(Buffer.concat(heardSegments(client.all())), wholeOf(...texts))).toBe(0);
    expect(statusesOf(client)).toEqual(['completed']);
    expect(client.events('parley.turn.accepted')).toHaveLength(1);
    expect(client.events('response.created')).toHaveLength(1);
    expect(client.events('error')).toEqual([]);
    const [done] = client.events('response.output_audio_transcript.done');
    expect(done?.['transcript']).toBe(texts.join(''));
    const ids = client.events().map((event) => event.event_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(client.events('parley.state').at(-1)?.['state']).toBe('listening');
  }

  const all = (client: StagedClient) => ({
    all: () => client.arrivals,
    events: (type?: string) => client.events(type),
  });

  describe('of the owner', () => {
    it.each(MOMENTS)(
      '[G6] %s: the answer ends there, and the next one is its successor’s',
      async (_, ms, wordDelayMs) => {
        stage.llm.wordDelayMs = wordDelayMs;
        const client = await stage.connect(gateway.service);
        client.say('hello', 't1');
        await stage.system.advanceBy(ms);
        await stage.orchestrator();
        await stage.system.runUntil(orchestrator.service.stop(DEADLINE_MS));
        await stage.system.advanceBy(10_000);
        expectWhole(all(client), [FIRST, SECOND]);
        // The model was asked once: nobody had to go on for another one.
        expect(stage.llm.asked).toHaveLength(1);
        client.say('again', 't2');
        await stage.system.advanceBy(10_000);
        expect(statusesOf(client)).toEqual(['completed', 'completed']);
      },
    );

    it.each(MOMENTS)(
      '[G6] %s, which cannot be waited for: its successor goes on at once',
      async (_, ms, wordDelayMs) => {
        stage.llm.wordDelayMs = wordDelayMs;
        const client = await stage.connect(gateway.service);
        client.say('hello', 't1');
        await stage.system.advanceBy(ms);
        await stage.orchestrator();
        // 45 ms of it for turns.
        await stage.system.runUntil(orchestrator.service.stop(60));
        expect(stage.log.lines.map(({ message }) => message)).not.toContain('a session is dropped');
        await stage.system.advanceBy(10_000);
        expectWhole(all(client), [FIRST, SECOND]);
        expect(longestGapMs(client.arrivals)).toBeLessThanOrEqual(100);
      },
    );

    it('[G6] lets an answer that takes too long go on elsewhere after 15 s, without a gap', async () => {
      stage.llm.answer = () => LONG.join('');
      stage.llm.wordDelayMs = 100;
      const client = await stage.connect(gateway.service);
      client.say('hello', 't1');
      await stage.system.advanceBy(1_000);
      await stage.orchestrator();
      let stopped = false;
      void orchestrator.service.stop(DEADLINE_MS).then(() => (stopped = true));
      await stage.system.advanceBy(TURNS_MS - 10);
      expect(stopped).toBe(false);
      expect(stage.llm.asked).toHaveLength(1);
      await stage.system.advanceBy(500);
      expect(stopped).toBe(true);
      expect(stage.llm.asked).toHaveLength(2);
      await stage.system.advanceBy(60_000);
      expectWhole(all(client), LONG);
      expect(longestGapMs(client.arrivals)).toBe(0);
    });

    it('lets an idle session go at once, and its gateway claims it elsewhere unasked', async () => {
      const client = await stage.connect(gateway.service);
      await stage.orchestrator();
      let stopped = false;
      void orchestrator.service.stop(DEADLINE_MS).then(() => (stopped = true));
      await stage.system.advanceBy(100);
      expect(stopped).toBe(true);
      expect(stage.telemetry.counts.get('parley_takeovers_total')).toBe(1);
      client.say('hello', 't1');
      await stage.system.advanceBy(10_000);
      expectWhole(all(client), [FIRST, SECOND]);
    });

    it('[G3] applies a turn that comes while it lets go once, here or there', async () => {
      const client = await stage.connect(gateway.service);
      await stage.orchestrator();
      void orchestrator.service.stop(DEADLINE_MS);
      client.say('hello', 't1');
      await stage.system.advanceBy(10_000);
      expectWhole(all(client), [FIRST, SECOND]);
    });
  });

  describe('of the voice worker', () => {
    it.each(MOMENTS)('[G6] %s: it finishes what it has begun', async (_, ms, wordDelayMs) => {
      stage.llm.wordDelayMs = wordDelayMs;
      const client = await stage.connect(gateway.service);
      client.say('hello', 't1');
      await stage.system.advanceBy(ms);
      await stage.ttsWorker();
      await stage.system.runUntil(worker.service.stop(DEADLINE_MS));
      await stage.system.advanceBy(10_000);
      expectWhole(all(client), [FIRST, SECOND]);
      client.say('again', 't2');
      await stage.system.advanceBy(10_000);
      expect(statusesOf(client)).toEqual(['completed', 'completed']);
    });

    it('[G6] in an answer that takes too long: another one goes on, and every sample is heard once', async () => {
      stage.llm.answer = () => LONG.join('');
      const client = await stage.connect(gateway.service);
      client.say('hello', 't1');
      await stage.system.advanceBy(1_000);
      await stage.ttsWorker();
      await stage.system.runUntil(worker.service.stop(DEADLINE_MS));
      await stage.system.advanceBy(60_000);
      expectWhole(all(client), LONG);
    });
  });

  describe('of the gateway', () => {
    const going = (client: Pick<StagedClient, 'events'>) => client.events('parley.going_away');

    it.each(MOMENTS)(
      '[G6] %s: a client that is told resumes elsewhere, and hears every sample once',
      async (_, ms, wordDelayMs) => {
        stage.llm.wordDelayMs = wordDelayMs;
        const client = new ReturningClient(stage);
        await client.connect(gateway.service);
        client.say('hello', 't1');
        await stage.system.advanceBy(ms);
        const next = await stage.gateway();
        const stopping = gateway.service.stop(DEADLINE_MS);
        while (going(client).length === 0) await stage.system.advanceBy(10);
        expect(going(client)).toMatchObject([{ reconnect_within_ms: 2_000 }]);
        await client.resume(next.service);
        await stage.system.runUntil(stopping);
        expect(client.connections[0]?.closed?.code).toBe(4001);
        await stage.system.advanceBy(10_000);
        expectWhole(client, [FIRST, SECOND]);
        expect(client.current.closed).toBeUndefined();
      },
    );

    it('[G6] closes a client that stays, with 1012 at the end of the turn; it resumes afterwards', async () => {
      const client = new ReturningClient(stage);
      await client.connect(gateway.service);
      client.say('hello', 't1');
      await stage.system.advanceBy(1_000);
      const next = await stage.gateway();
      await stage.system.runUntil(gateway.service.stop(DEADLINE_MS));
      expect(client.current.closed?.code).toBe(1012);
      expect(client.events('parley.state').at(-1)?.['state']).toBe('listening');
      await client.resume(next.service);
      expect(client.events('parley.session').at(-1)).toMatchObject({ resumed: true });
      expectWhole(client, [FIRST, SECOND]);
    });

    it('tells clients at different moments', async () => {
      const clients = [];
      for (let n = 0; n < 10; n++) clients.push(await stage.connect(gateway.service));
      const startedMs = stage.system.nowMs;
      void gateway.service.stop(DEADLINE_MS);
      await stage.system.advanceBy(1_050);
      const toldMs = clients.flatMap(({ arrivals }) =>
        arrivals.flatMap((arrival) =>
          arrival.kind === 'event' && arrival.event.type === 'parley.going_away' ? [arrival.atMs - startedMs] : [],
        ),
      );
      expect(toldMs).toHaveLength(10);
      expect(new Set(toldMs).size).toBeGreaterThan(5);
      await stage.system.advanceBy(5_000);
      expect(clients.map(({ closed }) => closed?.code)).toEqual(clients.map(() => 1012));
    });

    const plainClient = () => stage.connect(gateway.service, { subprotocols: ['realtime'], query: {} });

    const ask = (client: StagedClient): void => {
      client.send({
        type: 'conversation.item.create',
        item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
      });
      client.send({ type: 'response.create' });
    };

    it.each(MOMENTS)(
      '[G6] %s: a client of the Realtime API hears the whole answer before its 1012',
      async (_, ms, wordDelayMs) => {
        stage.llm.wordDelayMs = wordDelayMs;
        const client = await plainClient();
        ask(client);
        await stage.system.advanceBy(ms);
        let closedAtMs: number | undefined;
        const stopping = gateway.service.stop(DEADLINE_MS);
        while (closedAtMs === undefined) {
          await stage.system.advanceBy(10);
          if (client.closed) closedAtMs = stage.system.nowMs;
        }
        await stage.system.runUntil(stopping);
        expect(client.closed?.code).toBe(1012);
        expect(statusesOf(client)).toEqual(['completed']);
        const bytes = client
          .events('response.output_audio.delta')
          .map((event) => Buffer.from(String(event['delta']), 'base64'));
        expect(Buffer.compare(Buffer.concat(bytes), wholeOf(FIRST, SECOND))).toBe(0);
        // Not only sent, but played: from the first sample on in real time.
        const first = client.arrivals.find(
          (arrival) => arrival.kind === 'event' && arrival.event.type === 'response.output_audio.delta',
        );
        const lengthMs = wholeOf(FIRST, SECOND).length / 48;
        expect(closedAtMs).toBeGreaterThanOrEqual((first?.atMs ?? Infinity) + lengthMs);
        expect(client.types().filter((type) => type.startsWith('parley.'))).toEqual([]);
      },
    );

    it('closes a client of the Realtime API in mid-answer after 15 s, and not before', async () => {
      stage.llm.answer = () => LONG.join('');
      const client = await plainClient();
      ask(client);
      await stage.system.advanceBy(1_000);
      const stopping = gateway.service.stop(DEADLINE_MS);
      await stage.system.advanceBy(TURNS_MS - 20);
      expect(client.closed).toBeUndefined();
      await stage.system.advanceBy(40);
      expect(client.closed?.code).toBe(1012);
      await stage.system.runUntil(stopping);
    });

    it('closes an idle client of the Realtime API within a second', async () => {
      const client = await plainClient();
      const stopping = gateway.service.stop(DEADLINE_MS);
      await stage.system.advanceBy(1_050);
      expect(client.closed?.code).toBe(1012);
      await stage.system.runUntil(stopping);
    });
  });

  it('[G6] of everything, one after the other, in one answer: it is heard whole', async () => {
    stage.llm.answer = () => LONG.join('');
    stage.llm.wordDelayMs = 200;
    const client = new ReturningClient(stage);
    await client.connect(gateway.service);
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    await stage.orchestrator();
    await stage.system.runUntil(orchestrator.service.stop(1_000));
    await stage.ttsWorker();
    await stage.system.runUntil(worker.service.stop(1_000));
    const next = await stage.gateway();
    const stopping = gateway.service.stop(DEADLINE_MS);
    await stage.system.advanceBy(1_050);
    await client.resume(next.service);
    await stage.system.runUntil(stopping);
    await stage.system.advanceBy(60_000);
    expectWhole(client, LONG);
  });
});
