import { parseArguments } from './arguments';

const say = (argv: string[], env: Record<string, string> = {}) => {
  const parsed = parseArguments(['say', 'Hello', ...argv], env);
  if (parsed.kind !== 'say') throw new Error(`not understood: ${JSON.stringify(parsed)}`);
  return parsed.options;
};

const complaint = (argv: string[], env: Record<string, string> = {}): string => {
  const parsed = parseArguments(argv, env);
  if (parsed.kind !== 'bad') throw new Error(`accepted: ${JSON.stringify(parsed)}`);
  return parsed.message;
};

describe('parseArguments', () => {
  it('takes a gateway on this machine, its well-known key and 60 s by default', () => {
    expect(say([])).toEqual({
      text: 'Hello',
      url: 'ws://127.0.0.1:8080/',
      key: 'dev',
      out: undefined,
      interruptAfterMs: undefined,
      timeoutMs: 60_000,
      json: false,
    });
  });

  it('reads every option', () => {
    const argv = ['--url', 'wss://h.test/p', '--key', 'k', '--out', 'a.wav', '--interrupt-after', '800', '--timeout=5'];
    expect(say([...argv, '--json'])).toEqual({
      text: 'Hello',
      url: 'wss://h.test/p',
      key: 'k',
      out: 'a.wav',
      interruptAfterMs: 800,
      timeoutMs: 5000,
      json: true,
    });
  });

  it('prefers an option over its variable, and a variable over the default', () => {
    const env = { PARLEY_URL: 'ws://env.test', PARLEY_KEY: 'env-key' };
    expect(say([], env)).toMatchObject({ url: 'ws://env.test/', key: 'env-key' });
    expect(say(['--url', 'ws://opt.test', '--key', 'opt-key'], env)).toMatchObject({
      url: 'ws://opt.test/',
      key: 'opt-key',
    });
    expect(say([], { PARLEY_URL: '', PARLEY_KEY: '' })).toMatchObject({ url: 'ws://127.0.0.1:8080/', key: 'dev' });
  });

  it.each(['ws://localhost:1', 'ws://127.0.0.5:1', 'ws://[::1]:1'])('offers the well-known key to %s', (url) => {
    expect(say(['--url', url]).key).toBe('dev');
  });

  it.each(['ws://localhost.evil.test', 'ws://10.0.0.1', 'ws://127.0.0.1.evil.test'])('offers no key to %s', (url) => {
    expect(say(['--url', url]).key).toBeUndefined();
  });

  it.each([['--help'], ['-h'], ['say', '--help']])('%s asks for help', (...argv) => {
    expect(parseArguments(argv, {})).toEqual({ kind: 'help' });
  });

  it('--version asks for the version', () => {
    expect(parseArguments(['--version'], {})).toEqual({ kind: 'version' });
  });

  it.each([
    [[], 'parley say "Hello"'],
    [['shout', 'Hello'], "unknown command 'shout'"],
    [['toString'], "unknown command 'toString'"],
    [['sessions', '--json'], 'sessions has no option --json'],
    [['say', 'Hello', '--limit', '3'], 'say has no option --limit'],
    [['say'], 'say needs a text'],
    [['say', '  '], 'say needs a text'],
    [['say', 'Hello', 'there'], 'quotes'],
    [['say', 'Hello', '--loud'], '--loud'],
    [['say', 'Hello', '--out'], '--out'],
    [['say', 'Hello', '--interrupt-after', 'soon'], "--interrupt-after: 'soon' is no whole number of ms from 0"],
    [['say', 'Hello', '--interrupt-after=-5'], '--interrupt-after'],
    [['say', 'Hello', '--timeout', '0'], "--timeout: '0' is no whole number of s from 1"],
    [['say', 'Hello', '--timeout', '1e3'], '--timeout'],
    [['say', 'Hello', '--url', 'http://h.test'], '--url'],
    [['say', 'Hello', '--url', 'nonsense'], '--url'],
  ])('%j is refused by name', (argv, message) => {
    expect(complaint(argv)).toContain(message);
  });

  describe('for the journal', () => {
    const env = { NATS_URL: 'nats://one:4222, tls://user:cret@two' };
    const natsUrls = ['nats://one:4222', 'tls://user:cret@two'];

    it('reads what it is asked for, and where it is as the services do', () => {
      const journal = (...argv: string[]) => parseArguments(argv, env);
      expect(journal('sessions')).toEqual({ kind: 'journal', command: { kind: 'sessions', limit: 20 }, natsUrls });
      expect(journal('sessions', '--limit', '3')).toMatchObject({ command: { limit: 3 } });
      expect(journal('replay', 'sess_1')).toMatchObject({ command: { kind: 'replay', sessionId: 'sess_1' } });
      expect(journal('forget', 'sess_a-b')).toMatchObject({ command: { kind: 'forget', sessionId: 'sess_a-b' } });
    });

    it.each([
      [['sessions', 'sess_1'], 'takes no argument'],
      [['sessions', '--limit', '0'], '--limit'],
      [['replay'], 'replay takes one session'],
      [['forget', 'sess_1', 'sess_2'], 'forget takes one session'],
      [['forget', 'resp_1'], "'resp_1' is no session"],
      [['forget', 'sess_1.>'], 'is no session'],
      [['forget', 'sess_*'], 'is no session'],
    ])('%j is refused by name', (argv, message) => {
      expect(complaint(argv, env)).toContain(message);
    });

    it('needs to know where it is, and never quotes it', () => {
      expect(complaint(['sessions'])).toContain('NATS_URL must be set');
      const wrong = complaint(['sessions'], { NATS_URL: 'redis://user:cret@host' });
      expect(wrong).toContain('NATS_URL must be nats://');
      expect(wrong).not.toContain('cret');
    });
  });

  it('blames the variable when the address came from there', () => {
    expect(complaint(['say', 'Hello'], { PARLEY_URL: 'nonsense' })).toMatch(/^PARLEY_URL: /);
  });

  it('never quotes a key, not even a bad one or one inside an address', () => {
    const secrets = [
      complaint(['say', 'Hello', '--key', 'se cret']),
      complaint(['say', 'Hello'], { PARLEY_KEY: 'se\ncret' }),
      complaint(['say', 'Hello', '--url', 'ws://user:cret@h.test']),
    ];
    for (const message of secrets) expect(message).not.toContain('cret');
  });
});
