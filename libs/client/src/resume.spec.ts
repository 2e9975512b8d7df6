import { VirtualSystem } from '@parley/harness';
import { fakeSockets } from './fake-socket.fixture';
import type { FakeSocket } from './fake-socket.fixture';
import { ParleyClient } from './parley-client';
import type { ParleyClientOptions } from './parley-client';
import { RETRY_DELAYS_MS } from './reconnection';
import { MAX_KEPT_EVENTS } from './sent-events';

const A = 'resp_a';
const JITTER_MS = 200;

interface Subject {
  client: ParleyClient;
  system: VirtualSystem;
  made: FakeSocket[];
  newest(): FakeSocket;
  /** Phases in their order. */
  phases: string[];
  /** Everything else that was emitted, shortened. */
  log: string[];
}

function connect(options: Partial<ParleyClientOptions> = {}): Subject {
  const { WebSocket, made } = fakeSockets();
  const system = new VirtualSystem();
  const client = new ParleyClient({ url: 'ws://gateway.test', WebSocket, system, ...options });
  const phases: string[] = [];
  const log: string[] = [];
  client.on('status', (status) => phases.push(status.phase));
  client.on('session', ({ resumed }) => log.push(resumed ? 'resumed' : 'new session'));
  client.on('accepted', ({ turnId }) => log.push(`accepted ${turnId}`));
  client.on('audio', ({ responseId, pcm }) => log.push(`audio ${responseId} ${pcm.length / 2}`));
  client.on('fenced', ({ responseIds }) => log.push(`fenced ${responseIds.join(' ')}`));
  client.on('turns-lost', ({ turnIds }) => log.push(`lost ${turnIds.join(' ')}`));
  client.on('done', ({ responseId }) => log.push(`done ${responseId}`));
  client.on('error', ({ turnId, error }) => log.push(`error ${error.code} ${turnId}`));
  client.connect();
  const newest = (): FakeSocket => {
    const socket = made.at(-1);
    if (socket === undefined) throw new Error('no socket was made');
    return socket;
  };
  return { client, system, made, newest, phases, log };
}

/** An open connection; what happened until then is forgotten. */
function open(options: Partial<ParleyClientOptions> = {}): Subject {
  const subject = connect(options);
  subject.newest().accept();
  subject.newest().event({ type: 'parley.pong' });
  subject.phases.splice(0);
  subject.log.splice(0);
  return subject;
}

/** The connection breaks, and the next one is being made. */
async function lose({ newest, made, system }: Subject, code = 1006): Promise<FakeSocket> {
  const before = made.length;
  newest().drop(code);
  await system.advanceBy(JITTER_MS);
  expect(made).toHaveLength(before + 1);
  return newest();
}

const accept = (socket: FakeSocket, turnId: string | undefined, responseId: string): void => {
  socket.event({ type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId });
  socket.event({ type: 'response.created', response: { id: responseId } });
};
const done = (socket: FakeSocket, responseId: string): void =>
  socket.event({ type: 'response.done', response: { id: responseId, status: 'completed', status_details: null } });
const sentTo = (socket: FakeSocket): unknown[] =>
  socket.sent.filter(({ type }) => type !== 'parley.ping' && type !== 'parley.playback');
const received = (socket: FakeSocket): unknown => JSON.parse(socket.query.get('received') ?? 'null');

