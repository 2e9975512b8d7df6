import type { GatewayService } from '@parley/service-gateway';
import { statusesOf } from './heard';
import { Stage, type StagedClient, type StagedProcess } from './stage';

describe('a conversation while something around it is away', () => {
  let stage: Stage;
  let orchestrator: StagedProcess;
  let tts: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = new Stage();
    ({ orchestrator, worker: tts, gateway } = await stage.cluster());
    client = await stage.connect(gateway.service);
  });

  const statuses = (of = client): unknown[] => statusesOf(of);
  const codes = (): unknown[] => client.events('error').map((event) => (event['error'] as { code: unknown }).code);
  /** The session can take a turn, and takes it once. */
  const converses = async (turnId: string): Promise<void> => {
    const before = statuses().length;
    client.say('again', turnId);
    await stage.system.advanceBy(12_000);
    expect(statuses().slice(before)).toEqual(['completed']);
    expect(client.closed).toBeUndefined();
  };

  it('[G2][G3] an owner that dies before it has answered an input: its successor applies it, once', async () => {
    await stage.orchestrator();
    orchestrator.store.setUnavailable(true);
    client.say('hello', 't1');
    await stage.system.advanceBy(50);
    orchestrator.kill();
    await stage.system.advanceBy(13_000);
    expect(client.events('parley.turn.accepted')).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G2] an owner that was taken over from while it was away does not own the session again by being asked', async () => {
    const second = await stage.orchestrator();
    orchestrator.bus.disconnect();
    await stage.system.advanceBy(1_000);
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    expect(client.state()).toBe('speaking');
    orchestrator.bus.reconnect();
    second.kill();
    await stage.system.advanceBy(5_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
    await converses('t2');
  });

  it('[G2] an acknowledgement that is lost costs nothing: the session is not given up for it', async () => {
    await stage.system.advanceBy(1_000);
    client.send({ type: 'session.update', session: { type: 'realtime', instructions: 'Be kind.' } });
    // The acknowledgement is due within 200 ms.
    await stage.system.advanceBy(150);
    gateway.bus.disconnect();
    await stage.system.advanceBy(100);
    gateway.bus.reconnect();
    await stage.system.advanceBy(30_000);
    expect(stage.telemetry.counts.get('parley_outputs_resent_total')).toBe(1);
    expect(client.events('session.updated')).toHaveLength(1);
    await converses('t1');
  });

  it('[G2] the bus away for longer than any silence is borne, between turns', async () => {
    const links = [orchestrator.bus, tts.bus, gateway.bus];
    for (const link of links) link.disconnect();
    await stage.system.advanceBy(20_000);
    for (const link of links) link.reconnect();
    await converses('t1');
  });

  it('[G2] the bus away for longer than any silence is borne, in mid-answer', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    const links = [orchestrator.bus, tts.bus, gateway.bus];
    for (const link of links) link.disconnect();
    await stage.system.advanceBy(20_000);
    for (const link of links) link.reconnect();
    await stage.system.advanceBy(5_000);
    expect(client.state()).toBe('listening');
    expect(statuses()).toHaveLength(1);
    await converses('t2');
  });

  it.each<[string, () => { away: () => void; back: () => void }]>([
    [
      'the bus',
      () => {
        const links = [orchestrator.bus, tts.bus, gateway.bus];
        return {
          away: () => links.forEach((link) => link.disconnect()),
          back: () => links.forEach((link) => link.reconnect()),
        };
      },
    ],
    [
      'the store',
      () => ({
        away: () => stage.storeServer.setUnavailable(true),
        back: () => stage.storeServer.setUnavailable(false),
      }),
    ],
  ])(
    '[G2][G6] %s away for 10 s in mid-answer, at any moment: the answer is heard to its end',
    async (_name, outageOf) => {
      stage.tts.deterministic = true;
      stage.lookAheadMs = 300;
      stage.llm.wordDelayMs = 150;
      const { away, back } = outageOf();
      const hears = async (turnId: string, whileHeard: () => Promise<void>): Promise<number> => {
        const before = client.samples();
        client.say('hello', turnId);
        await whileHeard();
        await stage.system.advanceBy(14_000);
        return client.samples() - before;
      };
      const whole = await hears('calm', async () => undefined);
      expect(whole).toBeGreaterThan(0);
      for (const afterMs of [40, 700, 1_500, 2_500, 3_500]) {
        const samples = await hears(`after ${afterMs}`, async () => {
          await stage.system.advanceBy(afterMs);
          away();
          await stage.system.advanceBy(10_000);
          back();
        });
        expect({ afterMs, samples }).toEqual({ afterMs, samples: whole });
      }
      expect(statuses()).toEqual(Array.from({ length: 6 }, () => 'completed'));
      expect(codes()).toEqual([]);
      await converses('next');
    },
  );

  /** Whoever is back sends to those that are not. */
  const RETURNS = [
    ['owner', 'worker', 'gateway'],
    ['worker', 'owner', 'gateway'],
    ['owner', 'gateway', 'worker'],
    ['worker', 'gateway', 'owner'],
    ['gateway', 'owner', 'worker'],
    ['gateway', 'worker', 'owner'],
  ] as const;

  it.each(RETURNS)(
    '[G2][G6] the bus away in mid-answer, and found again by %s, %s and %s: the answer is heard to its end, without a wait',
    async (...order) => {
      stage.tts.deterministic = true;
      // All that is left is sent before the next one is back.
      stage.tts.pace = 20;
      const links = { owner: orchestrator.bus, worker: tts.bus, gateway: gateway.bus };
      client.say('hello', 'calm');
      await stage.system.advanceBy(10_000);
      const whole = client.samples();
      client.say('hello', 'cut');
      await stage.system.advanceBy(60);
      expect(client.samples()).toBeGreaterThan(whole);
      expect(client.samples()).toBeLessThan(1.5 * whole);
      for (const link of Object.values(links)) link.disconnect();
      await stage.system.advanceBy(2_000);
      for (const name of order) {
        links[name].reconnect();
        await stage.system.advanceBy(300);
      }
      await stage.system.advanceBy(3_500);
      expect(client.samples()).toBe(2 * whole);
      expect(statuses()).toEqual(['completed', 'completed']);
      expect(codes()).toEqual([]);
    },
  );

  it('[G2] a gateway away for longer than its owner bears, in mid-answer: the answer goes on when it is back', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    gateway.bus.disconnect();
    await stage.system.advanceBy(5_000);
    gateway.bus.reconnect();
    await stage.system.advanceBy(10_000);
    expect(client.closed).toBeUndefined();
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
  });

  it('[G2] a gateway away for longer than its owner bears, and another orchestrator is asked: its owner learns that it is back', async () => {
    for (let n = 0; n < 4; n++) await stage.orchestrator();
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    gateway.bus.disconnect();
    await stage.system.advanceBy(5_000);
    gateway.bus.reconnect();
    await stage.system.advanceBy(10_000);
    expect(client.closed).toBeUndefined();
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
  });

  it('[G2] the bus away while a turn begins: it is answered after it, once', async () => {
    const links = [orchestrator.bus, tts.bus, gateway.bus];
    for (const link of links) link.disconnect();
    client.say('hello', 't1');
    await stage.system.advanceBy(15_000);
    for (const link of links) link.reconnect();
    await stage.system.advanceBy(13_000);
    expect(client.events('parley.turn.accepted')).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G2] the voice worker back a little later than the others: what was asked in the outage has a voice', async () => {
    const links = [orchestrator.bus, tts.bus, gateway.bus];
    for (const link of links) link.disconnect();
    client.say('hello', 't1');
    await stage.system.advanceBy(5_000);
    orchestrator.bus.reconnect();
    gateway.bus.reconnect();
    await stage.system.advanceBy(1_500);
    tts.bus.reconnect();
    await stage.system.advanceBy(13_000);
    expect(statuses()).toEqual(['completed']);
    expect(codes()).toEqual([]);
    expect(client.samples()).toBeGreaterThan(0);
  });

  it('[G2] the store away in mid-answer: the answer ends, and the session goes on', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(500);
    stage.storeServer.setUnavailable(true);
    await stage.system.advanceBy(20_000);
    stage.storeServer.setUnavailable(false);
    await stage.system.advanceBy(5_000);
    expect(statuses()).toHaveLength(1);
    expect(client.state()).toBe('listening');
    await converses('t2');
  });

  it('a store that lost everything is written back by the owner, history and all', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(12_000);
    stage.storeServer.clear();
    await converses('t2');
    const second = await stage.orchestrator();
    await stage.system.runUntil(orchestrator.service.stop(5_000));
    await converses('t3');
    expect(stage.llm.asked[2]?.filter(({ role }) => role === 'user')).toHaveLength(3);
    expect(second.service.readiness().ready).toBe(true);
  });

  it('[G6] a planned stop between turns: the next turn is answered elsewhere, with the whole history', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(12_000);
    await stage.orchestrator();
    await stage.system.runUntil(orchestrator.service.stop(15_000));
    await converses('t2');
    expect(stage.llm.asked[1]?.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(codes()).toEqual([]);
  });

  it('[G6] a planned stop in mid-answer lets the answer end first', async () => {
    await stage.orchestrator();
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    await stage.system.runUntil(orchestrator.service.stop(15_000));
    await stage.system.advanceBy(5_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
    await converses('t2');
  });

  it('[G3] a turn id that was accepted stays so over a takeover', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(12_000);
    await stage.orchestrator();
    orchestrator.kill();
    await stage.system.advanceBy(5_000);
    client.say('hello', 't1');
    await stage.system.advanceBy(2_000);
    expect(codes()).toEqual(['turn_duplicate']);
    expect(stage.llm.asked).toHaveLength(1);
  });

  it('no orchestrator for 10 s ends the connection with a code; one before that does not', async () => {
    orchestrator.kill();
    await stage.system.advanceBy(8_000);
    expect(client.closed).toBeUndefined();
    const next = await stage.orchestrator();
    await stage.system.advanceBy(3_000);
    await converses('t1');
    next.kill();
    await stage.system.advanceBy(14_000);
    expect(client.closed).toEqual({ code: 1011, reason: 'no process can carry the session' });
  });

  it('a client that reads nothing slows nobody: the one beside it hears everything, its own answer ends as failed', async () => {
    const other = await stage.connect(gateway.service);
    stage.llm.answer = () => 'One two three four five six seven eight nine ten. '.repeat(20);
    stage.tts.pace = 20;
    client.bufferedBytes = 64 * 1024;
    client.say('hello', 't1');
    other.say('hello', 't1');
    await stage.system.advanceBy(90_000);
    expect(statuses(other)).toEqual(['completed']);
    expect(other.state()).toBe('listening');
    expect(client.samples()).toBe(0);
    client.bufferedBytes = 0;
    client.listener?.onWritable();
    expect(statuses()).toEqual(['failed']);
    expect(client.state()).toBe('listening');
  });

  it('[G1] what waits for a slow socket is dropped by an interrupt, and only its end comes', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(600);
    client.bufferedBytes = 64 * 1024;
    await stage.system.advanceBy(1_000);
    const { length } = client.arrivals;
    client.send({ type: 'parley.interrupt' });
    await stage.system.advanceBy(100);
    client.bufferedBytes = 0;
    client.listener?.onWritable();
    await stage.system.advanceBy(2_000);
    const after = client.arrivals.slice(length);
    expect(after.filter(({ kind }) => kind === 'audio')).toEqual([]);
    expect(statuses()).toEqual(['cancelled']);
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
    await converses('t2');
  });

  it('two clients of one gateway hear each their own answer', async () => {
    const other = await stage.connect(gateway.service);
    stage.llm.answer = (text) => `You said ${text} to me.`;
    client.say('left', 't1');
    other.say('right', 't1');
    await stage.system.advanceBy(8_000);
    const textOf = (of: StagedClient): string =>
      of
        .events('response.output_audio_transcript.delta')
        .map((event) => String(event['delta']))
        .join('');
    expect([textOf(client), textOf(other)]).toEqual(['You said left to me.', 'You said right to me.']);
    expect(client.samples()).toBeGreaterThan(0);
    other.send({ type: 'parley.interrupt' });
    await converses('t2');
  });

  it('a plain Realtime client sees nothing of Parley’s own, over a fail-over too', async () => {
    const plain = await stage.connect(gateway.service, { subprotocols: ['realtime'], query: {} });
    await stage.orchestrator();
    plain.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
    });
    plain.send({ type: 'response.create' });
    await stage.system.advanceBy(1_000);
    orchestrator.kill();
    await stage.system.advanceBy(5_000);
    plain.send({ type: 'response.create' });
    await stage.system.advanceBy(12_000);
    expect(statuses(plain)).toEqual(['completed', 'completed']);
    expect(plain.types().filter((type) => type.startsWith('parley.'))).toEqual([]);
  });

  it('everything that was started can be stopped again, whatever was under way', async () => {
    const other = await stage.connect(gateway.service);
    client.say('hello', 't1');
    other.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    other.send({ type: 'parley.interrupt' });
    await stage.system.runUntil(gateway.service.stop(5_000));
    await stage.system.runUntil(orchestrator.service.stop(5_000));
    await stage.system.runUntil(tts.service.stop(5_000));
    await stage.system.advanceBy(20_000);
    expect(stage.system.pendingTimers).toBe(0);
    expect([client.closed?.code, other.closed?.code]).toEqual([1012, 1012]);
  });
});
