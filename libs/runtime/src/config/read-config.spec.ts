import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigOf } from './config';
import { describeProblems, readConfig } from './read-config';
import { ROLE_VARIABLES, ROLES, VARIABLE_TABLE, type Role } from './roles';

type Env = Record<string, string | undefined>;

const SERVERS = { NATS_URL: 'nats://bus:4222', REDIS_URL: 'redis://store:6379' };

function valid<R extends Role>(role: R, env: Env): ConfigOf[R] {
  const outcome = readConfig(role, env);
  if (outcome.kind === 'invalid') throw new Error(describeProblems(outcome.problems));
  return outcome.config;
}

function problems(role: Role, env: Env): string[] {
  const outcome = readConfig(role, env);
  return outcome.kind === 'invalid' ? outcome.problems.map(({ variable }) => variable).sort() : [];
}

describe('defaults', () => {
  it('need nothing to be set for everything in one process', () => {
    expect(valid('standalone', {})).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080, tls: null },
      access: { apiKeys: [], devKeyAllowed: true },
      conversation: {
        llm: { kind: 'demo' },
        model: 'demo',
        voice: undefined,
        modelMap: {},
        voiceMap: {},
        lipSync: true,
        sessionMaxMs: 3_600_000,
      },
      tts: { kind: 'espeak', voice: undefined },
      log: { level: 'info', format: 'readable' },
    });
  });

  it('take the servers of a service from nowhere', () => {
    expect(problems('gateway', {})).toEqual(['NATS_URL']);
    expect(problems('orchestrator', {})).toEqual(['NATS_URL', 'REDIS_URL']);
    expect(problems('tts', {})).toEqual(['NATS_URL']);
    expect(problems('avatar', {})).toEqual(['NATS_URL']);
  });

  it('let a service log JSON and listen on any free port', () => {
    expect(valid('tts', SERVERS)).toMatchObject({
      listen: { host: '127.0.0.1', port: 0, tls: null },
      log: { level: 'info', format: 'json' },
    });
  });

  it('hold for a variable that is set to nothing, as a compose file sets it', () => {
    expect(valid('standalone', { PARLEY_PORT: '', PARLEY_API_KEYS: '', OPENAI_API_KEY: '', PARLEY_LLM: '' })).toEqual(
      valid('standalone', {}),
    );
  });
});

describe('the limits', () => {
  it('have defaults, and each process reads its own', () => {
    const [maxConnections, maxSessions, maxVoiceJobs, maxLagMs] = [1000, 1000, 1000, 100];
    expect(valid('gateway', SERVERS).limits).toEqual({ maxConnections, maxLagMs });
    expect(valid('orchestrator', SERVERS).limits).toEqual({ maxSessions, maxLagMs });
    expect(valid('tts', SERVERS).limits).toEqual({ maxVoiceJobs, maxLagMs });
    expect(valid('standalone', {}).limits).toEqual({ maxConnections, maxSessions, maxVoiceJobs, maxLagMs });
    const set = {
      PARLEY_MAX_CONNECTIONS: '1',
      PARLEY_MAX_SESSIONS: '2',
      PARLEY_MAX_VOICE_JOBS: '3',
      PARLEY_MAX_LAG_MS: '4',
    };
    expect(valid('standalone', set).limits).toEqual({
      maxConnections: 1,
      maxSessions: 2,
      maxVoiceJobs: 3,
      maxLagMs: 4,
    });
  });

  it.each(['0', '-1', '1.5', 'many', '1e3'])('refuses `%s`', (value) => {
    expect(problems('gateway', { ...SERVERS, PARLEY_MAX_CONNECTIONS: value, PARLEY_MAX_LAG_MS: value })).toEqual([
      'PARLEY_MAX_CONNECTIONS',
      'PARLEY_MAX_LAG_MS',
    ]);
  });
});

