export * from './config';
export { createLog, type LogOptions, type ProcessLog, type TlsAddress } from './log';
export type { Composition, ProcessContext } from './process';
export { createTelemetry, type Telemetry } from './telemetry';
