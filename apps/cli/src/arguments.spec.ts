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