describe('the journal', () => {
  const journal = (env: Env) => valid('orchestrator', { ...SERVERS, ...env }).journal;

  it('is off unless it is asked for, because it holds what was said', () => {
    expect(journal({})).toBeNull();
    expect(journal({ PARLEY_JOURNAL: 'no', PARLEY_JOURNAL_MAX_MB: '5' })).toBeNull();
  });

  it('is kept for a day and up to 1 GB, or as configured', () => {
    expect(journal({ PARLEY_JOURNAL: 'yes' })).toEqual({ maxAgeMs: 86_400_000, maxBytes: 1_000_000_000 });
    const limits = { PARLEY_JOURNAL_MAX_AGE_HOURS: '1', PARLEY_JOURNAL_MAX_MB: '50' };
    expect(journal({ PARLEY_JOURNAL: 'yes', ...limits })).toEqual({ maxAgeMs: 3_600_000, maxBytes: 50_000_000 });
  });

  it.each([
    ['PARLEY_JOURNAL', 'on'],
    ['PARLEY_JOURNAL_MAX_AGE_HOURS', '0'],
    ['PARLEY_JOURNAL_MAX_AGE_HOURS', '1.5'],
    ['PARLEY_JOURNAL_MAX_MB', '-1'],
    ['PARLEY_JOURNAL_MAX_MB', '1e9'],
  ])('is refused with %s=%s', (name, value) => {
    expect(problems('orchestrator', { ...SERVERS, [name]: value })).toEqual([name]);
  });
});

describe('the language model', () => {
  const llm = (env: Env) => valid('standalone', env).conversation.llm;

  it.each([
    [{}, 'demo'],
    [{ OPENAI_API_KEY: 'sk-1' }, 'openai'],
    [{ OPENAI_BASE_URL: 'http://localhost:11434/v1' }, 'openai'],
    [{ OPENAI_API_KEY: 'sk-1', PARLEY_LLM: 'demo' }, 'demo'],
    [{ PARLEY_TTS_BASE_URL: 'http://voice/v1' }, 'demo'],
  ])('unset is decided by what is there: %j → %s', (env, kind) => {
    expect(llm(env).kind).toBe(kind);
  });

  it('has a documented default model, which is also the name that clients see', () => {
    const { conversation } = valid('standalone', { OPENAI_API_KEY: 'sk-1' });
    expect(conversation).toMatchObject({
      model: 'gpt-4.1-mini',
      llm: { kind: 'openai', baseUrl: undefined, apiKey: 'sk-1', model: 'gpt-4.1-mini', prefill: 'none' },
    });
    expect(VARIABLE_TABLE.find(({ name }) => name === 'PARLEY_LLM_MODEL')?.default).toBe('`gpt-4.1-mini`');
  });

  it('completes partial answers as is configured, if that is a way there is', () => {
    const vllm = { OPENAI_BASE_URL: 'http://localhost:8000/v1', PARLEY_LLM_PREFILL: 'continue_final_message' };
    expect(llm(vllm)).toMatchObject({ prefill: 'continue_final_message' });
    expect(problems('standalone', { PARLEY_LLM_PREFILL: 'always' })).toEqual(['PARLEY_LLM_PREFILL']);
  });

  it('maps only what is configured', () => {
    const { modelMap } = valid('standalone', {
      PARLEY_MODEL_MAP: 'fast=llama3.2:3b, good = org/big-model ,',
    }).conversation;
    expect(modelMap).toEqual({ fast: 'llama3.2:3b', good: 'org/big-model' });
  });

  it.each(['fast', 'fast=', '=x', 'a=b=c', 'a=b,a=c'])('refuses the map `%s`', (map) => {
    expect(problems('standalone', { PARLEY_MODEL_MAP: map })).toEqual(['PARLEY_MODEL_MAP']);
  });

  it('is refused as `openai` without a key or a URL', () => {
    expect(problems('orchestrator', { ...SERVERS, PARLEY_LLM: 'openai' })).toEqual(['PARLEY_LLM']);
    expect(problems('orchestrator', { ...SERVERS, PARLEY_LLM: 'openai', OPENAI_API_KEY: '' })).toEqual(['PARLEY_LLM']);
  });
});

