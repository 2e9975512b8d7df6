import { Module, type DynamicModule } from '@nestjs/common';
import type { StandaloneComposition } from '@parley/composition';
import { HealthModule, RealtimeModule } from '@parley/nest';
import type { Telemetry } from '@parley/runtime';

/** All services behind the gateway's endpoints. */
@Module({})
export class StandaloneModule {
  static of({ gateway, services, optional }: StandaloneComposition, telemetry: Telemetry): DynamicModule {
    return {
      module: StandaloneModule,
      imports: [HealthModule.of(services, telemetry, optional), RealtimeModule.of(gateway)],
    };
  }
}
