import type { BusPort, LogPort, SystemPorts, TelemetryPort } from '@parley/ports';

export interface GatewayPorts {
  bus: BusPort;
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
}
