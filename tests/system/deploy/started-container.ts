import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from '../support/until';
import type { Start } from './report';

const READY_TIMEOUT_MS = 20_000;
const HEALTH_TIMEOUT_MS = 10_000;

/** The private servers that stand for those the containers would reach by name. */
export interface Servers {
  natsUrl: string;
  redisUrl: string;
}

/** A container's process as it runs here. */
export interface StartedContainer {
  start: Start;
  /** Where it really listens. */
  url: string;
  output(): string;
  /** Runs the container's health check beside it, as an engine would; its exit code. */
  runHealthCommand(): Promise<number | null>;
  /** SIGTERM. How it ended, and what it took; killed at the end of its grace. */
  stop(): Promise<{ code: number | null; signal: string | null; tookMs: number }>;
}

/** The rule by which an environment of a container becomes one of this machine; nothing else is changed. */
export function mappedEnvironment(env: Readonly<Record<string, string>>, servers: Servers): Record<string, string> {
  const hosts = new Map([
    ['nats://nats:4222', servers.natsUrl],
    ['nats://parley-nats:4222', servers.natsUrl],
    ['redis://redis:6379', servers.redisUrl],
    ['redis://parley-redis:6379', servers.redisUrl],
  ]);
  const mapped = Object.entries(env).map(([name, value]) => {
    if (name === 'PARLEY_HOST' && value === '0.0.0.0') return [name, '127.0.0.1'];
    if (name === 'PARLEY_PORT' || name === 'PARLEY_METRICS_PORT') return [name, '0'];
    if (name !== 'NATS_URL' && name !== 'REDIS_URL') return [name, value];
    const url = hosts.get(value);
    if (url === undefined) throw new Error(`${name}=${value} is the address of nothing that is deployed`);
    return [name, url];
  });
  return Object.fromEntries(mapped);
}

/** Starts the container's command in the image's folder and waits until it takes work. */
export async function startContainer(start: Start, appDir: string, servers: Servers): Promise<StartedContainer> {
  const [interpreter, ...args] = start.command;
  if (interpreter !== 'node') throw new Error(`${start.name} is started by ${interpreter}`);
  const env = mappedEnvironment(start.env, servers);
  const child = spawn(process.execPath, args, { cwd: appDir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let url: string | undefined;
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`;
    url ??= readyUrl(line);
  });
  const container = { start, output: () => output, stop: () => stop(child, start.graceMs) };
  try {
    const readyAt = await until(`${start.name} is ready`, () => hasEnded(child) || url, READY_TIMEOUT_MS);
    if (readyAt === true) throw new Error(`${start.name} ended`);
    await until(`${start.name} answers /healthz/ready with 200`, () => isOk(`${readyAt}/healthz/ready`));
    return { ...container, url: readyAt, runHealthCommand: () => runHealthCommand(start, readyAt, env) };
  } catch (error) {
    await container.stop();
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
}

export async function isOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status === 200;
  } catch {
    return false;
  }
}

function readyUrl(line: string): string | undefined {
  try {
    const { message, url } = JSON.parse(line);
    return message === 'READY' ? new URL(url).origin : undefined;
  } catch {
    return undefined;
  }
}

/** Inside its container the process has the port that it was told; here, the one that it found. */
async function runHealthCommand(
  { healthCommand, name }: Start,
  url: string,
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const [interpreter, ...args] = healthCommand;
  if (interpreter !== 'node') throw new Error(`the health of ${name} is checked by ${interpreter}`);
  const { port } = new URL(url);
  const ports = Object.keys(env).filter((variable) => /^PARLEY_(METRICS_)?PORT$/.test(variable));
  const portsHere = Object.fromEntries(ports.map((variable) => [variable, port]));
  const child = spawn(process.execPath, args, {
    env: { ...env, ...portsHere },
    stdio: 'ignore',
    timeout: HEALTH_TIMEOUT_MS,
  });
  const [code]: (number | null)[] = await once(child, 'exit');
  return code ?? null;
}

async function stop(
  child: ChildProcess,
  graceMs: number,
): Promise<{ code: number | null; signal: string | null; tookMs: number }> {
  const beganMs = performance.now();
  if (!hasEnded(child)) {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }
  return { code: child.exitCode, signal: child.signalCode, tookMs: performance.now() - beganMs };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
