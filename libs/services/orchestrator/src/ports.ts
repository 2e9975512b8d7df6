import type { SessionId } from '@parley/model';
import type { BusPort, LlmPort, LogPort, SessionStorePort, SystemPorts, TelemetryPort } from '@parley/ports';
import type { SessionRecord } from './session/session-record';

/** What an orchestrator is made of. */
export interface OrchestratorPorts {
  bus: BusPort;
  store: SessionStorePort;
  llm: LlmPort;
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
}

/** What a claim has won. */
export interface Ownership {
  sessionId: SessionId;
  epoch: number;
  rev: number;
  record: SessionRecord;
  traceparent: string;
  /** This process's lease has run out, as a claimant would see it: it may have been stopped, or the store away. */
  isLapsed(): boolean;
}
