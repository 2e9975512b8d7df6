import { A, accept, connect, done, JITTER_MS, lose, open, received, sentTo } from './client-stage.fixture';

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
