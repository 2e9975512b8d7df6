import 'reflect-metadata';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { serveWebClient } from './web-client';

@Module({})
class EmptyModule {}

describe('the web client over HTTP', () => {
  let dir: string;
  let app: NestExpressApplication;
  let url: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'parley-web-'));
    await mkdir(path.join(dir, 'assets'));
    await writeFile(path.join(dir, 'index.html'), '<!doctype html><title>Parley</title>');
    await writeFile(path.join(dir, 'assets', 'index-abc123.js'), 'export {};');
    await writeFile(path.join(dir, 'assets', 'index-abc123.css'), 'body{}');
    app = await NestFactory.create<NestExpressApplication>(EmptyModule, { logger: false });
    serveWebClient(app, dir);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
    await rm(dir, { recursive: true });
  });

  it.each([
    ['/', 'text/html'],
    ['/index.html', 'text/html'],
    ['/assets/index-abc123.js', 'text/javascript'],
    ['/assets/index-abc123.css', 'text/css'],
  ])('serves %s as %s', async (file, type) => {
    const response = await fetch(`${url}${file}`);
    expect([response.status, response.headers.get('content-type')?.split(';')[0]]).toEqual([200, type]);
  });

  it('lets hashed files be kept for ever and the page be asked for again', async () => {
    const cacheControl = async (file: string) => (await fetch(`${url}${file}`)).headers.get('cache-control');
    expect(await cacheControl('/assets/index-abc123.js')).toBe('public, max-age=31536000, immutable');
    expect(await cacheControl('/')).toBe('no-cache');
  });

  it('sends the security headers with every answer, found or not', async () => {
    for (const file of ['/', '/assets/index-abc123.js', '/missing']) {
      const { headers } = await fetch(`${url}${file}`);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it.each(['/../package.json', '/%2e%2e/package.json', '/assets/..%2f..%2fx'])(
    'serves nothing outside: %s',
    async (file) => {
      expect((await fetch(`${url}${file}`)).status).toBeGreaterThanOrEqual(400);
    },
  );

  it('starts without a built client', async () => {
    const bare = await NestFactory.create<NestExpressApplication>(EmptyModule, { logger: false });
    serveWebClient(bare, path.join(dir, 'nowhere'));
    await bare.listen(0, '127.0.0.1');
    expect((await fetch(await bare.getUrl())).status).toBe(404);
    await bare.close();
  });
});
