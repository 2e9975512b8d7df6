import {
  Controller,
  Get,
  Header,
  Inject,
  Module,
  ServiceUnavailableException,
  type DynamicModule,
} from '@nestjs/common';
import type { Readiness, Service } from '@parley/ports';
import type { Telemetry } from '@parley/runtime';

const SERVICES = Symbol('SERVICES');
const OPTIONAL = Symbol('OPTIONAL');
const TELEMETRY = Symbol('TELEMETRY');

/** What an orchestrator of processes and a metrics server ask. */
@Controller()
class HealthController {
  constructor(
    @Inject(SERVICES) private readonly services: readonly Service[],
    @Inject(OPTIONAL) private readonly optional: readonly Service[],
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
  ) {}

  /** The process runs its event loop; it says nothing about what is around it, which a restart would not mend. */
  @Get('healthz/live')
  @Header('cache-control', 'no-store')
  live(): { live: true } {
    return { live: true };
  }

  @Get('healthz/ready')
  @Header('cache-control', 'no-store')
  ready(): Readiness {
    const states = this.services.map((service) => ({ ...service.readiness(), service }));
    const ready = states.every((state) => state.ready || this.optional.includes(state.service));
    const reasons = states.flatMap((state) => state.reasons);
    if (!ready) throw new ServiceUnavailableException({ ready, reasons });
    return { ready, reasons };
  }

  @Get('metrics')
  @Header('cache-control', 'no-store')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.telemetry.render();
  }
}

/** `GET /healthz/live`, `GET /healthz/ready` (200 or 503 with reasons) and `GET /metrics`. */
@Module({})
export class HealthModule {
  /** An optional service is one without which the process still serves: its reasons are told, it is ready all the same. */
  static of(services: readonly Service[], telemetry: Telemetry, optional: readonly Service[] = []): DynamicModule {
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [
        { provide: SERVICES, useValue: services },
        { provide: OPTIONAL, useValue: optional },
        { provide: TELEMETRY, useValue: telemetry },
      ],
    };
  }
}
