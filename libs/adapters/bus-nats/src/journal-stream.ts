import { subjects } from '@parley/model';
import type { BusPort, CancelTimer, LogPort, TimersPort } from '@parley/ports';
import { z } from 'zod';
import { API_ERRORS, askJetStream, type ApiOutcome } from './jetstream-api';

/** The one stream that Parley has. */
export const JOURNAL_STREAM = 'parley-journal';

export interface JournalRetention {
  /** At most some 280 years: JetStream counts nanoseconds in 64 bits. */
  maxAgeMs: number;
  maxBytes: number;
}

const RETRY_MS = 10_000;
const NS_PER_MS = 1_000_000;

/**
 * Sees to it that the stream is there and keeps what is configured: now, and each time a lost link is back, because the
 * server may have come back empty. Nobody waits for it. Without JetStream entries go nowhere, and the log says so once.
 */
export class JournalStream {
  private cancelRetry: CancelTimer | undefined;
  private stopListening: (() => void) | undefined;
  private isClosed = false;
  private complained = false;

  constructor(
    private readonly bus: BusPort,
    private readonly timers: TimersPort,
    private readonly log: LogPort,
    private readonly retention: JournalRetention,
  ) {}

  start(): void {
    this.stopListening = this.bus.onReconnect(() => void this.ensure());
    void this.ensure();
  }

  close(): void {
    this.isClosed = true;
    this.stopListening?.();
    this.cancelRetry?.();
  }

  private async ensure(): Promise<void> {
    this.cancelRetry?.();
    const outcome = await this.createOrUpdate();
    if (this.isClosed) return;
    if (outcome.kind === 'ok') {
      this.complained = false;
      return this.log.info('the journal is kept', { stream: JOURNAL_STREAM, ...this.retention });
    }
    if (!this.complained)
      this.log.warn('the journal is not kept: its stream cannot be made', { reason: outcome.message });
    this.complained = true;
    this.cancelRetry?.();
    this.cancelRetry = this.timers.after(RETRY_MS, () => void this.ensure());
  }

  /** Creating one that is just like that is no error; other limits than configured become those. */
  private async createOrUpdate(): Promise<ApiOutcome<unknown>> {
    const config = streamConfig(this.retention);
    const created = await askJetStream(this.bus, `STREAM.CREATE.${JOURNAL_STREAM}`, config, z.unknown());
    if (created.kind !== 'refused' || created.errorCode !== API_ERRORS.streamNameInUse) return created;
    return askJetStream(this.bus, `STREAM.UPDATE.${JOURNAL_STREAM}`, config, z.unknown());
  }
}

const streamConfig = ({ maxAgeMs, maxBytes }: JournalRetention): object => ({
  name: JOURNAL_STREAM,
  subjects: [subjects.anyJournal],
  retention: 'limits',
  discard: 'old',
  storage: 'file',
  max_age: maxAgeMs * NS_PER_MS,
  max_bytes: maxBytes,
  max_msgs: -1,
  max_consumers: -1,
  // It explains and nothing depends on it.
  num_replicas: 1,
  // Nobody waits for its answer, and so it can answer nothing that was meant for somebody else.
  no_ack: true,
});
