import { Module, type DynamicModule } from '@nestjs/common';
import { HealthModule } from '@parley/nest';
import type { Composition, Telemetry } from '@parley/runtime';

/** Owns sessions; over HTTP it has health and metrics only. */
@Module({})
export class TurnOrchestratorModule {
  static of({ services }: Composition, telemetry: Telemetry): DynamicModule {
    return { module: TurnOrchestratorModule, imports: [HealthModule.of(services, telemetry)] };
  }
}
