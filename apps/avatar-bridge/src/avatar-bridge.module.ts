import { Module, type DynamicModule } from '@nestjs/common';
import { HealthModule } from '@parley/nest';
import type { Composition, Telemetry } from '@parley/runtime';

/** Animates the face; over HTTP it has health and metrics only. */
@Module({})
export class AvatarBridgeModule {
  static of({ services }: Composition, telemetry: Telemetry): DynamicModule {
    return { module: AvatarBridgeModule, imports: [HealthModule.of(services, telemetry)] };
  }
}