describe('a server that stops', () => {
  const WITHIN_MS = 2_000;
  const goAway = (socket: FakeSocket): void =>
    socket.event({ type: 'parley.going_away', reconnect_within_ms: WITHIN_MS });

  it('is left for a new connection within half of the time it gives, and nothing is lost', async () => {
    const subject = open();
    const [old] = subject.made;
    const said: unknown[] = [];
    subject.client.on('status', (status) => said.push(status));
    if (!old) throw new Error('no socket was made');
    accept(old, subject.client.say('hello'), A);
    goAway(old);
    // Until its moment has come it stays, and hears.
    old.audio(A, 480);
    expect(subject.made).toHaveLength(1);
    await subject.system.advanceBy(WITHIN_MS / 2);
    expect(subject.made).toHaveLength(2);
    const socket = subject.newest();
    expect(received(socket)).toEqual([{ response_id: A, samples: [480], played_ms: 20, done: false }]);
    // Its end is the resumption's own doing.
    old.drop(4001, 'the session goes on with another connection');
    socket.accept({ resumed: true, resume_token: 'token_2' });
    socket.audio(A, 240, { firstSample: 480 });
    expect(said).toEqual([
      { phase: 'reconnecting', attempt: 1, delayMs: 0, reason: { kind: 'server_restarting' } },
      { phase: 'open' },
    ]);
    expect(subject.log.filter((line) => line.startsWith('audio') || line === 'resumed')).toEqual([
      `audio ${A} 480`,
      'resumed',
      `audio ${A} 240`,
    ]);
  });

  it('is left by many clients at different moments', async () => {
    const movedAtMs = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      const system = new VirtualSystem(seed);
      const { made, newest } = open({ system });
      goAway(newest());
      while (made.length === 1) await system.advanceBy(50);
      expect(system.nowMs).toBeLessThanOrEqual(WITHIN_MS / 2 + 50);
      movedAtMs.add(system.nowMs);
    }
    expect(movedAtMs.size).toBeGreaterThan(10);
  });

  it('that closes the connection before: it is resumed as a lost one, once', async () => {
    const subject = open();
    goAway(subject.newest());
    await lose(subject, 1012);
    subject.newest().accept({ resumed: true });
    await subject.system.advanceBy(WITHIN_MS);
    expect(subject.made).toHaveLength(2);
    expect(subject.phases).toEqual(['reconnecting', 'open']);
  });

  it.each(['connect ECONNREFUSED', 'Unexpected server response: 503', undefined])(
    'and is met again, or one that does not run (%s): two more tries come in the time it gives',
    async (message) => {
      for (let seed = 0; seed < 20; seed++) {
        const system = new VirtualSystem(seed);
        const { made, newest, phases } = open({ system });
        goAway(newest());
        while (made.length === 1) await system.advanceBy(1);
        const leftAtMs = system.nowMs;
        newest().refuse(message);
        while (made.length === 2) await system.advanceBy(1);
        expect(system.nowMs - leftAtMs).toBeGreaterThanOrEqual(100);
        expect(system.nowMs - leftAtMs).toBeLessThanOrEqual(300);
        newest().refuse(message);
        while (made.length === 3) await system.advanceBy(1);
        expect(system.nowMs - leftAtMs).toBeLessThanOrEqual(1_200);
        newest().accept({ resumed: true });
        expect(phases.at(-1)).toBe('open');
      }
    },
  );

  it('is left by nobody who has closed meanwhile', async () => {
    const subject = open();
    goAway(subject.newest());
    subject.client.close();
    await subject.system.advanceBy(WITHIN_MS);
    expect(subject.made).toHaveLength(1);
    expect(subject.system.pendingTimers).toBe(0);
  });
});

