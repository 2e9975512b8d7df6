import type { ClientSession } from './client-session';
import { ConnectedClient } from './connected-client.fixture';
import { announceOf, textOf, type OwnerDouble, type TestConnection } from './gateway-stage.fixture';
import { LinkStage } from './link/link-stage.fixture';

let stage: LinkStage;
let owner: OwnerDouble;
let client: ConnectedClient;
let connection: TestConnection;
let session: ClientSession;

beforeEach(async () => {
  stage = new LinkStage();
  client = await ConnectedClient.of(stage);
  ({ owner } = stage);
  ({ connection, session } = client);
});
afterEach(() => client.end());

describe('the end of a connection', () => {
  it.each([
    [1006, 'lost'],
    [1000, 'client'],
    [1005, 'client'],
    [1002, 'client'],
    [1009, 'client'],
    [1001, 'lost'],
  ])('by close code %i is told to the owner as %s, once', async (code, reason) => {
    session.onClosed(code);
    session.onClosed(1006);
    await stage.pass(100);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason }]);
    expect(client.overs).toBe(1);
  });

  it('by the gateway is a close code to the client and a word to the owner', async () => {
    session.shutDown();
    await stage.pass(100);
    session.shutDown();
    expect(connection.closes).toEqual([{ code: 1012, reason: 'the server is restarting' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'shutdown' }]);
    expect(client.overs).toBe(1);
  });

  it('by its owner needs no farewell: the session is looked for nowhere', async () => {
    owner.emit({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    await stage.pass(100);
    expect(connection.closes).toEqual([{ code: 1000, reason: 'session idle' }]);
    expect(owner.inputs).toEqual([]);
    expect(owner.claims).toHaveLength(1);
    expect(client.overs).toBe(1);
  });

  it('waits for the owner’s answer 2 s at most', async () => {
    owner.onInput = () => undefined;
    session.onClosed(1006);
    await stage.pass(1_990);
    expect(client.overs).toBe(0);
    await stage.pass(50);
    expect(client.overs).toBe(1);
    expect(owner.inputs.length).toBeGreaterThan(1);
  });

  it('comes with a code when nobody carries the session', async () => {
    owner.onInput = () => ({ kind: 'old-attachment' });
    client.says('Hello');
    await stage.pass();
    expect(connection.closes[0]).toEqual({ code: 4001, reason: 'the session goes on with another connection' });
  });

  it('comes with a code for a client that reads too slowly', async () => {
    connection.bufferedBytes = 64 * 1024;
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    await stage.pass();
    for (let n = 0; n < 60; n++) owner.audio({ firstSample: n * 24_000, samples: 24_000 });
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1008, reason: 'the client reads too slowly' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'client' }]);
  });

  it('is a cut after two pings without an answer', () => {
    session.checkAlive();
    session.checkAlive();
    session.onPong();
    session.checkAlive();
    session.checkAlive();
    expect(connection.terminated).toBe(false);
    session.checkAlive();
    expect(connection.terminated).toBe(true);
    expect(connection.pings).toBe(4);
  });

  it('[G2] comes also when the owner has ended the session without a word, while the client waits for it', async () => {
    owner.emit({ kind: 'event', event: { type: 'parley.state', state: 'thinking' } });
    await stage.pass(300);
    owner.onClaim = () => ({ kind: 'gone' });
    session.checkAlive();
    await stage.pass(2_000);
    expect(connection.closes).toEqual([{ code: 1011, reason: 'the session is over' }]);
  });

  it('[G2] comes also when the owner has applied an input and ended the session, and its answer was lost', async () => {
    client.says('Hello');
    await stage.pass(300);
    owner.onClaim = () => ({ kind: 'gone' });
    session.checkAlive();
    await stage.pass(2_000);
    expect(connection.closes).toEqual([{ code: 1011, reason: 'the session is over' }]);
  });

  it('[G2] is looked for at every check as long as an input is not answered', async () => {
    owner.onInput = () => undefined;
    client.says('Hello');
    for (let n = 1; n <= 5; n++) {
      const { length } = owner.claims;
      session.checkAlive();
      session.onPong();
      await stage.pass(15_000);
      expect(owner.claims).toHaveLength(length + 1);
    }
  });

  it('is not looked for while the client waits for nothing', async () => {
    owner.emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    await stage.pass(300);
    const { length } = owner.claims;
    session.checkAlive();
    await stage.pass(2_000);
    expect(owner.claims).toHaveLength(length);
  });
});
