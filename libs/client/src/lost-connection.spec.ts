import { A, accept, done, JITTER_MS, lose, open, received } from './client-stage.fixture';
import type { ClientStage } from './client-stage.fixture';
import { RETRY_DELAYS_MS } from './reconnection';

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
    ['was done', ({ newest }: ClientStage) => done(newest(), A)],
    ['was interrupted here', ({ client }: ClientStage) => client.interrupt()],
    ['was heard to its end', ({ client }: ClientStage) => client.reportPlayback(A, 20, true)],
    [
      'was interrupted by the server',
      ({ newest }: ClientStage) =>
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