describe('a lost connection', () => {
  it('[RT9] is resumed at once, with the newest token and the last event received', async () => {
    const subject = open();
    subject.newest().event({ type: 'parley.state', state: 'listening', event_id: 'event_77' });
    const socket = await lose(subject);
    expect(socket.url).toMatch(
      /^ws:\/\/gateway\.test\/v1\/realtime\?audio=binary&resume=token_1&last_event_id=event_77&/,
    );
    expect(received(socket)).toEqual([]);
    socket.accept({ resumed: true, resume_token: 'token_2' });
    expect(subject.phases).toEqual(['reconnecting', 'open']);
    expect(subject.log).toEqual(['resumed']);

    await subject.system.advanceBy(5_000);
    expect((await lose(subject)).query.get('resume')).toBe('token_2');
  });

  it('[RT9] says when each of the tries comes, makes it then, and is closed with the last reason', async () => {
    const subject = open();
    const { client, system, made } = subject;
    const pausesMs: number[] = [];
    const said: unknown[] = [];
    client.on('status', (status) => {
      said.push(status);
      if (status.phase === 'reconnecting') pausesMs.push(status.delayMs);
    });
    await lose(subject);
    for (let tried = 1; client.status.phase === 'reconnecting'; tried++) {
      subject.newest().refuse('connect ECONNREFUSED');
      const pauseMs = pausesMs[tried];
      if (pauseMs === undefined) break;
      const before = made.length;
      await system.advanceBy(pauseMs - 0.5);
      expect(made).toHaveLength(before);
      await system.advanceBy(0.5);
      expect(made).toHaveLength(before + 1);
    }
    expect(pausesMs.slice(3)).toEqual(RETRY_DELAYS_MS);
    const reason = { kind: 'not_opened', message: 'connect ECONNREFUSED' };
    expect(said).toMatchObject([
      { phase: 'reconnecting', attempt: 1, reason: { kind: 'lost' } },
      ...[2, 3, 4, 5, 6, 7, 8].map((attempt) => ({ phase: 'reconnecting', attempt, reason })),
      { phase: 'closed', reason },
    ]);
    expect(client.say('anyone there?')).toBeUndefined();
    expect(system.pendingTimers).toBe(0);
  });

  it('[RT9] begins to count anew after a success', async () => {
    const subject = open();
    await lose(subject);
    subject.newest().refuse();
    await subject.system.advanceBy(2_000);
    subject.newest().accept({ resumed: true });
    await subject.system.advanceBy(3_000);
    await lose(subject);
    expect(subject.client.status).toMatchObject({ phase: 'reconnecting', attempt: 1 });
  });

  it.each([1000, 1002, 1003, 1007, 1008, 1009, 4001])('is not resumed after close code %d', async (code) => {
    const { client, newest, system, made } = open();
    newest().drop(code);
    expect(client.status).toMatchObject({ phase: 'closed', reason: { kind: 'closed_by_server', code } });
    await system.advanceBy(120_000);
    expect(made).toHaveLength(1);
    expect(system.pendingTimers).toBe(0);
  });

  it.each([1001, 1011, 1012])('is resumed after close code %d', async (code) => {
    const subject = open();
    await lose(subject, code);
    expect(subject.phases).toEqual(['reconnecting']);
  });

  it('is given up when the upgrade is refused by a status that says that the client is wrong, not with 503', async () => {
    const subject = open();
    await lose(subject);
    subject.newest().refuse('Unexpected server response: 503');
    await subject.system.advanceBy(2_000);
    subject.newest().refuse('Unexpected server response: 401');
    expect(subject.client.status).toMatchObject({ phase: 'closed', reason: { httpStatus: 401 } });
  });

  it('counts as lost again when the server accepts the connection and tells no session within 10 s', async () => {
    const subject = open();
    const socket = await lose(subject);
    socket.upgrade();
    await subject.system.advanceBy(10_000);
    expect(subject.client.status).toMatchObject({ phase: 'reconnecting', attempt: 2 });
    socket.accept({ resumed: true });
    expect(subject.client.status.phase).toBe('reconnecting');
  });

  it('is resumed by nobody after close()', async () => {
    const { client, newest, system, made, log } = open();
    newest().drop();
    client.close();
    await system.advanceBy(120_000);
    expect(made).toHaveLength(1);
    expect(client.status).toEqual({ phase: 'closed', reason: { kind: 'closed_by_client' } });
    expect(log).toEqual([]);
    expect(system.pendingTimers).toBe(0);
  });

  it('in a turn is noticed within 10 s of silence, and its socket is not closed as if the session were over', async () => {
    const { client, newest, system, made, phases } = open();
    client.say('Hello');
    const [dead] = made;
    await system.advanceBy(10_000 + JITTER_MS);
    expect(phases).toEqual(['reconnecting']);
    expect(made).toHaveLength(2);
    expect(dead?.closedWith).toBe(4000);
    newest().accept({ resumed: true });
    dead?.drop();
    dead?.audio(A, 480);
    expect(phases).toEqual(['reconnecting', 'open']);
  });

  it.each([
    ['before its first word', []],
    ['in mid-sentence', [480, 4_800]],
  ])('in an answer, %s, is noticed within 1 s of the last that came', async (_, pieces) => {
    const { client, newest, system, phases } = open();
    accept(newest(), client.say('Hello'), A);
    newest().event({ type: 'parley.state', state: 'speaking', response_id: A });
    for (const samples of pieces) {
      await system.advanceBy(200);
      newest().audio(A, samples);
    }
    await system.advanceBy(999);
    expect(phases).toEqual([]);
    await system.advanceBy(1);
    expect(phases).toEqual(['reconnecting']);
  });

  it('in an answer that is there as a whole and still heard is noticed within 10 s', async () => {
    const { client, newest, system, phases } = open();
    accept(newest(), client.say('Hello'), A);
    newest().event({ type: 'parley.state', state: 'speaking', response_id: A });
    newest().audio(A, 480);
    done(newest(), A);
    await system.advanceBy(9_999);
    expect(phases).toEqual([]);
    await system.advanceBy(1);
    expect(phases).toEqual(['reconnecting']);
  });

  it.each([
    ['was done', ({ newest }: Subject) => done(newest(), A)],
    ['was interrupted here', ({ client }: Subject) => client.interrupt()],
    ['was heard to its end', ({ client }: Subject) => client.reportPlayback(A, 20, true)],
    [
      'was interrupted by the server',
      ({ newest }: Subject) =>
        newest().event({
          type: 'parley.response.interrupted',
          response_id: A,
          turn_id: 'turn_1',
          heard_ms: 0,
          heard_text: '',
        }),
    ],
  ])('is not asked about every 300 ms any more when the answer %s', async (_, ends) => {
    const subject = open();
    const { newest, system } = subject;
    accept(newest(), 'turn_1', A);
    newest().audio(A, 480);
    newest().event({ type: 'parley.state', state: 'idle' });
    ends(subject);
    const pings = newest().sentOf('parley.ping').length;
    await system.advanceBy(20_000);
    expect(newest().sentOf('parley.ping')).toHaveLength(pings);
  });

  it('is not suspected while a slow model or tool says nothing and the gateway answers', async () => {
    const { client, newest, system, phases } = open();
    accept(newest(), client.say('Hello'), A);
    for (let answered = 1; system.nowMs < 60_000; await system.advanceBy(50)) {
      for (; answered < newest().sentOf('parley.ping').length; answered++) newest().event({ type: 'parley.pong' });
    }
    expect(phases).toEqual([]);
  });

  it('is not suspected while anything comes', async () => {
    const { client, newest, system, phases } = open();
    client.say('Hello');
    for (let n = 0; n < 20; n++) {
      await system.advanceBy(1_000);
      newest().event({ type: 'parley.novelty' });
    }
    expect(phases).toEqual([]);
  });

  it('is resumed by nobody when the client is closed in the last moment before it', async () => {
    const { client, newest, system, made } = open();
    client.on('resuming', () => client.close());
    newest().drop();
    await system.advanceBy(JITTER_MS);
    expect(made).toHaveLength(1);
  });

  it('ends the session with 1000 when the client is closed', () => {
    const { client, newest } = open();
    client.close();
    expect(newest().closedWith).toBe(1000);
  });
});

