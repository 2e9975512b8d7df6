import type { Incarnation, SessionId } from '@parley/model';
import type { SessionStorePort, SystemPorts, TelemetryPort } from '@parley/ports';
import { SESSION_TTL_MS } from './config';
import type { SessionClock } from './session-clock';
import { encodeRecord, type SessionRecord } from './session-record';

/** While the store cannot be reached, a write is tried again so often; nothing leaves meanwhile. */
const WRITE_RETRY_MS = 200;

interface Writer {
  sessionId: SessionId;
  epoch: number;
  self: Incarnation;
}

/** `fenced`: another process owns the session, with this epoch. `given-up`: nobody waits for it any more. */
type Outcome = { kind: 'written' } | { kind: 'fenced'; epoch: number } | { kind: 'given-up' };

/** Writes the state of one session, one revision after the other, each until the store has it. */
export class StateWriter {
  constructor(
    private readonly ports: { store: SessionStorePort; system: SystemPorts; telemetry: TelemetryPort },
    private readonly writer: Writer,
    private readonly clock: SessionClock,
    private rev: number,
    private readonly isOwned: () => boolean,
  ) {}

  async write(record: SessionRecord): Promise<Outcome> {
    const { store, system, telemetry } = this.ports;
    const { sessionId, epoch, self: owner } = this.writer;
    const { attachment } = record.connection;
    const request = { sessionId, epoch, rev: ++this.rev, owner, attachment, ttlMs: SESSION_TTL_MS };
    const state = encodeRecord(record);
    while (this.isOwned()) {
      const startedMs = system.clock.nowMs();
      const outcome = await store.write({ ...request, state });
      telemetry.observe('parley_store_write_seconds', {}, (system.clock.nowMs() - startedMs) / 1000);
      if (outcome.kind === 'fenced') return outcome;
      if (outcome.kind === 'written' || outcome.kind === 'already') {
        this.clock.storeBack();
        return { kind: 'written' };
      }
      this.clock.storeLost();
      telemetry.count('parley_store_failures_total', { operation: 'write' });
      await new Promise<void>((resolve) => system.timers.after(WRITE_RETRY_MS, resolve));
    }
    return { kind: 'given-up' };
  }
}
