import { effectsHash, STEP_THREW, type JournalEntry, type SessionId } from '@parley/model';
import type { JournalOutcome, JournalPort, JournalRecord } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import { runJournalCommand, type JournalCommand } from './commands';

/** Of a session that has ended: nothing comes of any input. */
const ENDED = { state: { phase: { name: 'closed', reason: 'over' } }, policy: {} };
const T0 = Date.UTC(2026, 10, 21, 15, 4, 50);
const NOTHING = effectsHash([]);

const opened: JournalEntry = { kind: 'opened', epoch: 1, step: 0, nowMs: 0, owner: 'orc_1', rev: 0, engine: ENDED };
const stepped = (step: number, input: { kind: string }, effects = NOTHING): JournalEntry => ({
  ...{ kind: 'stepped', epoch: 1, step, nowMs: step, input, effects },
});
const said = (text: string) => ({ kind: 'client', input: { kind: 'final-transcript', text } });

/** In memory, or nothing but an outcome. */
class JournalDouble implements JournalPort {
  readonly stored = new Map<SessionId, JournalRecord[]>();
  failure: Exclude<JournalOutcome<never>, { kind: 'read' }> | undefined;

  put(sessionId: SessionId, entries: readonly JournalEntry[], fromMs = T0): void {
    const records = entries.map((entry, index) => ({
      ...{ storedAtMs: fromMs + 250 * index, payload: encodeEnvelope('', entry) },
    }));
    this.stored.set(sessionId, records);
  }

  sessions: JournalPort['sessions'] = async () =>
    this.failure ?? {
      kind: 'read',
      value: [...this.stored].map(([sessionId, records]) => ({
        ...{ sessionId, entries: records.length, lastStoredAtMs: records.at(-1)?.storedAtMs ?? 0 },
      })),
    };

  read: JournalPort['read'] = async (sessionId) =>
    this.failure ?? { kind: 'read', value: this.stored.get(sessionId) ?? [] };

  forget: JournalPort['forget'] = async (sessionId) => {
    const value = this.stored.get(sessionId)?.length ?? 0;
    this.stored.delete(sessionId);
    return this.failure ?? { kind: 'read', value };
  };
}

let journal: JournalDouble;
let lines: string[];
let complaints: string[];

beforeEach(() => {
  journal = new JournalDouble();
  [lines, complaints] = [[], []];
});

const run = (command: JournalCommand): Promise<number> =>
  runJournalCommand(command, journal, {
    line: (text) => lines.push(text),
    complain: (message) => complaints.push(message),
  });
const replaySession = (entries: readonly JournalEntry[]): Promise<number> => {
  journal.put('sess_1', entries);
  return run({ kind: 'replay', sessionId: 'sess_1' });
};

