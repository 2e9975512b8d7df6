import type { SessionId } from '@parley/model';
import type { JournaledSession, JournalOutcome, JournalPort } from '@parley/ports';
import { replay } from '@parley/replay';
import { EXIT, type ExitCode } from '../exit-codes';
import { moment, plural } from './format';
import { timelineOf } from './timeline';

export type JournalCommand =
  | { kind: 'sessions'; limit: number }
  | { kind: 'replay'; sessionId: SessionId }
  | { kind: 'forget'; sessionId: SessionId };

/** Where the words go: what was asked for, and why it was not to be had. */
export interface Voice {
  line(text: string): void;
  complain(message: string): void;
}

export async function runJournalCommand(
  command: JournalCommand,
  journal: JournalPort,
  voice: Voice,
): Promise<ExitCode> {
  switch (command.kind) {
    case 'sessions':
      return listSessions(command.limit, journal, voice);
    case 'replay':
      return replaySession(command.sessionId, journal, voice);
    case 'forget':
      return forgetSession(command.sessionId, journal, voice);
  }
}

const COLUMNS = ['session', 'first (UTC)', 'last (UTC)', 'steps', 'epochs', 'turns', 'replay'];

/** The newest `limit`, read and replayed: who turned what is nowhere but in the entries. */
async function listSessions(limit: number, journal: JournalPort, voice: Voice): Promise<ExitCode> {
  const sessions = await journal.sessions();
  if (sessions.kind !== 'read') return explain(sessions, voice);
  const newest = [...sessions.value].sort((a, b) => b.lastStoredAtMs - a.lastStoredAtMs);
  const rows = [COLUMNS];
  for (const session of newest.slice(0, limit)) {
    const row = await rowOf(session, journal);
    if (row.kind !== 'read') return explain(row, voice);
    rows.push(row.value);
  }
  for (const line of aligned(rows)) voice.line(line);
  if (newest.length > limit) voice.line(`${plural(newest.length - limit, 'older session')} not shown: --limit <n>`);
  return EXIT.done;
}

async function rowOf({ sessionId }: JournaledSession, journal: JournalPort): Promise<JournalOutcome<string[]>> {
  const read = await journal.read(sessionId);
  if (read.kind !== 'read') return read;
  const { epochs, problems, turns } = replay(read.value);
  const times = read.value.map(({ storedAtMs }) => storedAtMs);
  const steps = epochs.reduce((sum, epoch) => sum + epoch.steps.length, 0);
  const verdict = problems.length === 0 ? 'fits' : plural(problems.length, 'problem');
  const ends = [times[0], times.at(-1)].map((time) => (time === undefined ? '–' : moment(time)));
  return { kind: 'read', value: [sessionId, ...ends, ...[steps, epochs.length, turns].map(String), verdict] };
}

async function replaySession(sessionId: SessionId, journal: JournalPort, voice: Voice): Promise<ExitCode> {
  const read = await journal.read(sessionId);
  if (read.kind !== 'read') return explain(read, voice);
  if (read.value.length === 0) return nothingOf(sessionId, voice);
  const replayed = replay(read.value);
  for (const line of timelineOf(sessionId, replayed)) voice.line(line);
  return replayed.problems.length === 0 ? EXIT.done : EXIT.doesNotFit;
}

async function forgetSession(sessionId: SessionId, journal: JournalPort, voice: Voice): Promise<ExitCode> {
  const forgotten = await journal.forget(sessionId);
  if (forgotten.kind !== 'read') return explain(forgotten, voice);
  if (forgotten.value === 0) return nothingOf(sessionId, voice);
  voice.line(`forgot ${sessionId}: ${plural(forgotten.value, 'entry', 'entries')} erased`);
  return EXIT.done;
}

function nothingOf(sessionId: SessionId, { complain }: Voice): ExitCode {
  complain(`the journal has nothing of ${sessionId}`);
  return EXIT.notInJournal;
}

function explain(outcome: Exclude<JournalOutcome<unknown>, { kind: 'read' }>, { complain }: Voice): ExitCode {
  if (outcome.kind === 'absent') {
    complain('no journal is kept on this NATS: set PARLEY_JOURNAL=yes for the orchestrators');
    return EXIT.notInJournal;
  }
  complain(outcome.message);
  return EXIT.cannotConnect;
}

/** Each column as wide as its widest cell. */
function aligned(rows: readonly string[][]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
