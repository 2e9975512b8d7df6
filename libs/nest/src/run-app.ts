import 'reflect-metadata';
import type { Server } from 'node:net';
import type { LoggerService, Type, DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { InvariantError } from '@parley/model';
import type { LogPort, Service, SystemPorts } from '@parley/ports';
import {
  createLog,
  createTelemetry,
  describeProblems,
  readConfig,
  tlsCredentials,
  type Composition,
  type ConfigOf,
  type ListenConfig,
  type ProcessContext,
  type ProcessLog,
  type Role,
  type Telemetry,
  type TlsAddress,
  type TlsConfig,
  type TlsCredentials,
} from '@parley/runtime';
import { followSignals, STOP_DEADLINE_MS, stopInOrder } from './lifecycle';
import { SocketAdapter } from './socket-adapter';
import { TlsPort } from './tls-port';

export interface AppDefinition<R extends Role, C extends Composition> {
  role: R;
  system: SystemPorts;
  compose(config: ConfigOf[R], context: ProcessContext): Promise<C>;
  module(composition: C, telemetry: Telemetry): Type | DynamicModule;
  /** Shorter where nobody is there to take anything over. */
  stopDeadlineMs?: number;
  /** What the module cannot say: static files, for instance. */
  prepare?(app: NestExpressApplication): void;
}

/** One process from its environment to its exit. */
export async function runApp<R extends Role, C extends Composition>(definition: AppDefinition<R, C>): Promise<void> {
  const { role, system } = definition;
  const outcome = readConfig(role, process.env);
  if (outcome.kind === 'invalid') {
    exitWith(`bad settings: ${describeProblems(outcome.problems)}`);
    return;
  }
  const { config } = outcome;
  // The reader of our output may be gone before us; that is no reason to end in disorder.
  process.stdout.on('error', () => {});
  const log = createLog({
    ...config.log,
    role,
    secrets: config.secrets,
    clock: system.clock,
    write: (line) => process.stdout.write(line),
  });
  const starting = start(definition, config, log);
  followSignals({ log, system, source: process, exit }, async () =>
    stopInOrder({ log, system, deadlineMs: definition.stopDeadlineMs ?? STOP_DEADLINE_MS, ...(await starting) }),
  );
  try {
    const { url, tls } = await starting;
    log.ready(url, tls);
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    exitWith(messageOf(error, config.listen));
  }
}

interface Started {
  url: string;
  tls: TlsAddress | undefined;
  services: readonly Service[];
  closing: readonly (() => Promise<void>)[];
}

async function start<R extends Role, C extends Composition>(
  definition: AppDefinition<R, C>,
  config: ConfigOf[R] & { listen: ListenConfig },
  log: ProcessLog,
): Promise<Started> {
  const { listen } = config;
  const credentials = listen.tls && (await credentialsOf(listen.tls, definition.system));
  const telemetry = createTelemetry();
  const composition = await definition.compose(config, { log, telemetry: telemetry.port });
  const app = await NestFactory.create<NestExpressApplication>(definition.module(composition, telemetry), {
    logger: nestLogger(log),
    bodyParser: false,
    abortOnError: false,
    // Kept-alive requests must not hold up the end of the process.
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  app.useWebSocketAdapter(new SocketAdapter(app, log));
  definition.prepare?.(app);
  for (const service of composition.services) await service.start();
  await app.listen(listen.port, listen.host);
  const tls = credentials && new TlsPort(app.getHttpServer(), credentials);
  await tls?.listen(listen.tls?.port ?? 0, listen.host);
  return {
    url: `http://${addressOf(app.getHttpServer(), listen.host)}`,
    tls: tls ? { url: `https://${addressOf(tls.server, listen.host)}`, certificate: credentials?.madeHere } : undefined,
    services: composition.services,
    // The one cuts the WebSockets that the other waits for.
    closing: [async () => void (await Promise.all([app.close(), tls?.close()])), () => composition.close()],
  };
}

/** Throws what `main` prints as one line. */
async function credentialsOf(tls: TlsConfig, system: SystemPorts): Promise<TlsCredentials> {
  const outcome = await tlsCredentials(tls, system);
  if (outcome.kind === 'invalid') throw new Error(`bad settings: ${describeProblems([outcome.problem])}`);
  return outcome.credentials;
}

/** As clients name it. */
function addressOf(server: Server, host: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new InvariantError('the server has no port');
  const isEveryAddress = host === '0.0.0.0' || host === '::';
  const name = isEveryAddress ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${address.port}`;
}

/** Nest's own messages: what it would have printed by itself. */
function nestLogger(log: LogPort): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? message.message : String(message));
  return {
    log: (message: unknown) => log.debug('nest', { detail: text(message) }),
    warn: (message: unknown) => log.warn('nest', { detail: text(message) }),
    error: (message: unknown, ...rest: unknown[]) => {
      log.error('nest', { detail: text(message), error: message instanceof Error ? message : rest[0] });
    },
  };
}

/** What went wrong outside, in one line that names the fix where it is known. */
function messageOf(error: unknown, { host, port, tls }: ListenConfig): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  const isTls = tls !== null && 'port' in error && error.port === tls.port;
  const address = isTls ? `PARLEY_TLS_PORT: ${host}:${tls.port}` : `${host}:${port}`;
  if (code === 'EADDRINUSE') return `${address} is already in use; stop what listens there or choose another port`;
  if (code === 'EACCES') return `${address} may not be listened on; choose a port above 1023`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${address} is not an address of this machine`;
  return error.message;
}

function exitWith(message: string): void {
  process.stderr.write(`error: ${message.replaceAll('\n', ' ')}\n`);
  exit(1);
}

function exit(code: number): void {
  process.exit(code);
}