describe('parley replay', () => {
  it('prints what came in, when and what of it came, and ends with 0 where it fits', async () => {
    expect(await replaySession([opened, stepped(1, { kind: 'attached' }), stepped(2, said('Hello'))])).toBe(0);
    expect(lines).toEqual([
      'session sess_1: 1 epoch, 2 steps, 0 turns',
      '',
      'epoch 1, orc_1, 2026-11-21 15:04:50.000 UTC: a new session',
      '     +0.250 s         1  attached',
      '     +0.500 s         2  client final-transcript “Hello”',
      '',
      'fits: 2 steps replayed, no difference, none missing',
    ]);
    expect(complaints).toEqual([]);
  });

  it('ends with 1 and shows the place where a step is missing', async () => {
    expect(await replaySession([opened, stepped(1, { kind: 'a' }), stepped(4, { kind: 'b' })])).toBe(1);
    expect(lines.slice(3)).toEqual([
      '     +0.250 s         1  a',
      '!                   2–3  MISSING',
      '?    +0.500 s         4  b',
      '',
      '! epoch 1: steps 2 to 3 are missing (2); what follows in this epoch cannot be judged',
      'does not fit: 1 problem; 1 of 2 steps could be judged',
    ]);
  });

  it('ends with 1 and marks the step that differs', async () => {
    expect(await replaySession([opened, stepped(1, { kind: 'a' }), stepped(2, { kind: 'b' }, 'ffffffff')])).toBe(1);
    expect(lines).toContain('!    +0.500 s         2  b  DIFFERS');
    expect(lines).toContain(`! epoch 1: step 2 differs: its effects were ffffffff, replayed they are ${NOTHING}`);
  });

  it('prints steps of one kind of which nothing came as one line, and each of a client’s for itself', async () => {
    const words = [1, 2, 3].map((step) => stepped(step, { kind: 'text-generated' }));
    await replaySession([opened, ...words, stepped(4, said('a')), stepped(5, said('b'))]);
    expect(lines.slice(3, 6)).toEqual([
      '     +0.250 s       1–3  text-generated ×3',
      '     +1.000 s         4  client final-transcript “a”',
      '     +1.250 s         5  client final-transcript “b”',
    ]);
  });

  it('shows a part of a long text, and nothing that steers a terminal', async () => {
    await replaySession([opened, stepped(1, said(`\u001b[2J\u009b31m\n${'x'.repeat(100)}`))]);
    expect(lines[3]).toBe(`     +0.250 s         1  client final-transcript “·[2J·31m·${'x'.repeat(50)}…”`);
  });

  it('fits with a step that threw then as now', async () => {
    const engine = { state: {}, policy: {} };
    const entries = [{ ...opened, engine } as JournalEntry, stepped(1, { kind: 'a' }, STEP_THREW)];
    expect(await replaySession(entries)).toBe(0);
  });

  it('of a session that the journal does not have ends with 6', async () => {
    expect(await run({ kind: 'replay', sessionId: 'sess_2' })).toBe(6);
    expect(complaints).toEqual(['the journal has nothing of sess_2']);
  });
});

describe('parley sessions', () => {
  beforeEach(() => {
    journal.put('sess_old', [opened, stepped(1, { kind: 'a' })]);
    journal.put('sess_newer', [opened, stepped(2, { kind: 'a' })], T0 + 60_000);
  });

  it('lists the newest first, with what replaying them says', async () => {
    expect(await run({ kind: 'sessions', limit: 20 })).toBe(0);
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['session', 'first (UTC)', 'last (UTC)', 'steps', 'epochs', 'turns', 'replay'],
      ['sess_newer', '2026-11-21 15:05:50.000', '2026-11-21 15:05:50.250', '1', '1', '0', '1 problem'],
      ['sess_old', '2026-11-21 15:04:50.000', '2026-11-21 15:04:50.250', '1', '1', '0', 'fits'],
    ]);
    expect(new Set(lines.map((line) => line.search(/replay|fits|1 problem/))).size).toBe(1);
  });

  it('says how many it leaves out', async () => {
    await run({ kind: 'sessions', limit: 1 });
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('1 older session not shown: --limit <n>');
  });
});

describe('parley forget', () => {
  it('says how much was erased, and that there is nothing the second time', async () => {
    journal.put('sess_1', [opened]);
    expect(await run({ kind: 'forget', sessionId: 'sess_1' })).toBe(0);
    expect(lines).toEqual(['forgot sess_1: 1 entry erased']);
    expect(await run({ kind: 'forget', sessionId: 'sess_1' })).toBe(6);
  });
});

describe.each<JournalCommand>([
  { kind: 'sessions', limit: 1 },
  { kind: 'replay', sessionId: 'sess_1' },
  { kind: 'forget', sessionId: 'sess_1' },
])('parley $kind', (command) => {
  it('says how a journal is switched on where there is none', async () => {
    journal.failure = { kind: 'absent' };
    expect(await run(command)).toBe(6);
    expect(complaints[0]).toContain('PARLEY_JOURNAL=yes');
  });

  it('says why it cannot be read', async () => {
    journal.failure = { kind: 'unavailable', message: 'NATS runs without JetStream' };
    expect(await run(command)).toBe(3);
    expect(complaints).toEqual(['NATS runs without JetStream']);
  });
});