describe('what a client says that it has', () => {
  it('is samples by segment, the position reported, and whether the answer was done', async () => {
    const subject = open();
    const { client, newest } = subject;
    accept(newest(), client.say('Hello'), A);
    newest().audio(A, 4_800);
    newest().audio(A, 2_400, { segment: 1, firstSample: 0 });
    client.reportPlayback(A, 150, false);
    expect(received(await lose(subject))).toEqual([
      { response_id: A, samples: [4_800, 2_400], played_ms: 150, done: false },
    ]);
    newest().accept({ resumed: true });
    newest().audio(A, 2_400, { segment: 1, firstSample: 2_400 });
    done(newest(), A);
    await subject.system.advanceBy(3_000);
    expect(received(await lose(subject))).toEqual([
      { response_id: A, samples: [4_800, 4_800], played_ms: 150, done: true },
    ]);
  });

  it('is nothing of an answer that was done and then cut, when there is a newer one', async () => {
    const subject = open();
    const { client, newest } = subject;
    accept(newest(), client.say('Hello'), A);
    newest().audio(A, 4_800);
    done(newest(), A);
    client.reportPlayback(A, 150, false);
    client.interrupt();
    accept(newest(), client.say('And now?'), 'resp_b');
    expect(received(await lose(subject))).toEqual([{ response_id: 'resp_b', samples: [], played_ms: 0, done: false }]);
  });

  it('includes the position reported while the connection is away, which is not sent to the next one', async () => {
    const subject = open();
    const { client, newest } = subject;
    newest().audio(A, 4_800);
    client.on('resuming', () => client.reportPlayback(A, 120, false));
    const socket = await lose(subject);
    expect(received(socket)).toMatchObject([{ response_id: A, played_ms: 120 }]);
    socket.accept({ resumed: true });
    expect(socket.sentOf('parley.playback')).toEqual([]);
  });

  it('keeps audio that comes again from being handed out twice', async () => {
    const subject = open();
    subject.newest().audio(A, 480);
    const socket = await lose(subject);
    socket.accept({ resumed: true });
    socket.audio(A, 480, { firstSample: 0 });
    socket.audio(A, 480, { firstSample: 240 });
    expect(subject.log).toEqual([`audio ${A} 480`, 'resumed', `audio ${A} 240`]);
  });

  it('[G1] lets nothing of an answer through that was interrupted before', async () => {
    const subject = open();
    accept(subject.newest(), subject.client.say('Hello'), A);
    subject.client.interrupt();
    subject.log.splice(0);
    const socket = await lose(subject);
    socket.accept({ resumed: true });
    socket.audio(A, 480);
    done(socket, A);
    expect(subject.log).toEqual(['resumed', `done ${A}`]);
  });

  it('is nothing for a page that was loaded anew: it has the token alone', async () => {
    const subject = connect({ resumeToken: 'token_of_before' });
    expect([...subject.newest().query]).toEqual([
      ['audio', 'binary'],
      ['resume', 'token_of_before'],
    ]);
    subject.newest().accept({ resumed: true, last_client_event_id: 'event_of_before' });
    expect(subject.log).toEqual(['resumed']);
    expect(sentTo(subject.newest())).toEqual([]);
    expect([...(await lose(subject)).query.keys()]).toEqual(['audio', 'resume', 'last_event_id', 'received']);
  });
});

