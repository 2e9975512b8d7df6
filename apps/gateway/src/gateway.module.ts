import { Module, type DynamicModule } from '@nestjs/common';
import type { GatewayComposition } from '@parley/composition';
import { HealthModule, RealtimeModule } from '@parley/nest';
import type { Telemetry } from '@parley/runtime';

/** The client edge: the realtime endpoint, the web client, health and metrics on one port. */
@Module({})
export class GatewayModule {
  static of({ gateway, services }: GatewayComposition, telemetry: Telemetry): DynamicModule {
    return {
      module: GatewayModule,
      imports: [HealthModule.of(services, telemetry), RealtimeModule.of(gateway)],
    };
  }
}
