import 'reflect-metadata';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type {
  Admission,
  ConnectionListener,
  ConnectionPort,
  HttpReply,
  HttpRequest,
  LogPort,
  UpgradeRequest,
} from '@parley/ports';
import { WebSocket } from 'ws';
import { RealtimeModule } from './realtime';
import { SocketAdapter } from './socket-adapter';

const KIB = 1024;
const silentLog: LogPort = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** What a connection told the gateway, in order. */
class RecordingListener implements ConnectionListener {
  readonly calls: string[] = [];
  readonly closed: Promise<number>;
  #resolveClosed: (code: number) => void = () => undefined;
  onCall: () => void = () => undefined;

  constructor(readonly connection: ConnectionPort) {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }
  onText(text: string): void {
    this.#add(`text ${text}`);
  }
  onBinary(bytes: Uint8Array): void {
    this.#add(`binary ${Buffer.from(bytes).toString('hex')}`);
  }
  onPong(): void {
    this.#add('pong');
  }
  onWritable(): void {
    this.#add(`writable ${this.connection.bufferedBytes < 32 * KIB}`);
  }
  onClosed(code: number): void {
    this.#add(`closed ${code}`);
    this.#resolveClosed(code);
  }
  async has(call: string): Promise<void> {
    while (!this.calls.includes(call)) await new Promise<void>((resolve) => (this.onCall = resolve));
  }
  #add(call: string): void {
    this.calls.push(call);
    this.onCall();
  }
}

/** A gateway service whose decisions the test makes. */
class ScriptedAdmission {
  readonly requests: UpgradeRequest[] = [];
  readonly listeners: RecordingListener[] = [];
  abandoned = 0;
  subprotocol: string | undefined;
  decide: () => Promise<Admission> = () => Promise.resolve(this.admitted());
  onOpen: (connection: ConnectionPort) => void = () => undefined;

  readonly bodies: (string | undefined)[] = [];
  /** Undefined: it does not read the body. */
  answer: HttpReply | undefined = { status: 200, headers: { 'x-test': 'yes' }, body: '{}' };

  async createSecret(request: HttpRequest): Promise<HttpReply> {
    this.requests.push(request);
    if (!this.answer) return { status: 401, headers: {}, body: 'no' };
    this.bodies.push(await request.readBody());
    return this.answer;
  }

  admit(request: UpgradeRequest): Promise<Admission> {
    this.requests.push(request);
    return this.decide();
  }

  admitted(): Admission {
    return {
      kind: 'admitted',
      subprotocol: this.subprotocol,
      abandon: () => (this.abandoned += 1),
      open: (connection) => {
        const listener = new RecordingListener(connection);
        this.listeners.push(listener);
        this.onOpen(connection);
        return listener;
      },
    };
  }

  get only(): RecordingListener {
    const [listener] = this.listeners;
    if (listener === undefined || this.listeners.length !== 1) throw new Error(`${this.listeners.length} connections`);
    return listener;
  }
}

