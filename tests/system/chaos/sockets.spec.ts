import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { holderOf } from './sockets';

it('the operating system knows whose a connection is', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const clientPort = client.localPort ?? 0;
  expect(holderOf(clientPort, port, [process.ppid, process.pid])).toBe(process.pid);
  expect(holderOf(clientPort, port, [process.ppid])).toBeUndefined();
  expect(holderOf(clientPort, port + 1, [process.pid])).toBeUndefined();
  client.destroy();
  await once(client, 'close');
  expect(holderOf(clientPort, port, [process.pid])).toBeUndefined();
  server.close();
});
