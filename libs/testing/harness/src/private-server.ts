import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A server that a test may spoil. */
export interface PrivateServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** SIGKILL, as a crash; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

export interface PrivateServerOptions {
  /** Else a free one. */
  port?: number;
  /** In the server's own configuration language. */
  config?: string;
}

/** The tools are ES modules, which Jest's transform cannot import. The server ends with this process's standard input. */
const STARTER = `
const [tools, kind, options] = process.argv.slice(1);
const { ensureNatives, startNats, startRedis, startSentinel } = await import(tools);
const { natsServer, redisServer } = await ensureNatives({ log: (line) => console.error(line) });
const [start, program] = { nats: [startNats, natsServer], redis: [startRedis, redisServer], sentinel: [startSentinel, redisServer] }[kind];
const server = await start({ ...program, ...JSON.parse(options) });
console.log(server.url, server.port, server.pid);
process.stdin.resume().once('close', () => server.stop().then(() => process.exit(0)));
`;

/** Rejects when it does not start; the tools that start it have deadlines of their own. */
export async function startPrivateServer(
  kind: 'nats' | 'redis' | 'sentinel',
  options: PrivateServerOptions = {},
): Promise<PrivateServer> {
  const tools = new URL('../../../../tools/natives/index.mjs', import.meta.url).href;
  const args = ['--input-type=module', '-e', STARTER, tools, kind, JSON.stringify(options)];
  const starter = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  starter.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  starter.stdin.on('error', () => undefined);
  const gone = new Promise<undefined>((resolve) => {
    starter.once('close', () => resolve(undefined));
    starter.once('error', (error) => {
      complaints += error.message;
      resolve(undefined);
    });
  });
  const firstLine = new Promise<string>((resolve) => {
    createInterface({ input: starter.stdout }).once('line', resolve);
  });
  const line = await Promise.race([firstLine, gone]);
  const [url, port, pid] = line?.split(' ') ?? [];
  if (url === undefined) throw new Error(`the ${kind} server did not start: ${complaints.trim()}`);
  const stop = async (): Promise<void> => {
    starter.stdin.end();
    await gone;
  };
  return {
    url,
    port: Number(port),
    pid: Number(pid),
    kill: () => {
      process.kill(Number(pid), 'SIGKILL');
      return stop();
    },
    stop,
  };
}

/** A primary, a replica of it, and a Sentinel that puts the one in the place of the other within about a second. */
export interface WatchedRedis {
  /** What the Sentinel calls the primary. */
  readonly name: string;
  readonly sentinel: PrivateServer;
  readonly primary: PrivateServer;
  readonly replica: PrivateServer;
  /** The Sentinel has put it in the place of the primary. */
  untilPrimaryIs(server: PrivateServer): Promise<void>;
  /** The Sentinel knows a replica that could take over. */
  untilFollowed(): Promise<void>;
  stop(): Promise<void>;
}

const PRIMARY_NAME = 'sessions';
/** Else a primary waits five seconds for more replicas before it sends what it holds. */
const AT_ONCE = 'repl-diskless-sync-delay 0';

/** Resolves when the primary can be replaced. */
export async function startWatchedRedis(): Promise<WatchedRedis> {
  const primary = await startPrivateServer('redis', { config: AT_ONCE });
  const replica = await startReplica(primary.port);
  const sentinel = await startPrivateServer('sentinel', {
    config: [
      `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds ${PRIMARY_NAME} 500`,
      `sentinel failover-timeout ${PRIMARY_NAME} 3000`,
    ].join('\n'),
  });
  const watched: WatchedRedis = {
    ...{ name: PRIMARY_NAME, sentinel, primary, replica },
    untilPrimaryIs: ({ port }) => untilSaid(sentinel, `GET-MASTER-ADDR-BY-NAME ${PRIMARY_NAME}`, `\r\n${port}\r\n`),
    untilFollowed: () => untilSaid(sentinel, `REPLICAS ${PRIMARY_NAME}`, 'master-link-status\r\n$2\r\nok'),
    // Of now: a test may have put others in their place.
    async stop() {
      await Promise.all([this.sentinel.stop(), this.replica.stop(), this.primary.stop()]);
    },
  };
  await watched.untilFollowed();
  return watched;
}

/** A replica of the Redis at that port. */
export const startReplica = (primaryPort: number, port?: number): Promise<PrivateServer> =>
  startPrivateServer('redis', {
    ...(port === undefined ? {} : { port }),
    config: `${AT_ONCE}\nreplicaof 127.0.0.1 ${primaryPort}`,
  });

/** A Sentinel looks at the roles of its servers every 10 s. */
const SAID_TIMEOUT_MS = 40_000;
const ASK_EVERY_MS = 100;

async function untilSaid({ port }: PrivateServer, question: string, word: string): Promise<void> {
  const untilMs = performance.now() + SAID_TIMEOUT_MS;
  for (;;) {
    const answer = await answerOf(port, `SENTINEL ${question}`);
    if (answer.includes(word)) return;
    if (performance.now() > untilMs) throw new Error(`the Sentinel answers to ${question}: ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

/** One command, and what the server says to it: short enough to come at once. */
function answerOf(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}