describe('what was said', () => {
  it('before the loss is sent again when it was not applied, with the same ids and in the same order', async () => {
    const subject = open();
    const { client } = subject;
    for (const text of ['one', 'two', 'three']) client.say(text);
    client.interrupt();
    const before = sentTo(subject.newest());
    const socket = await lose(subject);
    socket.accept({ resumed: true, last_client_event_id: eventId(before[0]) });
    expect(sentTo(socket)).toEqual(before.slice(1));
  });

  it('is all sent again when the server applied nothing', async () => {
    const subject = open();
    subject.client.say('one');
    const before = sentTo(subject.newest());
    const socket = await lose(subject);
    socket.accept({ resumed: true, last_client_event_id: null });
    expect(sentTo(socket)).toEqual(before);
  });

  it('is not sent again when it was accepted, or refused', async () => {
    const subject = open();
    const { client, newest } = subject;
    accept(newest(), client.say('one'), A);
    const refused = client.say('two');
    const event_id = newest().sent.at(-1)?.['event_id'];
    newest().event({ type: 'error', error: { code: 'turn_in_progress', message: '', param: null, event_id } });
    expect(subject.log.at(-1)).toBe(`error turn_in_progress ${refused}`);
    const socket = await lose(subject);
    socket.accept({ resumed: true });
    expect(sentTo(socket)).toEqual([]);
  });

  it('while the connection is away is sent when it is back, before what is said then', async () => {
    const subject = open();
    const { client, newest, system, log } = subject;
    newest().drop();
    const turnId = client.say('one');
    expect(turnId).toBeDefined();
    client.interrupt();
    await system.advanceBy(JITTER_MS);
    client.on('status', ({ phase }) => {
      if (phase === 'open') client.say('three');
    });
    newest().accept({ resumed: true });
    expect(sentTo(newest())).toMatchObject([
      { type: 'parley.transcript.final', text: 'one', turn_id: turnId },
      { type: 'parley.interrupt' },
      { type: 'parley.transcript.final', text: 'three' },
    ]);
    accept(newest(), turnId, A);
    expect(log).toEqual(['resumed', `accepted ${turnId}`, `fenced ${A}`]);
  });

  it('an interruption while the connection is away silences at once', () => {
    const { client, newest, log } = open();
    accept(newest(), client.say('Hello'), A);
    newest().drop();
    client.interrupt();
    expect(log.at(-1)).toBe(`fenced ${A}`);
  });

  it('is bounded while the connection is away: the oldest turn is given up, and reported', () => {
    const { client, newest, log } = open();
    newest().drop();
    const first = client.say('first');
    for (let n = 1; n < MAX_KEPT_EVENTS; n++) client.say('more');
    expect(log).toEqual([]);
    client.say('too much');
    expect(log).toEqual([`lost ${first}`]);
  });
});

