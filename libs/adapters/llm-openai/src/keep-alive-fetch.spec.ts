import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKeepAliveFetch, type KeepAliveFetch } from './keep-alive-fetch';
import type { AnswerBody } from './message-body';

let server: Server;
let url: string;
let respond: (response: ServerResponse) => void;
let connections: KeepAliveFetch;

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => respond(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  connections = createKeepAliveFetch();
});
afterEach(async () => {
  connections.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const post = (signal: AbortSignal | null = null): Promise<Response> =>
  connections.fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' }, signal });

const openConnections = (): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

const EVENTS = { 'content-type': 'text/event-stream' };

const stream = async (signal: AbortSignal | null = null): Promise<AnswerBody> => {
  const body = connections.streamOf(await post(signal));
  if (!body) throw new Error('no event stream');
  return body;
};

describe('keep-alive fetch', () => {
  it('gives status, headers and body', async () => {
    respond = (response) => void response.writeHead(418, { 'x-name': 'value' }).end('short and stout');
    const response = await post();
    expect([response.status, response.ok, response.headers.get('x-name')]).toEqual([418, false, 'value']);
    expect(await response.text()).toBe('short and stout');
  });

  it('gives answers that have no body', async () => {
    respond = (response) => void response.writeHead(204).end();
    const response = await post();
    expect([response.status, response.body]).toEqual([204, null]);
  });

  it('holds the sender back while nobody reads, and loses nothing', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const total = 400;
    let written = 0;
    respond = (response) => {
      response.writeHead(200, EVENTS);
      const write = (): void => {
        while (written < total) {
          written++;
          if (!response.write(piece)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    };
    const body = await stream();
    let before = -1;
    // Until the sender stands still: the buffers of both ends are full.
    while (written !== before) {
      before = written;
      for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    }
    expect(written).toBeLessThan(total / 2);
    let bytes = 0;
    for (let each = await body.next(); each; each = await body.next()) bytes += each.length;
    expect(bytes).toBe(total * piece.length);
  });

  it('rejects when aborted before there is an answer, before and after it was sent', async () => {
    await expect(post(AbortSignal.abort())).rejects.toThrow('aborted');
    const abort = new AbortController();
    respond = () => abort.abort();
    await expect(post(abort.signal)).rejects.toThrow();
    while ((await openConnections()) > 0) await new Promise(setImmediate);
  });

  it('breaks the body off and closes the connection when aborted in the middle', async () => {
    respond = (response) => void response.writeHead(200, EVENTS).write('beginning');
    const abort = new AbortController();
    const body = await stream(abort.signal);
    await body.next();
    const next = body.next();
    abort.abort();
    expect(await next).toBeUndefined();
    while ((await openConnections()) > 0) await new Promise(setImmediate);
  });

  it('closes the connection of a body that is cancelled', async () => {
    respond = (response) => void response.writeHead(200, EVENTS).write('beginning');
    (await stream()).cancel();
    while ((await openConnections()) > 0) await new Promise(setImmediate);
  });

  it('leaves the connection alone when aborted after the end', async () => {
    respond = (response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end('whole');
    const abort = new AbortController();
    await (await post(abort.signal)).text();
    abort.abort();
    const again = await post();
    expect(await again.text()).toBe('whole');
    expect(await openConnections()).toBe(1);
  });

  it('rejects when the server hangs up', async () => {
    respond = (response) => void response.socket?.destroy();
    await expect(post()).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNRESET' } });
  });

  it('sends nothing but strings', async () => {
    await expect(connections.fetch(url, { method: 'POST', body: new Uint8Array(1) })).rejects.toThrow('string');
  });
});
