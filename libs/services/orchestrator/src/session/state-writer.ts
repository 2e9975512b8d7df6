import type { Incarnation, SessionId } from '@parley/model';
import type { SessionStorePort, SystemPorts, TelemetryPort, WriteOutcome } from '@parley/ports';
import { NEVER_MS, type EngineState } from '@parley/turn-engine';
import { OUTLIVES_MS, CLAIMED_TTL_MS } from '../config';
import { encodeRecord, type SessionRecord } from './session-record';

interface Writer {
  sessionId: SessionId;
  epoch: number;
  self: Incarnation;
}

/**
 * Writes the state of one session, one revision after the other. A number whose answer was lost is never used again: the
 * store may have applied it, and would take other content under it for applied as well.
 */
export class StateWriter {
  constructor(
    private readonly ports: { store: SessionStorePort; system: SystemPorts; telemetry: TelemetryPort },
    private readonly writer: Writer,
    private rev: number,
  ) {}

  async write(record: SessionRecord): Promise<WriteOutcome> {
    const { store, system, telemetry } = this.ports;
    const { sessionId, epoch, self: owner } = this.writer;
    const { attachment } = record.connection;
    const state = encodeRecord(record);
    const startedMs = system.clock.nowMs();
    const request = { sessionId, epoch, rev: ++this.rev, owner, attachment, state, ttlMs: ttlMsOf(record.engine) };
    const outcome = await store.write(request);
    telemetry.observe('parley_store_write_seconds', {}, (system.clock.nowMs() - startedMs) / 1000);
    if (outcome.kind === 'unavailable') telemetry.count('parley_store_failures_total', { operation: 'write' });
    return outcome;
  }
}

/**
 * A session is kept for as long as it may last if nobody says anything more, so that none whose client is quiet is lost with
 * its owner, and one whose client stays away is over then, also where no owner is left to close it.
 */
function ttlMsOf({ connection, lifetimeDeadlineMs, steppedAtMs }: EngineState): number {
  const endMs = connection.stage === 'lost' ? connection.deadlineMs : lifetimeDeadlineMs;
  return endMs === NEVER_MS ? CLAIMED_TTL_MS : endMs - steppedAtMs + OUTLIVES_MS;
}
