export type { OrchestratorConfig } from './config';
export { createOrchestrator } from './orchestrator';
export type { OrchestratorPorts } from './ports';
export { decodeRecord, type SessionRecord } from './session/session-record';
