import { scrape, type ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { errorOf, speakTurn } from '../support/spoken-turn';
import { TestClient, type WireEvent } from '../support/test-client';

/** As long as a text may be, three bytes a character: each item comes back in two events of 98 kB, all in 1.18 MB. */
const LONG = '語'.repeat(32_768);
const ITEMS = ['a', 'b', 'c', 'd', 'e', 'f'];

jest.setTimeout(60_000);

describe('events of every size over real sockets, NATS and Redis', () => {
  let faked: FakedCluster;
  const clients: TestClient[] = [];

  const connect = async (query?: string): Promise<TestClient> => {
    const client = await TestClient.connect({ url: faked.cluster.url, ...(query === undefined ? {} : { query }) });
    clients.push(client);
    await client.waitForType('parley.session');
    return client;
  };
  const sessionOf = (client: TestClient): WireEvent | undefined =>
    client.events().find((event) => event.type === 'parley.session');
  const itemsOf = (client: TestClient): unknown[] =>
    client
      .events()
      .flatMap((event) => (event.type === 'conversation.item.done' ? [fieldsOf(event['item'])['id']] : []));
  const resume = (lost: TestClient): Promise<TestClient> => {
    const session = fieldsOf(sessionOf(lost));
    return connect(
      `resume=${String(session['resume_token'])}&last_event_id=${String(session['event_id'])}&received=[]`,
    );
  };
  async function ownerOf(): Promise<ClusterMember> {
    for (const member of faked.cluster.running('orchestrator')) {
      if ((await scrape(member.metricsUrl, 'parley_sessions_active')) > 0) return member;
    }
    throw new Error('nobody owns a session');
  }

  beforeAll(async () => {
    faked = await startFakedCluster(['--orchestrator', '2', '--avatar', '0']);
  });
  afterAll(() => faked?.stop());
  afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

  it.each([
    ['whose numbers grow when they are written again', `{"a":[${'1e20,'.repeat(60_000)}1]}`, 'session.tools'],
    ['nested deeper than it can be written again', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'session'],
  ])('[CL6] an event %s is refused, and nobody else notices', async (_what, parameters, param) => {
    const started = faked.cluster.announced.length;
    const [client, other] = [await connect(), await connect()];
    const tool = `{"type":"function","name":"f","parameters":${parameters}}`;
    // As text: a client that writes its numbers short.
    client.sendText(`{"type":"session.update","session":{"type":"realtime","tools":[${tool}]}}`);
    const refused = await client.waitForType('error');
    expect(errorOf(refused)).toMatchObject({ code: 'invalid_value', param });
    for (const each of [client, other]) {
      expect(await speakTurn(each, 'Are you there?')).toMatchObject({ status: 'completed' });
    }
    expect(faked.cluster.announced).toHaveLength(started);
  });

  it('[G6] a client that lost its connection, and then its owner, gets all that it missed of 1.2 MB', async () => {
    const started = faked.cluster.announced.length;
    const client = await connect();
    for (const id of ITEMS) {
      const item = { type: 'message', role: 'user', id, content: [{ type: 'input_text', text: LONG }] };
      client.send({ type: 'conversation.item.create', item });
    }
    await client.waitUntil('all items', () => itemsOf(client).length === ITEMS.length);
    client.socket.terminate();
    const back = await resume(client);
    await back.waitUntil('all items again', () => itemsOf(back).length === ITEMS.length);
    expect(itemsOf(back)).toEqual(ITEMS);
    back.socket.terminate();

    process.kill((await ownerOf()).pid, 'SIGKILL');
    const again = await resume(back);
    await again.waitUntil('all items a third time', () => itemsOf(again).length === ITEMS.length);
    expect(sessionOf(again)).toMatchObject({ resumed: true });
    expect(await speakTurn(again, 'Are you there?')).toMatchObject({ status: 'completed', errors: [] });
    // The one that was killed was started again; nobody else ended.
    expect(faked.cluster.announced.length - started).toBeLessThanOrEqual(1);
  });
});
