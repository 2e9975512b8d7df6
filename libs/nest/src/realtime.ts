import { BadRequestException, Controller, Get, Inject, Module, type DynamicModule } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import { BETA_PATH, REALTIME_PATH } from '@parley/model';
import type { SocketOptions } from './socket-adapter';
import type { Admit, SocketServer } from './socket-server';

const PATHS = [REALTIME_PATH, BETA_PATH];
const ADMISSION = Symbol('ADMISSION');

/** Decides about upgrades: the gateway service. */
export interface AdmissionOffice {
  admit: Admit;
}

/** Hands whole connections to the gateway service. */
@WebSocketGateway<SocketOptions>({ paths: PATHS })
class RealtimeGateway implements OnGatewayInit<SocketServer> {
  constructor(@Inject(ADMISSION) private readonly office: AdmissionOffice) {}

  afterInit(server: SocketServer): void {
    server.serve((request) => this.office.admit(request));
  }
}

/** Where an upgrade was meant and a plain request came. */
@Controller(PATHS)
class PlainRequests {
  @Get()
  refuse(): never {
    throw new BadRequestException('this is a WebSocket endpoint: connect with a WebSocket client');
  }
}

/** The one WebSocket endpoint, under each of its paths. */
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
