import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStreamClient, type Posted } from './event-stream-client';
import type { AnswerBody } from './message-body';

let server: Server;
let url: URL;
let respond: (response: ServerResponse) => void;
let client: EventStreamClient;

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => respond(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  client = new EventStreamClient();
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const post = (signal = new AbortController().signal): Promise<Posted> =>
  client.post({ url, headers: { 'content-type': 'application/json' } }, '{}', signal);

const openConnections = (): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

const EVENTS = { 'content-type': 'text/event-stream' };

const stream = async (signal?: AbortSignal): Promise<AnswerBody> => {
  const posted = await post(signal);
  if (posted.kind !== 'stream') throw new Error('no event stream');
  return posted.body;
};
async function readAll(body: AnswerBody): Promise<string[]> {
  const pieces: string[] = [];
  for (let each = await body.next(); each; each = await body.next()) pieces.push(Buffer.from(each).toString());
  return pieces;
}

describe('a client of event streams', () => {
  it('gives status and headers of any other answer', async () => {
    respond = (response) => void response.writeHead(418, { 'x-name': 'value' }).end('short and stout');
    expect(await post()).toMatchObject({ kind: 'answered', status: 418, headers: { 'x-name': 'value' } });
  });

  it('hands on together what came in one packet', async () => {
    respond = (response) => {
      response.writeHead(200, EVENTS);
      response.cork();
      for (const piece of ['a', 'b', 'c']) response.write(piece);
      response.uncork();
      response.end();
    };
    expect((await readAll(await stream())).join('|')).toBe('abc');
  });

  it('hands on at once what comes later', async () => {
    let answer: ServerResponse | undefined;
    respond = (response) => {
      answer = response.writeHead(200, EVENTS);
      answer.write('first');
    };
    const body = await stream();
    expect(Buffer.from((await body.next()) ?? '').toString()).toBe('first');
    const next = body.next();
    answer?.end('second');
    expect(Buffer.from((await next) ?? '').toString()).toBe('second');
    expect(await body.next()).toBeUndefined();
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

  it('says aborted, before and after the request was sent', async () => {
    expect(await post(AbortSignal.abort())).toEqual({ kind: 'aborted' });
    const abort = new AbortController();
    respond = () => abort.abort();
    expect(await post(abort.signal)).toEqual({ kind: 'aborted' });
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

  it('leaves the connection to the next request when aborted after the end', async () => {
    respond = (response) => void response.writeHead(200, EVENTS).end('whole');
    const abort = new AbortController();
    expect(await readAll(await stream(abort.signal))).toEqual(['whole']);
    abort.abort();
    expect(await readAll(await stream())).toEqual(['whole']);
    expect(await openConnections()).toBe(1);
  });

  it('says why a server cannot be reached', async () => {
    respond = (response) => void response.socket?.destroy();
    expect(await post()).toEqual({ kind: 'unreachable', code: 'ECONNRESET' });
  });
});