describe('the socket adapter', () => {
  let app: INestApplication;
  let admission: ScriptedAdmission;
  let port: number;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    admission = new ScriptedAdmission();
    app = await NestFactory.create(RealtimeModule.of(admission), { logger: false, forceCloseConnections: true });
    app.useWebSocketAdapter(new SocketAdapter(app, silentLog));
    await app.listen(0, '127.0.0.1');
    const address: AddressInfo = app.getHttpServer().address();
    port = address.port;
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await app.close();
  });

  function client(path = '/v1/realtime', protocols: string[] = [], options = {}): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, options);
    socket.on('error', () => undefined);
    clients.push(socket);
    return socket;
  }

  async function openClient(...args: Parameters<typeof client>): Promise<WebSocket> {
    const socket = client(...args);
    await once(socket, 'open');
    return socket;
  }

  async function rawUpgrade(path: string, headers: string[] = []): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: test',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await once(socket, 'connect');
    return socket;
  }

  const refusal = (socket: WebSocket) =>
    new Promise<{ status: number; headers: object; body: string }>((resolve) => {
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
    });

  it('describes the upgrade to admission', async () => {
    admission.subprotocol = 'parley.v1';
    await openClient('/v1/realtime?model=m&audio=binary', ['realtime', 'parley.v1'], {
      headers: { Authorization: 'Bearer k' },
      origin: 'http://page.test',
    });
    expect(admission.requests).toMatchObject([
      {
        path: '/v1/realtime',
        query: { model: 'm', audio: 'binary' },
        subprotocols: ['realtime', 'parley.v1'],
        headers: { authorization: 'Bearer k', origin: 'http://page.test' },
        loopback: true,
      },
    ]);
  });

  it.each(['/v1/realtime', '/openai/v1/realtime'])('takes connections at %s, whatever their query', async (path) => {
    await openClient(`${path}?model=m&temperature=0.8&intent=&a=1&a=2`);
    expect(admission.requests).toMatchObject([{ path, query: { model: 'm', temperature: '0.8', a: '2' } }]);
    expect((await fetch(`http://127.0.0.1:${port}${path}?model=m`)).status).toBe(400);
  });

  it('takes connections under the path of the older dialect', async () => {
    await openClient('/openai/realtime?api-version=2024-10-01-preview&deployment=m');
    expect(admission.requests).toMatchObject([{ path: '/openai/realtime', query: { deployment: 'm' } }]);
  });

  it('selects the subprotocol that admission names, and no other', async () => {
    admission.subprotocol = 'parley.v1';
    expect((await openClient('/v1/realtime', ['realtime', 'parley.v1'])).protocol).toBe('parley.v1');
    admission.subprotocol = undefined;
    const refusing = client('/v1/realtime', ['realtime']);
    const [error] = await once(refusing, 'error');
    expect(String(error)).toContain('no subprotocol');
  });

  it('does not answer the upgrade before admission has decided', async () => {
    let decide: (admission: Admission) => void = () => undefined;
    const decided = new Promise<Admission>((resolve) => (decide = resolve));
    admission.decide = () => decided;
    const socket = client();
    let isOpen = false;
    socket.on('open', () => (isOpen = true));
    while (admission.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isOpen).toBe(false);
    decide(admission.admitted());
    await once(socket, 'open');
  });

  it('answers a refusal with its status, headers and body', async () => {
    admission.decide = () =>
      Promise.resolve({ kind: 'refused', status: 503, headers: { 'retry-after': '2' }, body: '{"full":true}' });
    expect(await refusal(client())).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2', 'content-length': '13' },
      body: '{"full":true}',
    });
  });

  it('answers 500 when admission breaks, and takes the next connection', async () => {
    admission.decide = () => Promise.reject(new Error('broken'));
    expect(await refusal(client())).toMatchObject({ status: 500 });
    admission.decide = () => Promise.resolve(admission.admitted());
    await openClient();
  });

  it.each(['/', '/v1/other', '//v1/realtime', '/v1/realtime/x', '/openai/v1'])(
    'answers an upgrade of %s with 404',
    async (path) => {
      const socket = await rawUpgrade(path);
      const [data] = await once(socket, 'data');
      expect(String(data)).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
      await once(socket, 'close');
      expect(admission.requests).toEqual([]);
    },
  );

  it('answers a request that is no upgrade with 400', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/realtime`);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('WebSocket')]);
    expect(admission.requests).toEqual([]);
  });

  it('abandons an admission whose peer went away meanwhile', async () => {
    let decide: (admission: Admission) => void = () => undefined;
    admission.decide = () => new Promise((resolve) => (decide = resolve));
    const socket = await rawUpgrade('/v1/realtime');
    while (admission.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 30));
    decide(admission.admitted());
    while (admission.abandoned + admission.listeners.length === 0)
      await new Promise((resolve) => setImmediate(resolve));
    expect({ abandoned: admission.abandoned, opened: admission.listeners.length }).toEqual({ abandoned: 1, opened: 0 });
  });

  it('abandons an admission whose handshake is malformed', async () => {
    const socket = await rawUpgrade('/v1/realtime', ['Sec-WebSocket-Protocol: a,,b']);
    const [data] = await once(socket, 'data');
    expect(String(data)).toMatch(/^HTTP\/1\.1 400 /);
    expect({ abandoned: admission.abandoned, opened: admission.listeners.length }).toEqual({ abandoned: 1, opened: 0 });
  });

  it('passes text and binary on in their order, whatever they hold', async () => {
    const socket = await openClient();
    socket.send('{"event":"x"}');
    socket.send(Buffer.from([0, 255]));
    socket.send('not json ü');
    socket.send('');
    await admission.only.has('text ');
    expect(admission.only.calls).toEqual(['text {"event":"x"}', 'binary 00ff', 'text not json ü', 'text ']);
  });

  it('loses no frame that comes in the same packet as the handshake', async () => {
    const socket = connect(port, '127.0.0.1');
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    const head =
      'GET /v1/realtime HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    socket.write(Buffer.concat([Buffer.from(head), frame]));
    await once(socket, 'data');
    await admission.only.has('text hi');
    socket.destroy();
  });

  it('sends text as text and binary as binary, from the moment it is open', async () => {
    admission.onOpen = (connection) => {
      connection.sendText('first');
      connection.sendBinary(new Uint8Array([1, 2]));
    };
    const socket = client();
    const received: [string, boolean][] = [];
    socket.on('message', (data, isBinary) => received.push([data.toString('hex'), isBinary]));
    await once(socket, 'message');
    while (received.length < 2) await once(socket, 'message');
    expect(received).toEqual([
      [Buffer.from('first').toString('hex'), false],
      ['0102', true],
    ]);
  });

  it('reports the pong of a ping', async () => {
    await openClient();
    admission.only.connection.ping();
    await admission.only.has('pong');
  });

  it('closes with the given code, and reports the close once', async () => {
    const socket = await openClient();
    const { connection, closed } = admission.only;
    connection.close(1001, 'going away');
    connection.close(1000, 'again');
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual([1001, 'going away']);
    expect(await closed).toBe(1001);
    expect(admission.only.calls.filter((call) => call.startsWith('closed'))).toHaveLength(1);
  });

  it('cuts a peer that does not answer a close within 2 s', async () => {
    const socket = await rawUpgrade('/v1/realtime');
    await once(socket, 'data');
    const beganMs = Date.now();
    admission.only.connection.close(1000, '');
    await admission.only.closed;
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(1_900);
    expect(Date.now() - beganMs).toBeLessThan(3_000);
  });

  it('takes a message of 1 MiB and closes on a longer one with 1009', async () => {
    const socket = await openClient();
    socket.send('a'.repeat(1024 * KIB));
    await admission.only.has(`text ${'a'.repeat(1024 * KIB)}`);
    socket.send('a'.repeat(1024 * KIB + 1));
    const [code] = await once(socket, 'close');
    expect(code).toBe(1009);
    // To the gateway it is a client that broke the protocol, not one that was lost.
    expect(await admission.only.closed).toBe(1002);
  });

  it('closes on malformed framing with 1002 and goes on serving others', async () => {
    const other = await openClient();
    const socket = await rawUpgrade('/v1/realtime');
    await once(socket, 'data');
    // A client's frame must be masked; this one is not.
    socket.write(Buffer.from([0x81, 0x01, 0x61]));
    const [frame] = await once(socket, 'data');
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 1002]);
    other.send('still here');
    await admission.listeners[0]?.has('text still here');
  });

  it('closes on text that is not UTF-8 with 1007', async () => {
    const socket = await openClient();
    socket.send(Buffer.from([0xff]), { binary: false });
    const [code] = await once(socket, 'close');
    expect(code).toBe(1007);
  });

  it('counts what is buffered and says once when it may be written again', async () => {
    const socket = await openClient();
    const { connection, calls } = admission.only;
    socket.pause();
    const frame = new Uint8Array(8 * KIB);
    // More than the kernel's buffers take, so that the rest waits in this process.
    while (connection.bufferedBytes < 4096 * KIB) connection.sendBinary(frame);
    expect(calls).toEqual([]);
    socket.resume();
    await admission.only.has('writable true');
    socket.send('later');
    await admission.only.has('text later');
    expect(calls).toEqual(['writable true', 'text later']);
  });

  it('says nothing about writing to who never filled the buffer', async () => {
    const socket = await openClient();
    admission.only.connection.sendBinary(new Uint8Array(60 * KIB));
    await once(socket, 'message');
    socket.send('done');
    await admission.only.has('text done');
    expect(admission.only.calls).toEqual(['text done']);
  });

  it('neither throws nor reports anything after the close, whatever is still sent', async () => {
    await openClient();
    const { connection, closed, calls } = admission.only;
    connection.terminate();
    await closed;
    connection.sendText('x');
    connection.sendBinary(new Uint8Array(200 * KIB));
    connection.ping();
    connection.close(1000, '');
    connection.terminate();
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual(['closed 1006']);
  });

  it('cuts what is open when the application closes', async () => {
    const socket = await openClient();
    await app.close();
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
    expect(admission.only.calls).toEqual(['closed 1006']);
  });

  it.each(['/v1/realtime', '/openai/v1/realtime'])(
    'passes a request for a client secret on at %s, with its body, and answers what it is told',
    async (path) => {
      const url = `http://127.0.0.1:${port}${path}/client_secrets`;
      const response = await fetch(url, { method: 'POST', body: '{"é":1}', headers: { 'api-key': 'k' } });
      expect([response.status, response.headers.get('x-test'), await response.text()]).toEqual([200, 'yes', '{}']);
      expect(admission.bodies).toEqual(['{"é":1}']);
      expect(admission.requests).toMatchObject([{ headers: { 'api-key': 'k' }, loopback: true }]);
    },
  );

  it('reads 256 KiB of a body and no more, and none of it for who may not ask', async () => {
    const post = (bytes: number): Promise<number> =>
      fetch(`http://127.0.0.1:${port}/v1/realtime/client_secrets`, { method: 'POST', body: 'a'.repeat(bytes) }).then(
        ({ status }) => status,
      );
    expect(await post(256 * KIB)).toBe(200);
    expect(await post(256 * KIB + 1)).toBe(200);
    expect(admission.bodies.map((body) => body?.length)).toEqual([256 * KIB, undefined]);
    admission.answer = undefined;
    expect(await post(10)).toBe(401);
    expect(admission.bodies).toHaveLength(2);
  });

  it('does not compress', async () => {
    const socket = await openClient('/v1/realtime', [], { perMessageDeflate: true });
    expect(socket.extensions).toBe('');
  });
});
