import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Admission, ConnectionPort, LogPort } from '@parley/ports';
import { tlsCredentials, type TlsCredentials } from '@parley/runtime';
import { WebSocket } from 'ws';
import { RealtimeModule } from './realtime';
import { SocketAdapter } from './socket-adapter';
import { TlsPort } from './tls-port';

const silentLog: LogPort = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

let folder: string;
let credentials: TlsCredentials;
let ca: string;
let app: INestApplication;
let tls: TlsPort;
let port: number;
/** Of this test's connections. */
let heard: string[];
let connection: ConnectionPort | undefined;

const admit = async (): Promise<Admission> => ({
  kind: 'admitted',
  subprotocol: undefined,
  abandon: () => undefined,
  open: (opened) => {
    connection = opened;
    const own = heard;
    return {
      onText: (text) => {
        own.push(text);
        opened.sendText(`heard ${text}`);
      },
      onBinary: () => undefined,
      onPong: () => undefined,
      onWritable: () => undefined,
      onClosed: (code) => own.push(`closed ${code}`),
    };
  },
});

beforeEach(async () => {
  heard = [];
  folder = mkdtempSync(join(tmpdir(), 'parley-tls-'));
  const system = {
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    random: { fraction: () => 0, hex: (bytes: number) => 'ab'.repeat(bytes) },
  };
  const outcome = await tlsCredentials({ port: 0, files: undefined }, system, folder);
  if (outcome.kind === 'invalid') throw new Error(outcome.problem.problem);
  ({ credentials } = outcome);
  ca = credentials.certificate;
  const office = { admit, createSecret: async () => ({ status: 201, headers: {}, body: 'made' }) };
  app = await NestFactory.create(RealtimeModule.of(office), { logger: false, forceCloseConnections: true });
  app.useWebSocketAdapter(new SocketAdapter(app, silentLog));
  await app.listen(0, '127.0.0.1');
  tls = new TlsPort(app.getHttpServer(), credentials);
  await tls.listen(0, '127.0.0.1');
  port = (tls.server.address() as AddressInfo).port;
});
afterEach(async () => {
  await Promise.all([app.close(), tls.close()]);
  rmSync(folder, { recursive: true });
});

const statusOf = async (path: string, method: string): Promise<number | undefined> => {
  const sent = request({ host: 'localhost', port, path, method, ca }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
};

const open = async (): Promise<WebSocket> => {
  const socket = new WebSocket(`wss://localhost:${port}/v1/realtime`, { ca });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
};

describe('the port for TLS', () => {
  it('has the endpoints and the WebSocket of the other one', async () => {
    expect(await statusOf('/v1/realtime', 'GET')).toBe(400);
    expect(await statusOf('/v1/realtime/client_secrets', 'POST')).toBe(201);
    const socket = await open();
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('heard hello');
  });

  it('passes on what is larger than a record and a buffer', async () => {
    const socket = await open();
    socket.pause();
    while ((connection?.bufferedBytes ?? 0) < 1024 * 1024) connection?.sendText('x'.repeat(100_000));
    connection?.sendText('last');
    const last = new Promise<void>((resolve) =>
      socket.on('message', (data) => void (data.toString() === 'last' && resolve())),
    );
    socket.resume();
    await last;
  });

  it('closes with the application, and what is open on it', async () => {
    const socket = await open();
    const closed = once(socket, 'close');
    await Promise.all([app.close(), tls.close()]);
    await closed;
    expect(heard).toEqual(['closed 1006']);
    await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('that is taken is refused by its number', async () => {
    const second = new TlsPort(app.getHttpServer(), credentials);
    await expect(second.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });
});
