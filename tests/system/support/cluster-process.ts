import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const REPOSITORY = resolve(__dirname, '../../..');

/** A process of the cluster as its launcher announced it. */
export interface ClusterMember {
  role: 'gateway' | 'orchestrator' | 'tts' | 'avatar';
  index: number;
  pid: number;
  metricsUrl: string;
}

export interface ClusterProcess {
  url: string;
  /** Every announcement so far, restarts included: the last one of a role and index is the running one. */
  announced: readonly ClusterMember[];
  running(role: ClusterMember['role']): ClusterMember[];
  output(): string;
  /** SIGTERM to the launcher; resolves when it has gone. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 32_000;

/** `node tools/cluster.mjs` as a user would start it, on free ports, with the test run's NATS and Redis if there are any. */
export async function startCluster(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ClusterProcess> {
  const { NATS_TEST_URL, REDIS_TEST_URL } = process.env;
  const child = spawn(process.execPath, ['tools/cluster.mjs', ...args], {
    cwd: REPOSITORY,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      PARLEY_PORT: '0',
      ...(NATS_TEST_URL === undefined ? {} : { NATS_URL: NATS_TEST_URL }),
      ...(REDIS_TEST_URL === undefined ? {} : { REDIS_URL: REDIS_TEST_URL }),
      ...env,
    },
    // Over the channel the launcher sees our end, also by SIGKILL, and ends with all it started.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the launcher has no output');
  const announced: ClusterMember[] = [];
  let text = '';
  const url = await new Promise<string>((resolveUrl, reject) => {
    const timer = setTimeout(() => reject(new Error(`the cluster was not ready in time\n${text}`)), READY_TIMEOUT_MS);
    child.once('exit', (code) => reject(new Error(`the cluster ended with ${code}\n${text}`)));
    stderr.on('data', (data: Buffer) => (text += data.toString()));
    createInterface({ input: stdout }).on('line', (line) => {
      text += `${line}\n`;
      const member = /^process (\w+) (\d+) pid=(\d+) metrics=(\S+)/.exec(line);
      if (member) announced.push(memberOf(member));
      const ready = /^ready (\S+)/.exec(line)?.[1];
      if (ready === undefined) return;
      clearTimeout(timer);
      resolveUrl(ready);
    });
  });
  return {
    url,
    announced,
    running: (role) => [...latest(announced).values()].filter((member) => member.role === role),
    output: () => text,
    stop: () => stop(child),
  };
}

function memberOf(match: RegExpExecArray): ClusterMember {
  const [, role, index, pid, metricsUrl = ''] = match;
  return { role: role as ClusterMember['role'], index: Number(index), pid: Number(pid), metricsUrl };
}

const latest = (announced: readonly ClusterMember[]): Map<string, ClusterMember> =>
  new Map(announced.map((member) => [`${member.role} ${member.index}`, member]));

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

/** A sample of a Prometheus text exposition: the sum over all label sets that contain `labels`. */
export async function scrape(
  metricsUrl: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const has = Object.entries(labels).every(([key, value]) => match[2]?.includes(`${key}="${value}"`));
    if (has) sum += Number(match[3]);
  }
  return sum;
}
