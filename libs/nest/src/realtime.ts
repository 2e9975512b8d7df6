import { BadRequestException, Controller, Get, Inject, Module, type DynamicModule } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import { REALTIME_PATH } from '@parley/model';
import type { Admit, SocketServer } from './socket-server';

const ADMISSION = Symbol('ADMISSION');

/** Decides about upgrades: the gateway service. */
export interface AdmissionOffice {
  admit: Admit;
}

/** Hands whole connections to the gateway service. */
@WebSocketGateway({ path: REALTIME_PATH })
class RealtimeGateway implements OnGatewayInit<SocketServer> {
  constructor(@Inject(ADMISSION) private readonly office: AdmissionOffice) {}

  afterInit(server: SocketServer): void {
    server.serve((request) => this.office.admit(request));
  }
}

/** Where an upgrade was meant and a plain request came. */
@Controller(REALTIME_PATH)
class PlainRequests {
  @Get()
  refuse(): never {
    throw new BadRequestException('this is a WebSocket endpoint: connect with a WebSocket client');
  }
}

/** `GET /v1/realtime`, the one WebSocket endpoint. */
@Module({})
export class RealtimeModule {
  static of(office: AdmissionOffice): DynamicModule {
    return {
      module: RealtimeModule,
      controllers: [PlainRequests],
      providers: [RealtimeGateway, { provide: ADMISSION, useValue: office }],
    };
  }
}
