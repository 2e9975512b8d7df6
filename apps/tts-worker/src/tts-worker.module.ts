import { Module, type DynamicModule } from '@nestjs/common';
import { HealthModule } from '@parley/nest';
import type { Composition, Telemetry } from '@parley/runtime';

/** Speaks responses; over HTTP it has health and metrics only. */
@Module({})
export class TtsWorkerModule {
  static of({ services }: Composition, telemetry: Telemetry): DynamicModule {
    return { module: TtsWorkerModule, imports: [HealthModule.of(services, telemetry)] };
  }
}
