import { A, accept, connect, done, JITTER_MS, lose, open, received, sentTo } from './client-stage.fixture';
import { MAX_KEPT_EVENTS } from './sent-events';

const eventId = (event: unknown): unknown => (event as { event_id: unknown }).event_id;

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
