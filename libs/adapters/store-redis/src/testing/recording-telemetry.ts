import type { TelemetryPort } from '@parley/ports';

/** Keeps what was counted, as "name labels", and the seconds that were observed. */
export class RecordingTelemetry implements TelemetryPort {
  readonly counted: string[] = [];
  readonly observedSeconds: number[] = [];

  readonly count: TelemetryPort['count'] = (name, labels) => {
    this.counted.push([name, ...Object.values(labels)].join(' '));
  };

  readonly gauge: TelemetryPort['gauge'] = () => undefined;

  readonly observe: TelemetryPort['observe'] = (_, __, seconds) => {
    this.observedSeconds.push(seconds);
  };
}
