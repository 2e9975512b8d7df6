import { connect, createServer, type Socket } from 'node:net';
import { startTcpProxy, type TcpProxy } from './tcp-proxy';

describe('startTcpProxy', () => {
  let proxy: TcpProxy;
  let target: ReturnType<typeof createServer>;
  const atTarget: Socket[] = [];
  const clients: Socket[] = [];

  beforeEach(async () => {
    target = createServer((socket) => {
      atTarget.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => socket.write(bytes));
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const address = target.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy = await startTcpProxy(address.port);
  });

  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await proxy.close();
    await proxy.close();
    for (const socket of atTarget.splice(0)) socket.destroy();
    await new Promise((resolve) => target.close(resolve));
  });

  const open = () => {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    const state = { socket, text: '', failure: '', closed: false };
    socket.on('data', (bytes) => (state.text += bytes.toString()));
    socket.on('error', (error) => (state.failure = 'code' in error ? String(error.code) : error.message));
    socket.on('close', () => (state.closed = true));
    return state;
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let n = 0; n < 400 && !condition(); n++) await pause(5);
    expect(condition()).toBe(true);
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('passes bytes both ways, and the last ones before an orderly end', async () => {
    const client = open();
    client.socket.write('hello');
    await until(() => client.text === 'hello');
    const received: string[] = [];
    atTarget[0]?.on('data', (bytes) => received.push(bytes.toString()));
    client.socket.end('x'.repeat(300_000));
    await until(() => received.join('').length === 300_000 && client.closed);
    expect(client.failure).toBe('');
  });

  it('cuts: resets both sides, and takes new connections', async () => {
    const client = open();
    client.socket.write('a');
    await until(() => client.text === 'a');
    proxy.cut();
    await until(() => client.closed && atTarget[0]?.destroyed === true);
    expect(client.failure).toBe('ECONNRESET');
    const next = open();
    next.socket.write('b');
    await until(() => next.text === 'b');
  });

  it('refuses new connections, leaves those there are, and takes new ones when healed', async () => {
    const client = open();
    client.socket.write('a');
    await until(() => client.text === 'a');
    proxy.refuse();
    const refused = open();
    await until(() => refused.closed);
    client.socket.write('b');
    await until(() => client.text === 'ab');
    proxy.heal();
    const next = open();
    next.socket.write('c');
    await until(() => next.text === 'c');
  });

  it('swallows everything in a black hole, also ends and new connections, until healed', async () => {
    const [client, leaver] = [open(), open()];
    client.socket.write('a');
    leaver.socket.write('a');
    await until(() => client.text === 'a' && leaver.text === 'a');
    proxy.blackhole();
    client.socket.write('b');
    leaver.socket.destroy();
    const late = open();
    late.socket.write('c');
    await pause(100);
    expect([client.text, client.closed, late.text, late.closed]).toEqual(['a', false, '', false]);
    expect(atTarget.map(({ destroyed }) => destroyed)).not.toContain(true);
    proxy.heal();
    await until(() => client.text === 'ab' && late.text === 'c');
    await until(() => atTarget.filter(({ destroyed }) => destroyed).length === 1);
  });
});
