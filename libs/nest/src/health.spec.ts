import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Readiness, Service } from '@parley/ports';
import { createTelemetry } from '@parley/runtime';
import { HealthModule } from './health';

describe('health over HTTP', () => {
  const states: Readiness[] = [];
  const telemetry = createTelemetry();
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const service = (index: number): Service => ({
      incarnation: 'gw_1',
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      readiness: () => states[index] ?? { ready: true, reasons: [] },
    });
    const services = [service(0), service(1), service(2)];
    app = await NestFactory.create(HealthModule.of(services, telemetry, services.slice(2)), { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());
  beforeEach(() => void states.splice(0));

  it('is alive as long as it answers, ready or not', async () => {
    states.push({ ready: false, reasons: ['the bus is away'] });
    expect((await fetch(`${url}/healthz/live`)).status).toBe(200);
  });

  it('is ready when all its services are', async () => {
    const response = await fetch(`${url}/healthz/ready`);
    expect([response.status, await response.json()]).toEqual([200, { ready: true, reasons: [] }]);
  });

  it('answers 503 with the reasons of those that are not', async () => {
    states.push({ ready: false, reasons: ['the bus is away'] }, { ready: false, reasons: ['no voice', 'stopping'] });
    const response = await fetch(`${url}/healthz/ready`);
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, reasons: ['the bus is away', 'no voice', 'stopping'] },
    ]);
  });

  it('is not ready when one service is not', async () => {
    states.push({ ready: true, reasons: [] }, { ready: false, reasons: ['no voice'] });
    expect((await fetch(`${url}/healthz/ready`)).status).toBe(503);
  });

  it('is ready without an optional service, and says what is missing', async () => {
    const fine = { ready: true, reasons: [] };
    states.push(fine, fine, { ready: false, reasons: ['no voice'] });
    const response = await fetch(`${url}/healthz/ready`);
    expect([response.status, await response.json()]).toEqual([200, { ready: true, reasons: ['no voice'] }]);
  });

  it('serves the metrics as Prometheus reads them', async () => {
    telemetry.port.count('parley_takeovers_total', {});
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain;.* version=0\.0\.4/);
    expect(await response.text()).toContain('parley_takeovers_total 1\n');
  });
});
