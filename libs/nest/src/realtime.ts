import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BadRequestException,
  Controller,
  Get,
  Inject,
  Module,
  Post,
  Req,
  Res,
  type DynamicModule,
} from '@nestjs/common';
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets';
import { BETA_PATH, CLIENT_SECRETS, REALTIME_PATHS } from '@parley/model';
import type { HttpReply, HttpRequest } from '@parley/ports';
import { readBody } from './request-body';
import type { SocketOptions } from './socket-adapter';
import type { Admit, SocketServer } from './socket-server';
import { describeUpgrade } from './upgrade';

const OFFICE = Symbol('OFFICE');

/** Decides about upgrades, and who gets secrets: the gateway service. */
export interface RealtimeOffice {
  admit: Admit;
  createSecret(request: HttpRequest): Promise<HttpReply>;
}

/** Hands whole connections to the gateway service. */
@WebSocketGateway<SocketOptions>({ paths: [...REALTIME_PATHS, BETA_PATH] })
class RealtimeGateway implements OnGatewayInit<SocketServer> {
  constructor(@Inject(OFFICE) private readonly office: RealtimeOffice) {}

  afterInit(server: SocketServer): void {
    server.serve((request) => this.office.admit(request));
  }
}

/** Plain requests under the paths of the endpoint. */
@Controller([...REALTIME_PATHS])
class PlainRequests {
  constructor(@Inject(OFFICE) private readonly office: RealtimeOffice) {}

  /** Where an upgrade was meant. */
  @Get()
  refuse(): never {
    throw new BadRequestException('this is a WebSocket endpoint: connect with a WebSocket client');
  }

  @Post(CLIENT_SECRETS)
  async createSecret(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const described = { ...describeUpgrade(request), readBody: () => readBody(request) };
    const { status, headers, body } = await this.office.createSecret(described);
    response.writeHead(status, headers).end(body);
  }
}

/** The one WebSocket endpoint under each of its paths, and what belongs to it. */
@Module({})
export class RealtimeModule {
  static of(office: RealtimeOffice): DynamicModule {
    return {
      module: RealtimeModule,
      controllers: [PlainRequests],
      providers: [RealtimeGateway, { provide: OFFICE, useValue: office }],
    };
  }
}