describe('the voice', () => {
  const tts = (env: Env) => valid('tts', { ...SERVERS, ...env }).tts;

  it.each([
    [{}, 'espeak'],
    [{ OPENAI_API_KEY: 'sk-1' }, 'openai'],
    [{ OPENAI_API_KEY: 'sk-1', OPENAI_BASE_URL: 'http://localhost:11434/v1' }, 'espeak'],
    [{ OPENAI_BASE_URL: 'http://localhost:11434/v1' }, 'espeak'],
    [{ PARLEY_TTS_BASE_URL: 'http://voice/v1' }, 'openai'],
    [{ OPENAI_API_KEY: 'sk-1', PARLEY_TTS: 'espeak' }, 'espeak'],
    [{ OPENAI_BASE_URL: 'http://both/v1', PARLEY_TTS: 'openai' }, 'openai'],
  ])('unset is decided by what is there: %j → %s', (env, kind) => {
    expect(tts(env).kind).toBe(kind);
  });

  it('has a server of its own, else that of the model', () => {
    const both = { OPENAI_BASE_URL: 'http://model/v1', PARLEY_TTS: 'openai' };
    expect(tts(both)).toMatchObject({ baseUrl: 'http://model/v1', model: 'gpt-4o-mini-tts', voice: undefined });
    expect(tts({ ...both, PARLEY_TTS_BASE_URL: 'http://voice/v1/' })).toMatchObject({ baseUrl: 'http://voice/v1/' });
  });

  it('is known to repeat itself only where that is said', () => {
    const server = { PARLEY_TTS_BASE_URL: 'http://voice/v1' };
    expect(tts(server)).toMatchObject({ deterministic: false });
    expect(tts({ ...server, PARLEY_TTS_DETERMINISTIC: 'yes' })).toMatchObject({ deterministic: true });
    expect(problems('tts', { ...SERVERS, PARLEY_TTS_DETERMINISTIC: 'true' })).toEqual(['PARLEY_TTS_DETERMINISTIC']);
  });

  it('is refused as `openai` without a key or a URL', () => {
    expect(problems('tts', { ...SERVERS, PARLEY_TTS: 'openai' })).toEqual(['PARLEY_TTS']);
  });
});

describe('who may connect', () => {
  const access = (env: Env) => valid('gateway', { ...SERVERS, ...env }).access;

  it('reads a comma list of keys', () => {
    expect(access({ PARLEY_API_KEYS: ' alpha, beta,,' })).toEqual({ apiKeys: ['alpha', 'beta'], devKeyAllowed: false });
  });

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is anyone with `dev` on %s when no key is set', (host) => {
    expect(access({ PARLEY_HOST: host })).toEqual({ apiKeys: [], devKeyAllowed: true });
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'gateway.example', '128.0.0.1'])('needs keys on %s', (host) => {
    expect(problems('gateway', { ...SERVERS, PARLEY_HOST: host })).toEqual(['PARLEY_API_KEYS']);
    expect(problems('standalone', { PARLEY_HOST: host })).toEqual(['PARLEY_API_KEYS']);
    expect(access({ PARLEY_HOST: host, PARLEY_API_KEYS: 'k' }).devKeyAllowed).toBe(false);
  });

  it('names the fix when keys are missing', () => {
    const outcome = readConfig('standalone', { PARLEY_HOST: '0.0.0.0' });
    expect(outcome.kind === 'invalid' && describeProblems(outcome.problems)).toBe(
      'PARLEY_API_KEYS must be set, because PARLEY_HOST lets other machines connect (or leave PARLEY_HOST at 127.0.0.1)',
    );
  });

  it.each([',', ' , ', 'two words', 'naïve'])('refuses the key list `%s`', (keys) => {
    expect(problems('standalone', { PARLEY_API_KEYS: keys })).toEqual(['PARLEY_API_KEYS']);
  });

  it('is no concern of a worker', () => {
    expect(problems('tts', { ...SERVERS, PARLEY_HOST: '0.0.0.0' })).toEqual([]);
  });
});

