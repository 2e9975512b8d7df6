import { VirtualSystem } from '@parley/harness';
import type { ClientSocket } from '@parley/client';
import { PARLEY_SUBPROTOCOL, samplesOfMs } from '@parley/model';
import { EXIT } from './exit-codes';
import { jsonPrinter, readablePrinter } from './printer';
import { SpokenTurn } from './spoken-turn';
import type { TurnResult } from './spoken-turn';

type Sent = Record<string, unknown>;

/** The test is the gateway. */
class FakeSocket implements ClientSocket {
  binaryType = '';
  readonly protocol = PARLEY_SUBPROTOCOL;
  readonly sent: Sent[] = [];
  private readonly listeners = new Map<string, (event: never) => void>();

  addEventListener(type: string, listener: (event: never) => void): void {
    this.listeners.set(type, listener);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  fire(type: string, event: object = {}): void {
    this.listeners.get(type)?.(event as never);
  }
  event(type: string, fields: object): void {
    this.fire('message', { data: JSON.stringify({ type, ...fields }) });
  }
  accept(session: object = {}): void {
    this.fire('open');
    this.event('parley.session', {
      session_id: 'sess_1',
      resume_token: 'token_1',
      resumed: false,
      last_client_event_id: null,
      capabilities: [],
      ...session,
    });
  }
  last(type: string): Sent | undefined {
    return this.sent.findLast((event) => event['type'] === type);
  }
}

const R = 'resp_1';
const KEY = 'pk-very-secret';

function turn(options: { interruptAfterMs?: number } = {}, print = jsonPrinter) {
  const socket = new FakeSocket();
  const sockets: FakeSocket[] = [];
  const system = new VirtualSystem();
  const lines: string[] = [];
  /** The first is at hand before it is made. */
  class WebSocket extends FakeSocket {
    constructor() {
      super();
      const made = sockets.length === 0 ? socket : this;
      sockets.push(made);
      return made;
    }
  }
  const result = new SpokenTurn(
    { text: 'Hello', url: 'ws://gateway.test', key: KEY, timeoutMs: 20_000, interruptAfterMs: undefined, ...options },
    { WebSocket, system, printer: print((line) => lines.push(line)) },
  ).run();
  return { socket, sockets, system, lines, end: (): Promise<TurnResult> => system.runUntil(result) };
}

type Subject = ReturnType<typeof turn>;

function accepted(subject: Subject): Subject {
  const { socket } = subject;
  socket.accept();
  const turnId = socket.last('parley.transcript.final')?.['turn_id'];
  socket.event('parley.turn.accepted', { turn_id: turnId, response_id: R });
  return subject;
}

/** Samples that count up, so that a recording shows what it holds. */
function audio(socket: FakeSocket, ms: number, fromMs = 0): Buffer {
  const pcm = Buffer.alloc(samplesOfMs(ms) * 2);
  const first = samplesOfMs(fromMs);
  for (let i = 0; i < pcm.length / 2; i++) pcm.writeUInt16LE((first + i) % 65_536, i * 2);
  const delta = pcm.toString('base64');
  socket.event('response.output_audio.delta', { response_id: R, segment: 0, first_sample: first, delta });
  return pcm;
}

const audioDone = (socket: FakeSocket): void => socket.event('response.output_audio.done', { response_id: R });
const done = (socket: FakeSocket, status: string, details: unknown = null): void =>
  socket.event('response.done', { response: { id: R, status, status_details: details } });
const interrupted = (socket: FakeSocket): void =>
  socket.event('parley.response.interrupted', { response_id: R, turn_id: 't', heard_ms: 300, heard_text: 'Hi' });

describe('a spoken turn', () => {
  it('prints the latency once, however long the model is silent', async () => {
    const { socket, system, lines } = accepted(turn({}, readablePrinter));
    socket.event('response.created', { response: { id: R } });
    for (let n = 0; n < 10; n++) {
      socket.event('parley.pong', {});
      await system.advanceBy(300);
    }
    expect(socket.sent.filter(({ type }) => type === 'parley.ping').length).toBeGreaterThan(5);
    expect(lines.filter((line) => line.includes('round trip'))).toHaveLength(1);
  });

  it('ends with 0 when the answer is done and played, and holds all of it', async () => {
    const subject = accepted(turn());
    const pcm = audio(subject.socket, 1000);
    audioDone(subject.socket);
    done(subject.socket, 'completed');
    const result = await subject.end();
    expect(result.exitCode).toBe(EXIT.done);
    expect(Buffer.from(result.heard).equals(pcm)).toBe(true);
    expect(subject.system.nowMs).toBe(1000);
    expect(subject.socket.last('parley.playback')).toMatchObject({ played_ms: 1000, ended: true });
    expect(subject.system.pendingTimers).toBe(0);
  });

  it('interrupts so long after the first audio sounds and holds exactly what was heard until then', async () => {
    const subject = accepted(turn({ interruptAfterMs: 300 }));
    await subject.system.advanceBy(500);
    const pcm = audio(subject.socket, 1000);
    await subject.system.advanceBy(300);
    expect(subject.socket.sent.slice(-2)).toMatchObject([
      { type: 'parley.playback', played_ms: 300 },
      { type: 'parley.interrupt' },
    ]);
    audio(subject.socket, 1000);
    done(subject.socket, 'cancelled', { reason: 'client_cancelled' });
    interrupted(subject.socket);
    const result = await subject.end();
    expect(result.exitCode).toBe(EXIT.done);
    expect(Buffer.from(result.heard).equals(pcm.subarray(0, samplesOfMs(300) * 2))).toBe(true);
  });

  it('ends with 0 when the tail ended before the interrupt came there', async () => {
    const subject = accepted(turn({ interruptAfterMs: 300 }));
    audio(subject.socket, 310);
    done(subject.socket, 'completed');
    await subject.system.advanceBy(300);
    const error = { code: 'nothing_to_interrupt', message: 'nothing', param: null, event_id: null };
    subject.socket.event('error', { error });
    expect((await subject.end()).exitCode).toBe(EXIT.done);
  });

  it('says so when the answer was shorter than the interruption point', async () => {
    const subject = accepted(turn({ interruptAfterMs: 3000 }));
    audio(subject.socket, 100);
    audioDone(subject.socket);
    done(subject.socket, 'completed');
    const result = await subject.end();
    expect(result).toMatchObject({ exitCode: EXIT.done, message: expect.stringContaining('before') });
    expect(subject.socket.last('parley.interrupt')).toBeUndefined();
  });

  it.each<[string, (subject: Subject) => void]>([
    [
      'the response fails',
      (subject) => done(accepted(subject).socket, 'failed', { error: { code: 'llm_unavailable', message: 'down' } }),
    ],
    ['the gateway interrupts', (subject) => interrupted(accepted(subject).socket)],
    [
      'the session ends before the answer',
      (subject) => accepted(subject).socket.fire('close', { code: 1000, reason: '' }),
    ],
    [
      'the turn is refused',
      ({ socket }) => {
        socket.accept();
        const event_id = socket.last('parley.transcript.final')?.['event_id'];
        socket.event('error', { error: { code: 'capacity', message: 'full', param: null, event_id } });
      },
    ],
  ])('ends with 1 when %s', async (_, happen) => {
    const subject = turn();
    happen(subject);
    expect((await subject.end()).exitCode).toBe(EXIT.turnFailed);
    expect(subject.system.pendingTimers).toBe(0);
  });

  /** The connection breaks 400 ms into the answer, of which half a second is there. */
  async function cutOff(): Promise<{ subject: Subject; again: FakeSocket }> {
    const subject = accepted(turn());
    audio(subject.socket, 500);
    await subject.system.advanceBy(400);
    subject.socket.fire('close', { code: 1006, reason: '' });
    await subject.system.advanceBy(200);
    const again = subject.sockets[1];
    if (again === undefined) throw new Error('it did not connect again');
    return { subject, again };
  }

  it('survives a lost connection: the turn is not sent twice, and the answer is whole', async () => {
    const { subject, again } = await cutOff();
    again.accept({ resumed: true });
    audio(again, 500, 500);
    audioDone(again);
    done(again, 'completed');
    const result = await subject.end();
    expect(result.exitCode).toBe(EXIT.done);
    expect(again.last('parley.transcript.final')).toBeUndefined();
    const whole = Buffer.alloc(samplesOfMs(1000) * 2);
    for (let i = 0; i < whole.length / 2; i++) whole.writeUInt16LE(i, i * 2);
    expect(Buffer.from(result.heard).equals(whole)).toBe(true);
    expect(subject.lines.join('')).toContain('"type":"cli.reconnecting","attempt":1,');
  });

  it('ends with 1 when the session is gone, and holds what was heard', async () => {
    const { subject, again } = await cutOff();
    again.accept({ resumed: false });
    const result = await subject.end();
    expect(result).toMatchObject({
      exitCode: EXIT.turnFailed,
      message: expect.stringContaining('could not be resumed'),
    });
    expect(result.heard.length).toBe(samplesOfMs(500) * 2);
    expect(subject.system.pendingTimers).toBe(0);
  });

  it('ends with 1 when the connection does not come back', async () => {
    const { subject, again } = await cutOff();
    again.fire('error', { message: 'Unexpected server response: 401' });
    again.fire('close', { code: 1006, reason: '' });
    const result = await subject.end();
    expect(result).toMatchObject({ exitCode: EXIT.turnFailed, message: expect.stringContaining('HTTP 401') });
    expect(subject.system.pendingTimers).toBe(0);
  });

  it('ends with 1 when the session ends in the tail, and holds what was heard', async () => {
    const subject = accepted(turn());
    audio(subject.socket, 1000);
    audioDone(subject.socket);
    done(subject.socket, 'completed');
    await subject.system.advanceBy(400);
    subject.socket.fire('close', { code: 1000, reason: '' });
    const result = await subject.end();
    expect(result.exitCode).toBe(EXIT.turnFailed);
    expect(result.heard.length).toBe(samplesOfMs(400) * 2);
  });

  it.each([
    ['Unexpected server response: 401', EXIT.refused],
    ['Unexpected server response: 403', EXIT.refused],
    ['Unexpected server response: 503', EXIT.cannotConnect],
    ['connect ECONNREFUSED 127.0.0.1:8080', EXIT.cannotConnect],
  ])('%s ends with its own code', async (message, exitCode) => {
    const subject = turn();
    subject.socket.fire('error', { message });
    subject.socket.fire('close', { code: 1006, reason: '' });
    expect((await subject.end()).exitCode).toBe(exitCode);
  });

  it('ends with 5 when nothing ends it in time', async () => {
    const subject = accepted(turn());
    subject.socket.event('parley.pong', {});
    expect((await subject.end()).exitCode).toBe(EXIT.timeout);
    expect(subject.system.nowMs).toBe(20_000);
    expect(subject.system.pendingTimers).toBe(0);
  });

  it('prints one JSON object per line with the time since sending, and never the key', async () => {
    const subject = accepted(turn());
    await subject.system.advanceBy(250);
    audio(subject.socket, 100);
    audioDone(subject.socket);
    done(subject.socket, 'completed');
    const result = await subject.end();
    const events = subject.lines.map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual([
      'parley.session',
      'cli.sent',
      'parley.turn.accepted',
      'response.output_audio.delta',
      'cli.audio',
      'response.output_audio.done',
      'response.done',
      'cli.played',
    ]);
    expect(events[4]).toEqual({ at_ms: 250, type: 'cli.audio', response_id: R, samples: 2400 });
    expect(subject.lines.join('') + result.message).not.toContain(KEY);
  });
});
