import type { LogPort, Service, TelemetryPort } from '@parley/ports';

/** What a process gives to its services, whatever they stand on. */
export interface ProcessContext {
  log: LogPort;
  telemetry: TelemetryPort;
}

/** The services of a process, not started, and how to release what they stand on once they have stopped. */
export interface Composition {
  /** In their order of starting; they stop in the opposite one. */
  services: readonly Service[];
  close(): Promise<void>;
}
