import { VirtualSystem } from '@parley/harness';
import { createLog, type LogOptions } from './log';

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    format: 'json',
    role: 'gateway',
    secrets: ['hunter2-key', 'dev'],
    clock: new VirtualSystem().clock,
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines, records: () => lines.map((line): unknown => JSON.parse(line)) };
}

describe('the log', () => {
  it('writes one JSON line with time, role and fields', () => {
    const { log, lines, records } = logged();
    log.info('session started', { sessionId: 'sess_1', count: 2, live: true, nothing: undefined });
    expect(records()).toEqual([
      {
        level: 'info',
        time: '2027-01-01T12:00:00.000Z',
        role: 'gateway',
        message: 'session started',
        sessionId: 'sess_1',
        count: 2,
        live: true,
      },
    ]);
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
  });

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
  ] as const)('at level %s writes %d of four', (level, count) => {
    const { log, lines } = logged({ level });
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines).toHaveLength(count);
  });

  it('gives the lines of a child its fields', () => {
    const { log, records } = logged();
    log.child({ sessionId: 'sess_1' }).child({ turn: 3 }).warn('late', { ms: 5 });
    expect(records()).toMatchObject([{ message: 'late', sessionId: 'sess_1', turn: 3, ms: 5 }]);
  });

  it.each([
    'apiKey',
    'OPENAI_API_KEY',
    'token',
    'resume_token',
    'authorization',
    'Authorization',
    'password',
    'cookie',
  ])('redacts what a field named %s holds, in a child too', (name) => {
    const { log, lines } = logged();
    log.info('x', { [name]: 'visible-value' });
    log.child({ [name]: 'visible-value' }).info('x');
    expect(lines.join('')).not.toContain('visible-value');
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(2);
  });

  it('keeps numbers, which are counts and not secrets', () => {
    const { log, records } = logged();
    log.info('x', { outputTokens: 12 });
    expect(records()).toMatchObject([{ outputTokens: 12 }]);
  });

  it("redacts the process's own secrets wherever they stand, but not what is too short to be one", () => {
    const { log, lines } = logged();
    log.warn('x', { reason: 'refused hunter2-key at device' });
    log.error('x', { error: new Error('401 for hunter2-key') });
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines[0]).toContain('refused [redacted] at device');
  });

  it.each([
    ['redis://user:pw@store:6379 is away', 'redis://[redacted]@store:6379 is away'],
    ['nats://abc@bus', 'nats://[redacted]@bus'],
    ['sent Authorization: Bearer abc.def', 'sent Authorization: Bearer [redacted]'],
    ['offered realtime, openai-insecure-api-key.abc, x', 'offered realtime, openai-insecure-api-key.[redacted], x'],
    ['GET /openai/realtime?deployment=m&api-key=abc&x=1', 'GET /openai/realtime?deployment=m&api-key=[redacted]&x=1'],
    [`came with ek_${'0f'.repeat(16)}, x`, 'came with [redacted], x'],
    ['http://host/path is fine', 'http://host/path is fine'],
  ])('redacts credentials inside a text: %s', (text, written) => {
    const { log, records } = logged();
    log.info('x', { text });
    expect(records()).toMatchObject([{ text: written }]);
  });

  it('writes where an error was thrown, and none of its other properties', () => {
    const { log, lines, records } = logged();
    log.error('failed', { error: Object.assign(new Error('broken'), { request: { headers: 'private' } }) });
    log.error('failed', { error: 'a text' });
    expect(records()).toMatchObject([
      { error: expect.stringMatching(/^Error: broken\n\s+at .*log\.spec/) },
      { error: 'a text' },
    ]);
    expect(lines.join('')).not.toContain('private');
  });

  it('says READY whatever the level is', () => {
    const { log, records } = logged({ level: 'error' });
    log.ready('http://127.0.0.1:8080');
    expect(records()).toMatchObject([{ message: 'READY', role: 'gateway', url: 'http://127.0.0.1:8080' }]);
  });

  it('says where TLS is, and by which certificate, before READY', () => {
    const { log, records } = logged({ level: 'error' });
    log.ready('http://a:1', { url: 'https://a:2', certificate: '/c.pem' });
    expect(records()).toMatchObject([
      { message: 'TLS', role: 'gateway', url: 'https://a:2', certificate: '/c.pem' },
      { message: 'READY', url: 'http://a:1' },
    ]);
  });
});

describe('the readable format', () => {
  it('is one line a person can read', () => {
    const { log, lines } = logged({ format: 'readable' });
    log.warn('link lost', { server: 'nats', attempts: 2, apiKey: 'k' });
    expect(lines).toEqual(['12:00:00.000 warn  gateway link lost server=nats attempts=2 apiKey=[redacted]\n']);
  });

  it('puts an error on lines of its own', () => {
    const { log, lines } = logged({ format: 'readable' });
    log.error('failed', { error: 'first\nsecond', turn: 1 });
    expect(lines).toEqual(['12:00:00.000 error gateway failed turn=1\n    first\n    second\n']);
  });

  it('keeps READY and the address together', () => {
    const { log, lines } = logged({ format: 'readable' });
    log.ready('http://127.0.0.1:8080');
    expect(lines).toEqual(['READY http://127.0.0.1:8080\n']);
  });

  it('keeps TLS, its address and its certificate together', () => {
    const { log, lines } = logged({ format: 'readable' });
    log.ready('http://a:1', { url: 'https://a:2', certificate: '/c.pem' });
    log.ready('http://a:1', { url: 'https://a:2', certificate: undefined });
    expect(lines).toEqual([
      'TLS https://a:2 certificate=/c.pem\n',
      'READY http://a:1\n',
      'TLS https://a:2\n',
      'READY http://a:1\n',
    ]);
  });
});
