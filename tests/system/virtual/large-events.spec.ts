import type { GatewayService } from '@parley/service-gateway';
import type { WireEvent } from '../support/test-client';
import { ReturningClient } from './returning-client';
import { Stage, type StagedProcess } from './stage';

/** As long as a text may be, three bytes a character: each item comes back in two events of 98 kB. */
const LONG = '語'.repeat(32_768);
const ITEMS = ['a', 'b', 'c', 'd', 'e', 'f'];
const toolOf = (parameters: object) => ({ type: 'function', name: 'f', parameters });

describe('a client that says as much as it may', () => {
  let stage: Stage;
  let owners: StagedProcess[];
  let gateways: StagedProcess<GatewayService>[];
  let client: ReturningClient;

  beforeEach(async () => {
    stage = new Stage();
    stage.tts.deterministic = true;
    stage.tts.pace = 20;
    owners = [await stage.orchestrator()];
    await stage.ttsWorker();
    gateways = [await stage.gateway(), await stage.gateway()];
    client = new ReturningClient(stage);
    await client.connect(gateway(0));
  });

  afterEach(() => {
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    for (const lost of ['a session is given up', 'a session needs another owner']) {
      const times = stage.log.lines.filter(({ message }) => message === lost).length;
      expect([lost, times]).toEqual([lost, lost === 'a session needs another owner' ? owners.length - 1 : 0]);
    }
  });

  const gateway = (index: number): GatewayService => {
    const service = gateways[index]?.service;
    if (!service) throw new Error('no such gateway');
    return service;
  };
  const itemOf = (id: string): object => {
    const item = { type: 'message', role: 'user', id, content: [{ type: 'input_text', text: LONG }] };
    return { type: 'conversation.item.create', item };
  };
  const bring = (): void => {
    for (const id of ITEMS) client.send({ ...itemOf(id) });
  };
  const idOf = (event: WireEvent): unknown => (event['item'] as { id: unknown }).id;
  const told = (type: string): unknown[] => client.events(`conversation.item.${type}`).map(idOf);
  const statuses = (): unknown[] =>
    client.events('response.done').map((event) => (event['response'] as { status: unknown }).status);

  /** All its items, each once, and a conversation that goes on. */
  async function expectWhole(): Promise<void> {
    expect([told('added'), told('done')]).toEqual([ITEMS, ITEMS]);
    client.say('hello', 't1');
    await stage.system.advanceBy(20_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('error')).toEqual([]);
    expect(client.current.closed).toBeUndefined();
  }

  it('is heard, with all that comes back of it', async () => {
    bring();
    await stage.system.advanceBy(2_000);
    await expectWhole();
  });

  it('[G6] and lost its connection gets all that it missed, in messages that the bus carries', async () => {
    const beforeMs = stage.system.nowMs;
    await stage.system.advanceBy(100);
    bring();
    await stage.system.advanceBy(1_000);
    client.drop();
    await stage.system.advanceBy(500);
    await client.resume(gateway(1), { untilMs: beforeMs });
    await stage.system.advanceBy(1_000);
    await expectWhole();
  });

  it.each([0, 1, 2, 3, 50, 400])(
    '[G6] and whose owner died, %i ms after, gets all of it from the next one',
    async (afterMs) => {
      bring();
      await stage.system.advanceBy(afterMs);
      owners[0]?.kill();
      owners.push(await stage.orchestrator());
      await stage.system.advanceBy(6_000);
      await expectWhole();
    },
  );

  it('[G6] whose gateway and owner died together gets all of it when it is back', async () => {
    const beforeMs = stage.system.nowMs;
    await stage.system.advanceBy(100);
    bring();
    await stage.system.advanceBy(20);
    owners[0]?.kill();
    gateways[0]?.kill();
    owners.push(await stage.orchestrator());
    await stage.system.advanceBy(4_000);
    await client.resume(gateway(1), { untilMs: beforeMs });
    await stage.system.advanceBy(2_000);
    expect([told('added'), told('done')]).toEqual([ITEMS, ITEMS]);
    expect(client.events('error')).toEqual([]);
    // Nobody looked for another owner but the client itself.
    owners.pop();
  });

  it('[G6] is greeted by each connection with a session as large as one may be', async () => {
    const tools = [{ type: 'function', name: 'f', parameters: { text: 'x'.repeat(261_000) } }];
    client.send({ type: 'session.update', session: { type: 'realtime', tools } });
    await stage.system.advanceBy(500);
    for (const index of [1, 0, 1]) {
      await client.resume(gateway(index));
      await stage.system.advanceBy(500);
    }
    const greetings = client.events('session.created').map((event) => (event['session'] as { tools: unknown }).tools);
    expect(greetings.slice(1)).toEqual([tools, tools, tools]);
    expect(client.current.closed).toBeUndefined();
  });
});

describe('a client that says more than anybody passes on', () => {
  const NUMBERS = Array.from({ length: 60_000 }, () => 1e20);
  const deep = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 0);

  it.each<[string, object, string]>([
    ['numbers that grow when they are written again', { tools: [toolOf({ a: NUMBERS })] }, 'session.tools'],
    ['lists in lists', { tools: [toolOf({ a: deep(2_000) })] }, 'session'],
    ['lists in lists, where JSON is measured', { prompt: { id: 'p', variables: { a: deep(2_000) } } }, 'session'],
  ])('[CL6] is told so by the name of the field, and nobody else notices: %s', async (_what, fields, param) => {
    const stage = new Stage();
    await stage.orchestrator();
    await stage.ttsWorker();
    const { service } = await stage.gateway();
    const [client, other] = [await stage.connect(service), await stage.connect(service)];
    other.say('hello', 't1');
    client.send({ type: 'session.update', event_id: 'mine', session: { type: 'realtime', ...fields } });
    client.say('hello', 't1');
    await stage.system.advanceBy(20_000);
    expect(client.events('error')).toMatchObject([{ error: { code: 'invalid_value', param, event_id: 'mine' } }]);
    for (const each of [client, other]) {
      expect(each.events('response.done')).toMatchObject([{ response: { status: 'completed' } }]);
      expect(each.closed).toBeUndefined();
    }
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
