import { isSessionId, subjects, type SessionId } from '@parley/model';
import type { BusPort, JournaledSession, JournalOutcome, JournalPort, JournalRecord } from '@parley/ports';
import { z } from 'zod';
import { API_ERRORS, askJetStream, type ApiOutcome } from './jetstream-api';
import { JOURNAL_STREAM } from './journal-stream';

const storedMessage = z.object({
  message: z.object({
    seq: z.int(),
    // No body is no field.
    data: z.base64().default(''),
    time: z.string().transform((text) => Date.parse(text)),
  }),
});
type StoredMessage = z.output<typeof storedMessage>['message'];

const info = z.object({
  state: z.object({ subjects: z.record(z.string(), z.int()).nullish() }),
  total: z.int().default(0),
});
const done = z.object({ success: z.boolean() });

/** Sessions whose last entry is asked for at the same time. */
const TOGETHER = 32;

/** Reads the journal's stream, one entry at a time, by what every server since 2.9 can do. */
export class NatsJournal implements JournalPort {
  constructor(private readonly bus: BusPort) {}

  async sessions(): Promise<JournalOutcome<JournaledSession[]>> {
    const counts = await this.counts();
    if (counts.kind !== 'read') return counts;
    const sessions: JournaledSession[] = [];
    const waiting = [...counts.value];
    while (waiting.length > 0) {
      const asked = waiting.splice(0, TOGETHER).map(async ([sessionId, entries]) => {
        const last = await this.message({ last_by_subj: subjects.journal(sessionId) });
        return { last, sessionId, entries };
      });
      for (const { last, sessionId, entries } of await Promise.all(asked)) {
        if (last.kind !== 'read') return last;
        // Forgotten in between.
        if (last.value) sessions.push({ sessionId, entries, lastStoredAtMs: last.value.time });
      }
    }
    return { kind: 'read', value: sessions };
  }

  async read(sessionId: SessionId): Promise<JournalOutcome<JournalRecord[]>> {
    const records: JournalRecord[] = [];
    const outcome = await this.each(sessionId, ({ time, data }) => {
      records.push({ storedAtMs: time, payload: Uint8Array.from(Buffer.from(data, 'base64')) });
      return Promise.resolve(undefined);
    });
    return outcome.kind === 'read' ? { kind: 'read', value: records } : outcome;
  }

  /** One by one, because a purge only unlinks: this overwrites each on the disk. */
  async forget(sessionId: SessionId): Promise<JournalOutcome<number>> {
    return this.each(sessionId, async ({ seq }) => {
      const erased = await this.ask(`STREAM.MSG.DELETE.${JOURNAL_STREAM}`, { seq, no_erase: false }, done);
      return erased.kind === 'read' ? undefined : erased;
    });
  }

  /** Calls `use` with each message of a session until one of them fails; yields how many there were. */
  private async each(
    sessionId: SessionId,
    use: (message: StoredMessage) => Promise<Failure | undefined>,
  ): Promise<JournalOutcome<number>> {
    const subject = subjects.journal(sessionId);
    let count = 0;
    for (let seq = 1; ; count++) {
      const found = await this.message({ next_by_subj: subject, seq });
      if (found.kind !== 'read') return found;
      if (!found.value) return { kind: 'read', value: count };
      const failure = await use(found.value);
      if (failure) return failure;
      seq = found.value.seq + 1;
    }
  }

  /** Entries of each session, page by page. */
  private async counts(): Promise<JournalOutcome<Map<SessionId, number>>> {
    const counts = new Map<SessionId, number>();
    for (let offset = 0; ;) {
      const body = { subjects_filter: subjects.anyJournal, offset };
      const page = await this.ask(`STREAM.INFO.${JOURNAL_STREAM}`, body, info);
      if (page.kind !== 'read') return page;
      const found = Object.entries(page.value.state.subjects ?? {});
      for (const [subject, entries] of found) {
        const sessionId = subject.slice(subject.indexOf('.') + 1);
        if (isSessionId(sessionId)) counts.set(sessionId, entries);
      }
      offset += found.length;
      if (found.length === 0 || offset >= page.value.total) return { kind: 'read', value: counts };
    }
  }

  private async message(which: object): Promise<JournalOutcome<StoredMessage | undefined>> {
    const outcome = await askJetStream(this.bus, `STREAM.MSG.GET.${JOURNAL_STREAM}`, which, storedMessage);
    if (outcome.kind === 'refused' && outcome.errorCode === API_ERRORS.noMessageFound) {
      return { kind: 'read', value: undefined };
    }
    return outcome.kind === 'ok' ? { kind: 'read', value: outcome.value.message } : failureOf(outcome);
  }

  private async ask<T>(what: string, body: object, schema: z.ZodType<T>): Promise<JournalOutcome<T>> {
    const outcome = await askJetStream(this.bus, what, body, schema);
    return outcome.kind === 'ok' ? { kind: 'read', value: outcome.value } : failureOf(outcome);
  }
}

type Failure = Exclude<JournalOutcome<never>, { kind: 'read' }>;

function failureOf(outcome: Exclude<ApiOutcome<never>, { kind: 'ok' }>): Failure {
  if (outcome.kind === 'refused' && outcome.errorCode === API_ERRORS.streamNotFound) return { kind: 'absent' };
  return { kind: 'unavailable', message: outcome.message };
}
