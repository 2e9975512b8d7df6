import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Answers like a Sentinel, and says of a switch whenever a test wants it to. */
export interface ScriptedSentinel {
  readonly port: number;
  /** Called when a client asks where the primary is; the answer comes when it resolves. */
  onAsked: () => Promise<void>;
  /** Tells everybody who listens that there is another primary. */
  announceSwitch(): void;
  close(): Promise<void>;
}

const bulk = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
const CHANNEL = '+switch-master';
/** What the client says to a Sentinel: each of its commands by a word that only it has. */
const COMMANDS = /get-master-addr-by-name|\$9\r\nsentinels|\$9\r\nsubscribe|setinfo/gi;

export async function startScriptedSentinel(primaryPort: number): Promise<ScriptedSentinel> {
  const subscribers = new Set<Socket>();
  const sockets = new Set<Socket>();
  const answer = async (socket: Socket, command: string): Promise<void> => {
    if (/subscribe/i.test(command)) {
      subscribers.add(socket);
      socket.write(`*3\r\n$9\r\nsubscribe\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n:1\r\n`);
    } else if (/get-master/i.test(command)) {
      await sentinel.onAsked();
      socket.write(bulk('127.0.0.1', String(primaryPort)));
    } else socket.write(/sentinels/i.test(command) ? '*0\r\n' : '+OK\r\n');
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => [subscribers, sockets].forEach((all) => all.delete(socket)));
    socket.on('data', (data) => void answerAll(socket, data.toString().match(COMMANDS) ?? []));
  });
  const answerAll = async (socket: Socket, commands: readonly string[]): Promise<void> => {
    for (const command of commands) await answer(socket, command);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sentinel: ScriptedSentinel = {
    port: (server.address() as AddressInfo).port,
    onAsked: () => Promise.resolve(),
    announceSwitch: () => subscribers.forEach((socket) => socket.write(bulk('message', CHANNEL, 'sessions'))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
  return sentinel;
}
