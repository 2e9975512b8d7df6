import { VirtualSystem } from '@parley/harness';
import { A, accept, lose, open, received } from './client-stage.fixture';
import type { FakeSocket } from './fake-socket.fixture';

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
        await system.advanceBy(WITHIN_MS / 2);
        expect(made).toHaveLength(2);
        newest().refuse(message);
        await system.advanceBy(99);
        expect(made).toHaveLength(2);
        await system.advanceBy(201);
        expect(made).toHaveLength(3);
        newest().refuse(message);
        await system.advanceBy(900);
        expect(made).toHaveLength(4);
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
