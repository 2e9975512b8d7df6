import { VirtualSystem } from '@parley/harness';
import { describeClosedReason } from './connection-status';
import { FakeSocket, fakeSockets } from './fake-socket.fixture';
import { ParleyClient } from './parley-client';
import type { ParleyClientEvents, ParleyClientOptions } from './parley-client';

const KEY = 'pk-very-secret';

interface Subject {
  client: ParleyClient;
  socket: FakeSocket;
  system: VirtualSystem;
  heard: string[];
}

const NAMES = [
  'text',
  'audio',
  'visemes',
  'audio-ended',
  'fenced',
  'interrupted',
  'done',
  'accepted',
] as const satisfies (keyof ParleyClientEvents)[];

function connect(options: Partial<ParleyClientOptions> = {}): Subject {
  const { WebSocket, made } = fakeSockets();
  const system = new VirtualSystem();
  const client = new ParleyClient({ url: 'ws://gateway.test:8080', key: KEY, WebSocket, system, ...options });
  const heard: string[] = [];
  for (const name of NAMES) {
    client.on(name, (event) => {
      const ids = 'responseIds' in event ? event.responseIds : 'responseId' in event ? [event.responseId] : [];
      heard.push(`${name} ${ids.join(' ')}`);
    });
  }
  client.connect();
  const [socket] = made;
  if (socket === undefined) throw new Error('no socket was made');
  return { client, socket, system, heard };
}

function open(): Subject {
  const subject = connect();
  subject.socket.accept();
  return subject;
}

const everythingOf = (socket: FakeSocket, responseId: `resp_${string}`): void => {
  socket.event({ type: 'response.output_audio_transcript.delta', response_id: responseId, delta: 'Hi.' });
  socket.audio(responseId, 480);
  socket.event({
    type: 'response.output_audio.delta',
    response_id: responseId,
    segment: 0,
    first_sample: 480,
    delta: 'AAAAAA==',
  });
  socket.event({
    type: 'parley.visemes',
    response_id: responseId,
    item_id: 'item_1',
    visemes: [{ viseme: 'aa', start_ms: 0, duration_ms: 80 }],
  });
};

const audioDelta = (delta: string): string =>
  JSON.stringify({
    type: 'response.output_audio.delta',
    response_id: 'resp_1',
    segment: 0,
    first_sample: 0,
    delta,
  });

const accepted = (socket: FakeSocket, turnId: string, responseId: string): void =>
  socket.event({ type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId });

describe('connecting', () => {
  it('asks for binary audio on the Realtime path and offers the key as a subprotocol', () => {
    const { socket } = connect();
    expect(socket.url).toBe('ws://gateway.test:8080/v1/realtime?audio=binary');
    expect(socket.protocols).toEqual(['parley.v1', `openai-insecure-api-key.${KEY}`]);
    expect(socket.options).toBeUndefined();
    expect(socket.binaryType).toBe('arraybuffer');
  });

  it('sends the key as a header when told to, and then not as a subprotocol', () => {
    const { socket } = connect({ keyIn: 'header' });
    expect(socket.protocols).toEqual(['parley.v1']);
    expect(socket.options).toEqual({ headers: { Authorization: `Bearer ${KEY}` } });
  });

  it('keeps a path and query of the address', () => {
    const { socket } = connect({ url: 'wss://host.test/talk?model=x' });
    expect(socket.url).toBe('wss://host.test/talk?model=x&audio=binary');
  });

  it('goes from connecting to open when the session is told', () => {
    const { client, socket } = connect();
    expect(client.status).toEqual({ phase: 'connecting' });
    socket.upgrade();
    expect(client.status).toEqual({ phase: 'connecting' });
    expect(client.say('too early')).toBeUndefined();
    socket.accept();
    expect(client.status).toEqual({ phase: 'open' });
  });

  it('tells the HTTP status of a refused upgrade where the platform gives it', () => {
    const { client, socket } = connect();
    socket.refuse('Unexpected server response: 401');
    expect(client.status).toMatchObject({ phase: 'closed', reason: { kind: 'not_opened', httpStatus: 401 } });
  });

  it('tells a browser, which gets no status, that the connection was not opened', () => {
    const { client, socket } = connect();
    socket.refuse();
    expect(client.status).toEqual({ phase: 'closed', reason: { kind: 'not_opened' } });
  });

  it('gives up after 10 s without an answer and closes the socket', async () => {
    const { client, socket, system } = connect();
    await system.advanceBy(10_000);
    expect(client.status).toMatchObject({ phase: 'closed', reason: { kind: 'connect_timeout' } });
    expect(socket.closedWith).toBe(1000);
    socket.accept();
    expect(client.status.phase).toBe('closed');
    expect(system.pendingTimers).toBe(0);
  });

  it('refuses a server that did not select parley.v1', () => {
    const { client, socket } = connect();
    socket.upgrade('realtime');
    expect(client.status).toEqual({ phase: 'closed', reason: { kind: 'wrong_protocol', selected: 'realtime' } });
    expect(socket.closedWith).toBe(1000);
  });

  it('never quotes the key when the platform refuses to send it', () => {
    class Picky extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        throw new SyntaxError(`The subprotocol '${protocols[1] ?? ''}' is invalid.`);
      }
    }
    const client = new ParleyClient({
      url: 'ws://gateway.test',
      key: KEY,
      WebSocket: Picky,
      system: new VirtualSystem(),
    });
    client.connect();
    expect(client.status).toMatchObject({ phase: 'closed', reason: { kind: 'not_opened' } });
    expect(JSON.stringify(client.status)).not.toContain(KEY);
  });
});

