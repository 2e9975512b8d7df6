import { parseArgs } from 'node:util';
import type { SessionId } from '@parley/model';
import type { JournalCommand } from './journal/commands';

export interface SayOptions {
  text: string;
  url: string;
  key: string | undefined;
  /** Where to write the WAV. */
  out: string | undefined;
  interruptAfterMs: number | undefined;
  timeoutMs: number;
  json: boolean;
}

export type Arguments =
  | { kind: 'help' }
  | { kind: 'version' }
  | { kind: 'say'; options: SayOptions }
  | { kind: 'journal'; command: JournalCommand; natsUrls: string[] }
  | { kind: 'bad'; message: string };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'ws://127.0.0.1:8080';
/** Known to everyone, so it opens only a gateway on this machine. */
const LOOPBACK_KEY = 'dev';
const DEFAULT_TIMEOUT_S = 60;
const MAX_INTERRUPT_AFTER_MS = 600_000;
const MAX_TIMEOUT_S = 3600;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000_000;

/** Which options belong to which command. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  say: ['out', 'interrupt-after', 'url', 'key', 'timeout', 'json'],
  sessions: ['limit'],
  replay: [],
  forget: [],
};

/** A wrong option ends the reading of the rest; the message names it and the fix. */
class BadArgument extends Error {}

/** `argv` without node and script. No message ever quotes the key. */
export function parseArguments(argv: readonly string[], env: Environment): Arguments {
  try {
    const { values, positionals } = readArguments(argv);
    if (values.help === true) return { kind: 'help' };
    if (values.version === true) return { kind: 'version' };
    return command(values, positionals, env);
  } catch (error) {
    if (error instanceof BadArgument) return { kind: 'bad', message: error.message };
    throw error;
  }
}

const parse = (argv: readonly string[]) =>
  parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      'interrupt-after': { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
      timeout: { type: 'string' },
      json: { type: 'boolean' },
      limit: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
type Values = ReturnType<typeof parse>['values'];

function readArguments(argv: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(argv);
  } catch (error) {
    if (!isParseError(error)) throw error;
    // Node's first sentence names the option; its second, about "--", misleads more often than it helps.
    const [sentence] = error.message.split(/\.\s|\n/);
    throw new BadArgument(`${sentence}; parley --help lists the options`);
  }
}

/** By its documented code: Node's own classes are not those of every realm this runs in. */
const isParseError = (error: unknown): error is { message: string } =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  String(error.code).startsWith('ERR_PARSE_ARGS_') &&
  'message' in error &&
  typeof error.message === 'string';

function command(values: Values, [name, ...rest]: string[], env: Environment): Arguments {
  if (name === undefined) throw new BadArgument('nothing to do: try parley say "Hello"');
  const own = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (!own) throw new BadArgument(`unknown command '${name}': there are ${Object.keys(OPTIONS).join(', ')}`);
  const foreign = Object.keys(values).find((option) => !own.includes(option));
  if (foreign !== undefined) throw new BadArgument(`${name} has no option --${foreign}`);
  if (name === 'say') return { kind: 'say', options: sayOptions(values, rest, env) };
  return { kind: 'journal', command: journalCommand(name, values, rest), natsUrls: natsUrls(env) };
}

function journalCommand(name: string, values: Values, [id, ...more]: string[]): JournalCommand {
  if (name === 'sessions') {
    if (id !== undefined) throw new BadArgument('sessions takes no argument: parley replay <session> shows one');
    const limit = wholeNumber('--limit', values.limit, 1, MAX_LIMIT, 'sessions') ?? DEFAULT_LIMIT;
    return { kind: 'sessions', limit };
  }
  if (id === undefined || more.length > 0) throw new BadArgument(`${name} takes one session: parley ${name} sess_…`);
  if (!isSessionName(id)) throw new BadArgument(`'${id}' is no session: they begin with sess_, see parley sessions`);
  return { kind: name === 'forget' ? 'forget' : 'replay', sessionId: id };
}

/** As a token of a subject: no dot, no wildcard. */
const isSessionName = (text: string): text is SessionId => /^sess_[\w-]+$/.test(text);

function natsUrls(env: Environment): string[] {
  const urls = (env['NATS_URL'] ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (urls.length === 0) throw new BadArgument('NATS_URL must be set: the NATS of the services, nats://host:4222');
  // Never repeated: it may hold a password.
  const isNats = (url: string): boolean => URL.canParse(url) && ['nats:', 'tls:'].includes(new URL(url).protocol);
  if (!urls.every(isNats)) throw new BadArgument('NATS_URL must be nats:// or tls:// addresses, separated by commas');
  return urls;
}

function sayOptions(values: Values, [text, ...more]: string[], env: Environment): SayOptions {
  if (text === undefined || text.trim() === '') throw new BadArgument('say needs a text: parley say "Hello"');
  if (more.length > 0) throw new BadArgument('say takes one text: put it in quotes');
  const url = gatewayUrl(values.url, env);
  return {
    text,
    url: url.href,
    key: apiKey(values.key, env) ?? (isLoopback(url) ? LOOPBACK_KEY : undefined),
    out: values.out,
    interruptAfterMs: wholeNumber('--interrupt-after', values['interrupt-after'], 0, MAX_INTERRUPT_AFTER_MS, 'ms'),
    timeoutMs: 1000 * (wholeNumber('--timeout', values.timeout, 1, MAX_TIMEOUT_S, 's') ?? DEFAULT_TIMEOUT_S),
    json: values.json === true,
  };
}

/** The first of the two that is set and not empty, with the name to blame. */
function chosen(
  option: string,
  value: string | undefined,
  variable: string,
  env: Environment,
): { name: string; value: string } | undefined {
  if (value !== undefined) return { name: option, value };
  const fallback = env[variable];
  return fallback === undefined || fallback === '' ? undefined : { name: variable, value: fallback };
}

function gatewayUrl(option: string | undefined, env: Environment): URL {
  const from = chosen('--url', option, 'PARLEY_URL', env) ?? { name: '--url', value: DEFAULT_URL };
  const url = URL.canParse(from.value) ? new URL(from.value) : undefined;
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') {
    throw new BadArgument(`${from.name}: '${from.value}' is no ws:// or wss:// address, such as ${DEFAULT_URL}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadArgument(`${from.name}: give the key with PARLEY_KEY or --key, not in the address`);
  }
  return url;
}

function apiKey(option: string | undefined, env: Environment): string | undefined {
  const from = chosen('--key', option, 'PARLEY_KEY', env);
  // It travels in an HTTP header.
  if (from !== undefined && !/^[\x21-\x7e]+$/.test(from.value)) {
    throw new BadArgument(`${from.name}: a key consists of visible ASCII characters; check for spaces and line breaks`);
  }
  return from?.value;
}

function wholeNumber(
  option: string,
  value: string | undefined,
  least: number,
  most: number,
  unit: string,
): number | undefined {
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  throw new BadArgument(`${option}: '${value}' is no whole number of ${unit} from ${least} to ${most}`);
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
