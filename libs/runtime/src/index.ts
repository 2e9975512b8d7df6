export * from './config';
export { createLog, type LogOptions, type ProcessLog } from './log';
export type { Composition, ProcessContext } from './process';
export { createTelemetry, type Telemetry } from './telemetry';