describe('TLS', () => {
  const files = { PARLEY_TLS_CERT: '/etc/cert.pem', PARLEY_TLS_KEY: '/etc/key.pem' };

  it('is on where it has a port, with a certificate for development or with one of its own', () => {
    expect(valid('gateway', { ...SERVERS, PARLEY_TLS_PORT: '8443' }).listen.tls).toEqual({
      port: 8443,
      files: undefined,
    });
    expect(valid('standalone', { PARLEY_TLS_PORT: '0', PARLEY_PORT: '0', ...files }).listen.tls).toEqual({
      port: 0,
      files: { certificate: '/etc/cert.pem', key: '/etc/key.pem' },
    });
  });

  it.each<[Env, string[]]>([
    [files, ['PARLEY_TLS_PORT']],
    [{ PARLEY_TLS_PORT: '1', PARLEY_TLS_CERT: 'c' }, ['PARLEY_TLS_KEY']],
    [{ PARLEY_TLS_PORT: '1', PARLEY_TLS_KEY: 'k' }, ['PARLEY_TLS_CERT']],
    [{ PARLEY_TLS_PORT: '8443', PARLEY_PORT: '8443' }, ['PARLEY_TLS_PORT']],
    [{ PARLEY_TLS_PORT: 'https' }, ['PARLEY_TLS_PORT']],
  ])('is refused where something is missing or twice: %j', (env, variables) => {
    expect(problems('standalone', env)).toEqual(variables);
    expect(problems('gateway', { ...SERVERS, ...env })).toEqual(variables);
  });

  it('is no concern of a worker', () => {
    expect(problems('tts', { ...SERVERS, ...files })).toEqual([]);
  });
});

describe('problems', () => {
  /** Wrong in every variable, each value recognisable. */
  const WRONG: Env = {
    PARLEY_HOST: 'leak me!',
    PARLEY_PORT: 'leak-70000',
    PARLEY_TLS_PORT: 'leak-80000',
    PARLEY_METRICS_PORT: '70000',
    PARLEY_API_KEYS: 'leak this, and that one',
    PARLEY_LLM: 'leak-llm',
    PARLEY_MODEL_MAP: 'leak-map',
    PARLEY_TTS: 'leak-tts',
    PARLEY_TTS_BASE_URL: 'leak-url',
    PARLEY_TTS_DETERMINISTIC: 'leak-maybe',
    PARLEY_AVATAR: 'leak-face',
    OPENAI_API_KEY: 'leak key',
    OPENAI_BASE_URL: 'ftp://leak',
    NATS_URL: 'leak://bus',
    REDIS_URL: 'leak://store',
    REDIS_SENTINELS: 'leak them',
    PARLEY_LOG_LEVEL: 'leak-level',
    PARLEY_LOG_FORMAT: 'leak-format',
  };

  it.each(ROLES)('of %s are reported all together, by name and never by value', (role) => {
    const outcome = readConfig(role, WRONG);
    const own = Object.keys(WRONG).filter((name) => name in ROLE_VARIABLES[role].shape);
    expect(problems(role, WRONG)).toEqual(own.sort());
    expect(outcome.kind === 'invalid' && describeProblems(outcome.problems)).not.toMatch(/leak|70000/);
  });

  it('of one variable hide no rule about several', () => {
    expect(problems('standalone', { PARLEY_PORT: 'x', PARLEY_HOST: '0.0.0.0', PARLEY_LLM: 'openai' })).toEqual([
      'PARLEY_API_KEYS',
      'PARLEY_LLM',
      'PARLEY_PORT',
    ]);
  });

  it.each(['-1', '65536', '80.5', '0x50', '1e3', ' 80'])('refuse the port `%s`', (port) => {
    expect(problems('standalone', { PARLEY_PORT: port })).toEqual(['PARLEY_PORT']);
  });

  it('take several NATS servers and refuse when one is none', () => {
    expect(problems('avatar', { NATS_URL: 'nats://a:1, tls://b:2' })).toEqual([]);
    expect(problems('avatar', { NATS_URL: 'nats://a:1,http://b:2' })).toEqual(['NATS_URL']);
  });
});