describe('a session that is gone', () => {
  /** One turn was answered, one is being answered, one is sent and one is queued. */
  async function gone() {
    const subject = open();
    const { client, newest, log } = subject;
    accept(newest(), client.say('zero'), 'resp_0');
    done(newest(), 'resp_0');
    const answered = client.say('one');
    accept(newest(), answered, A);
    newest().audio(A, 480);
    const waiting = client.say('two');
    newest().drop();
    const queued = client.say('three');
    await subject.system.advanceBy(JITTER_MS);
    log.splice(0);
    return { ...subject, turnIds: [answered, waiting, queued] };
  }

  it('is told: its turns are lost, its voice is silent, and the client goes on with a new one', async () => {
    const { newest, log, turnIds, client } = await gone();
    newest().accept({ resumed: false, resume_token: 'token_9' });
    expect(log).toEqual([`fenced resp_0 ${A}`, `lost ${turnIds.join(' ')}`, 'new session']);
    expect(client.status).toEqual({ phase: 'open' });
    expect(sentTo(newest())).toEqual([]);
  });

  it('leaves nothing behind in the new one', async () => {
    const subject = await gone();
    subject.newest().accept({ resumed: false, resume_token: 'token_9' });
    await subject.system.advanceBy(3_000);
    const socket = await lose(subject);
    expect(socket.query.get('resume')).toBe('token_9');
    expect(received(socket)).toEqual([]);
    socket.accept({ resumed: true });
    expect(sentTo(socket)).toEqual([]);
    expect(subject.log.at(-1)).toBe('resumed');
  });

  it('lets a turn be said again as soon as it is told that it is lost', async () => {
    const { client, newest } = await gone();
    client.on('turns-lost', () => client.say('once more'));
    newest().accept({ resumed: false });
    expect(sentTo(newest())).toMatchObject([{ text: 'once more' }]);
  });

  it('may be taken as the reason to close, and then nothing more comes', async () => {
    const { client, newest, log, phases, system } = await gone();
    client.on('turns-lost', () => client.close());
    newest().accept({ resumed: false });
    expect(phases.at(-1)).toBe('closed');
    expect(log.at(-1)).toMatch(/^lost/);
    expect(newest().closedWith).toBe(1000);
    expect(system.pendingTimers).toBe(0);
  });

  it('is what a server that resumes nothing makes of every loss', async () => {
    const subject = connect();
    subject.newest().accept({ resume_token: null });
    const socket = await lose(subject);
    expect([...socket.query.keys()]).toEqual(['audio']);
    socket.accept({ resume_token: null });
    expect(subject.log).toEqual(['new session', 'new session']);
  });
});

const eventId = (event: unknown): unknown => (event as { event_id: unknown }).event_id;