describe('the end', () => {
  it.each([
    ['is closed before the session is told', 1011, 'no room', 'the gateway closed the connection (1011: no room)'],
    ['breaks before the session is told', 1006, '', 'the connection broke'],
  ])('is final when the first connection %s', (_, code, reason, sentence) => {
    const { client, socket, system } = connect();
    socket.upgrade();
    socket.drop(code, reason);
    const { status } = client;
    expect(status.phase === 'closed' && describeClosedReason(status.reason)).toBe(sentence);
    expect(client.say('anyone there?')).toBeUndefined();
    expect(system.pendingTimers).toBe(0);
  });

  it('hands out nothing after it was closed here', () => {
    const { client, socket, heard, system } = open();
    client.close();
    client.close();
    accepted(socket, 'turn_1', 'resp_1');
    everythingOf(socket, 'resp_1');
    expect(heard).toEqual([]);
    expect(client.status).toEqual({ phase: 'closed', reason: { kind: 'closed_by_client' } });
    expect(system.pendingTimers).toBe(0);
  });
});

describe('a turn', () => {
  it('is sent as a final transcript with a turn id of its own', () => {
    const { client, socket } = open();
    const first = client.say('one');
    const second = client.say('two');
    expect(first).not.toBe(second);
    expect(socket.sentOf('parley.transcript.final')).toMatchObject([
      { text: 'one', turn_id: first },
      { text: 'two', turn_id: second },
    ]);
  });

  it('is named by the error that refuses it', () => {
    const { client, socket } = open();
    const refused: unknown[] = [];
    client.on('error', ({ turnId, error }) => refused.push([turnId, error.code]));
    const turnId = client.say('one');
    const eventId = socket.sentOf('parley.transcript.final')[0]?.['event_id'];
    socket.event({
      type: 'error',
      error: { code: 'turn_in_progress', message: 'busy', param: null, event_id: eventId },
    });
    socket.event({ type: 'error', error: { code: 'internal_error', message: 'x', param: null, event_id: null } });
    expect(refused).toEqual([
      [turnId, 'turn_in_progress'],
      [undefined, 'internal_error'],
    ]);
  });

  it('hands out text, audio of both forms and visemes', () => {
    const { socket, heard } = open();
    accepted(socket, 'turn_1', 'resp_1');
    everythingOf(socket, 'resp_1');
    expect(heard).toEqual(['accepted resp_1', 'text resp_1', 'audio resp_1', 'audio resp_1', 'visemes resp_1']);
  });

  it('decodes audio in both forms to PCM', () => {
    const { client, socket } = open();
    const bytes: number[][] = [];
    client.on('audio', ({ pcm }) => bytes.push([...pcm]));
    const base64 = { type: 'response.output_audio.delta', response_id: 'resp_1', delta: 'AQIDBA==' };
    socket.event({ ...base64, segment: 0, first_sample: 0 });
    socket.audio('resp_1', 1, { firstSample: 2 });
    expect(bytes).toEqual([
      [1, 2, 3, 4],
      [2, 0],
    ]);
  });

  it('says why a response failed', () => {
    const { client, socket } = open();
    const details: unknown[] = [];
    client.on('done', ({ status, detail }) => details.push([status, detail]));
    const done = (status: string, status_details: unknown): void =>
      socket.event({ type: 'response.done', response: { id: 'resp_1', status, status_details } });
    done('failed', { type: 'failed', error: { code: 'llm_unavailable', message: 'no model' } });
    done('cancelled', { type: 'cancelled', reason: 'client_cancelled' });
    done('completed', null);
    expect(details).toEqual([
      ['failed', 'no model'],
      ['cancelled', 'client_cancelled'],
      ['completed', null],
    ]);
  });
});