describe('the store', () => {
  const redisOf = (own: Record<string, string>): unknown => valid('orchestrator', { ...SERVERS, ...own }).redis;

  it('is one server, or the primary that Sentinels name', () => {
    expect(redisOf({})).toEqual({ url: 'redis://store:6379', sentinels: undefined });
    expect(redisOf({ REDIS_URL: 'redis://main', REDIS_SENTINELS: 'a, b:5000,' })).toEqual({
      url: 'redis://main',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 5_000 },
      ],
    });
  });

  it.each(['a:b', 'a:70000', 'redis://a:1', ','])('has no Sentinels at `%s`', (REDIS_SENTINELS) => {
    expect(problems('orchestrator', { ...SERVERS, REDIS_SENTINELS })).toEqual(['REDIS_SENTINELS']);
  });

  it('has Sentinels without TLS only', () => {
    const own = { REDIS_URL: 'rediss://main', REDIS_SENTINELS: 'a' };
    expect(problems('orchestrator', { ...SERVERS, ...own })).toEqual(['REDIS_SENTINELS']);
  });
});

describe('secrets', () => {
  const ALL = {
    ...SERVERS,
    NATS_URL: 'nats://user:bus%2Fsecret@bus:4222,nats://bus-token@other',
    REDIS_URL: 'rediss://:store-secret@store',
    PARLEY_API_KEYS: 'client-secret',
    OPENAI_API_KEY: 'model-secret',
  };

  it('of others are neither read nor reported', () => {
    expect(JSON.stringify(valid('gateway', ALL))).not.toMatch(/model-secret|store-secret/);
    expect(JSON.stringify(valid('orchestrator', ALL))).not.toMatch(/client-secret/);
    expect(JSON.stringify(valid('tts', ALL))).not.toMatch(/client-secret|store-secret/);
    expect(JSON.stringify(valid('avatar', ALL))).not.toMatch(/client-secret|store-secret|model-secret/);
    expect(problems('avatar', { ...SERVERS, OPENAI_API_KEY: 'not a key', PARLEY_PORT: 'x' })).toEqual([]);
  });

  it('of its own are known, so that the log can leave them out', () => {
    const bus = ['bus%2Fsecret', 'bus/secret', 'bus-token'];
    expect(valid('gateway', ALL).secrets).toEqual(['client-secret', ...bus]);
    expect(valid('orchestrator', ALL).secrets).toEqual(['model-secret', ...bus, 'store-secret']);
    expect(valid('standalone', ALL).secrets).toEqual(['model-secret', 'client-secret']);
  });
});

describe('the table', () => {
  it('says of each variable who reads it, what holds without it, and what it is for', () => {
    for (const { name, roles, default: whenUnset, meaning } of VARIABLE_TABLE) {
      expect({ name, isRead: roles.length > 0, hasDefault: whenUnset !== '' }).toEqual({
        name,
        isRead: true,
        hasDefault: true,
      });
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('stands in the README as it is', async () => {
    const readme = await readFile(path.resolve(__dirname, '../../../../README.md'), 'utf8');
    const rows = readme
      .split('\n')
      .map((line) => line.split(/ *(?<!\\)\| */).slice(1, -1))
      .filter(([name]) => /^`[A-Z_]+`$/.test(name ?? ''));
    expect(rows).toEqual(
      VARIABLE_TABLE.map(({ name, roles, default: whenUnset, meaning }) => [
        `\`${name}\``,
        whenUnset,
        roles.join(', '),
        meaning,
      ]),
    );
  });

  it('gives the model key to no process but those that call a provider', () => {
    expect(VARIABLE_TABLE.find(({ name }) => name === 'OPENAI_API_KEY')?.roles).toEqual([
      'orchestrator',
      'tts',
      'standalone',
    ]);
  });
});
