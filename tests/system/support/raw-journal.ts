import { connect, type NatsConnection } from '@nats-io/transport-node';

/** An entry as it lies in the stream. */
export interface RawEntry {
  seq: number;
  body: { kind: string; epoch: number; step: number } & Record<string, unknown>;
}

/** The journal's stream by NATS's own client and API: what a test expects of Parley's tools must not come from them. */
export class RawJournal {
  private constructor(private readonly link: NatsConnection) {}

  static async connect(natsUrl: string): Promise<RawJournal> {
    return new RawJournal(await connect({ servers: natsUrl.replace('nats://', '') }));
  }

  async sessions(): Promise<Record<string, number>> {
    const { state } = await this.ask('STREAM.INFO', { subjects_filter: '>' });
    const subjects = Object.entries((state as { subjects?: Record<string, number> } | undefined)?.subjects ?? {});
    return Object.fromEntries(subjects.map(([subject, count]) => [subject.replace('journal.', ''), count]));
  }

  async entries(sessionId: string): Promise<RawEntry[]> {
    const entries: RawEntry[] = [];
    for (let seq = 1; ; seq++) {
      const { message } = await this.ask('STREAM.MSG.GET', { next_by_subj: `journal.${sessionId}`, seq });
      if (message === undefined) return entries;
      const found = message as { seq: number; data: string };
      const { body } = JSON.parse(Buffer.from(found.data, 'base64').toString()) as Pick<RawEntry, 'body'>;
      entries.push({ seq: found.seq, body });
      seq = found.seq;
    }
  }

  async remove(seq: number): Promise<void> {
    await this.ask('STREAM.MSG.DELETE', { seq });
  }

  async publish(sessionId: string, bodies: readonly RawEntry['body'][]): Promise<void> {
    for (const body of bodies) {
      this.link.publish(`journal.${sessionId}`, JSON.stringify({ v: 1, traceparent: '', body }));
    }
    await this.link.flush();
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private async ask(what: string, body: object): Promise<Record<string, unknown>> {
    const answer = await this.link.request(`$JS.API.${what}.parley-journal`, JSON.stringify(body));
    return answer.json();
  }
}