describe('the fence', () => {
  it('[G1] drops text, audio and visemes of a response from the tick of a local interrupt on, never its end', () => {
    const { client, socket, heard } = open();
    accepted(socket, 'turn_1', 'resp_1');
    client.interrupt();
    everythingOf(socket, 'resp_1');
    socket.event({ type: 'response.output_audio.done', response_id: 'resp_1' });
    socket.event({ type: 'response.done', response: { id: 'resp_1', status: 'cancelled', status_details: null } });
    socket.event({
      type: 'parley.response.interrupted',
      response_id: 'resp_1',
      turn_id: 'turn_1',
      heard_ms: 40,
      heard_text: '',
    });
    expect(heard).toEqual([
      'accepted resp_1',
      'fenced resp_1',
      'audio-ended resp_1',
      'done resp_1',
      'interrupted resp_1',
    ]);
    expect(socket.sentOf('parley.interrupt')).toHaveLength(1);
  });

  it('[G1] drops everything that arrives after the server said interrupted, and silences before it tells', () => {
    const { socket, heard } = open();
    accepted(socket, 'turn_1', 'resp_1');
    socket.event({
      type: 'parley.response.interrupted',
      response_id: 'resp_1',
      turn_id: 'turn_1',
      heard_ms: 40,
      heard_text: 'Hi',
    });
    everythingOf(socket, 'resp_1');
    expect(heard).toEqual(['accepted resp_1', 'fenced resp_1', 'interrupted resp_1']);
  });

  it('covers a turn that was sent but not yet accepted, and no later one', () => {
    const { client, socket, heard } = open();
    const early = client.say('one') ?? '';
    client.interrupt();
    const late = client.say('two') ?? '';
    accepted(socket, early, 'resp_1');
    everythingOf(socket, 'resp_1');
    accepted(socket, late, 'resp_2');
    everythingOf(socket, 'resp_2');
    expect(heard).toEqual([
      'accepted resp_1',
      'fenced resp_1',
      'accepted resp_2',
      'text resp_2',
      'audio resp_2',
      'audio resp_2',
      'visemes resp_2',
    ]);
  });

  it('with a response id covers that response only', () => {
    const { client, socket, heard } = open();
    accepted(socket, 'turn_1', 'resp_1');
    accepted(socket, 'turn_2', 'resp_2');
    client.interrupt('resp_1');
    socket.audio('resp_1', 480);
    socket.audio('resp_2', 480);
    expect(heard.slice(2)).toEqual(['fenced resp_1', 'audio resp_2']);
    expect(socket.sentOf('parley.interrupt')).toMatchObject([{ response_id: 'resp_1' }]);
  });

  it('fences once: a second interrupt is sent and changes nothing', () => {
    const { client, socket, heard } = open();
    accepted(socket, 'turn_1', 'resp_1');
    client.interrupt();
    client.interrupt();
    expect(heard.filter((line) => line.startsWith('fenced'))).toHaveLength(1);
    expect(socket.sentOf('parley.interrupt')).toHaveLength(2);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['no JSON', 'nonsense'],
    ['no type', '{"a":1}'],
    ['a bad field', '{"type":"parley.state","state":"dancing"}'],
    ['bad base64', audioDelta('*')],
    ['half a sample', audioDelta('AAAA')],
    ['audio without a place', '{"type":"response.output_audio.delta","response_id":"resp_1","delta":"AAAAAA=="}'],
    ['a broken frame', new ArrayBuffer(3)],
  ])('%s is reported and left out, and the next event still works', (_, data) => {
    const { client, socket, heard } = open();
    const messages: string[] = [];
    client.on('unreadable', ({ message }) => messages.push(message));
    socket.raw(data);
    expect(messages).toHaveLength(1);
    accepted(socket, 'turn_1', 'resp_1');
    expect(heard).toEqual(['accepted resp_1']);
  });

  it('an event of a newer server is passed on as it came and otherwise ignored', () => {
    const { client, socket } = open();
    const seen: string[] = [];
    client.on('unreadable', ({ message }) => seen.push(message));
    client.on('wire', ({ type }) => seen.push(type));
    socket.event({ type: 'parley.novelty' });
    expect(seen).toEqual(['parley.novelty']);
  });
});
