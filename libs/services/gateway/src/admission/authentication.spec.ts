import type { UpgradeRequest } from '@parley/ports';
import { authenticate, selectSubprotocol, type Authentication } from './authentication';
import type { GatewayConfig } from '../config';
import { keyOf } from './route';

const KEYS = { apiKeys: ['first-key', 'second-key'], devKeyAllowed: false, maxConnections: 1, maxLagMs: 100 };
const DEV = { apiKeys: [], devKeyAllowed: true, maxConnections: 1, maxLagMs: 100 };

const request = (more: Partial<UpgradeRequest> = {}): UpgradeRequest => ({
  path: '/v1/realtime',
  query: {},
  headers: { host: 'localhost:8080' },
  subprotocols: [],
  loopback: true,
  ...more,
});
const bearer = (key: string, headers: Record<string, string> = {}): UpgradeRequest =>
  request({ headers: { host: 'localhost:8080', authorization: `Bearer ${key}`, ...headers } });
const judged = (offered: UpgradeRequest, config: GatewayConfig): Authentication =>
  authenticate(keyOf(offered), offered, config);
const offering = (...subprotocols: string[]): UpgradeRequest => request({ subprotocols });

const MISSING: Authentication = {
  kind: 'refused',
  status: 401,
  message: 'An API key is needed: Authorization: Bearer <key>.',
};
const INVALID: Authentication = { kind: 'refused', status: 401, message: 'The API key is not valid.' };
const FOREIGN: Authentication = {
  kind: 'refused',
  status: 403,
  message: 'The key "dev" is not accepted from a web page of another origin.',
};
const ACCEPTED: Authentication = { kind: 'accepted' };

describe('a configured key', () => {
  it.each([
    ['as a bearer', bearer('first-key')],
    ['of the end of the list', bearer('second-key')],
    [
      'with the scheme in other letters and spaces around',
      request({ headers: { authorization: 'bEARER  first-key ' } }),
    ],
    ['as Azure’s header', request({ headers: { 'api-key': 'second-key' } })],
    ['as a subprotocol of a browser', offering('realtime', 'openai-insecure-api-key.second-key', 'parley.v1')],
    ['from any page', bearer('first-key', { origin: 'https://app.example' })],
    ['from another machine', { ...bearer('first-key'), loopback: false }],
  ])('is accepted %s', (_how, offered) => {
    expect(judged(offered, KEYS)).toEqual(ACCEPTED);
  });

  it('as a bearer counts before any other, and in a header before one among the subprotocols', () => {
    const subprotocols = ['openai-insecure-api-key.first-key'];
    expect(judged({ ...bearer('wrong', { 'api-key': 'first-key' }), subprotocols }, KEYS)).toEqual(INVALID);
    expect(judged(request({ headers: { 'api-key': 'wrong' }, subprotocols }), KEYS)).toEqual(INVALID);
  });
});

describe('a key that is not known', () => {
  it.each([
    'first-ke',
    'first-key2',
    'FIRST-KEY',
    'irst-key',
    'second-keysecond-key',
    'dev',
    'first-key,second-key',
    'undefined',
  ])('is refused in the same words, whatever it has in common with a known one: %s', (key) => {
    expect(judged(bearer(key), KEYS)).toEqual(INVALID);
    expect(judged(offering(`openai-insecure-api-key.${key}`), KEYS)).toEqual(INVALID);
  });

  it.each([
    ['nothing', request()],
    ['another scheme', request({ headers: { authorization: 'Basic first-key' } })],
    ['a scheme alone', request({ headers: { authorization: 'Bearer' } })],
    ['a scheme and spaces', request({ headers: { authorization: 'Bearer   ' } })],
    ['two words', request({ headers: { authorization: 'Bearer first-key second-key' } })],
    ['an empty subprotocol entry', offering('openai-insecure-api-key.')],
    ['an empty header of Azure’s', request({ headers: { 'api-key': '' } })],
    ['the key in the query', request({ query: { key: 'first-key', api_key: 'first-key', 'api-key': 'first-key' } })],
    ['the key as a subprotocol of its own', offering('first-key')],
  ])('is asked for when there is none: %s', (_what, offered) => {
    expect(judged(offered, KEYS)).toEqual(MISSING);
  });

  it.each([
    ['no key', request(), MISSING],
    ['an empty subprotocol entry', offering('openai-insecure-api-key.'), MISSING],
    ['an empty bearer', request({ headers: { authorization: 'Bearer ' } }), MISSING],
    ['another key', bearer('x'), INVALID],
    ['a NUL', offering('openai-insecure-api-key.\0'), INVALID],
  ])('is never let in by an empty entry in the list of keys: %s', (_what, offered, refusal) => {
    expect(judged(offered, { ...KEYS, apiKeys: ['', 'first-key'] })).toEqual(refusal);
    expect(judged(offered, { ...KEYS, apiKeys: [''] })).toEqual(refusal);
  });

  it('is refused when there are no keys at all', () => {
    expect(judged(bearer('first-key'), { ...KEYS, apiKeys: [] })).toEqual(INVALID);
  });
});

describe('a client secret', () => {
  const secret = `ek_${'0f'.repeat(16)}`;

  it('is to be looked for, from wherever it comes', () => {
    for (const offered of [bearer(secret), offering(`openai-insecure-api-key.${secret}`)]) {
      expect(judged({ ...offered, loopback: false }, KEYS)).toEqual({ kind: 'secret', secret });
    }
    expect(judged(bearer(secret, { origin: 'https://app.example' }), DEV)).toEqual({ kind: 'secret', secret });
  });

  it.each([`${secret}0`, secret.slice(0, -1), secret.toUpperCase(), 'ek_', `x${secret}`])(
    'of another form was not made here: %s',
    (key) => {
      expect(judged(bearer(key), KEYS)).toEqual(INVALID);
    },
  );

  it('that is a configured key is a key', () => {
    expect(judged(bearer(secret), { ...KEYS, apiKeys: [secret] })).toEqual(ACCEPTED);
  });
});

describe('the key dev', () => {
  it.each([
    undefined,
    'http://localhost:8080',
    'http://localhost:5173',
    'https://localhost',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://LOCALHOST:8080',
  ])('is accepted from loopback, by no page or one of loopback: %s', (origin) => {
    expect(judged(bearer('dev', origin === undefined ? {} : { origin }), DEV)).toEqual(ACCEPTED);
    const offered = offering('openai-insecure-api-key.dev');
    const headers = { host: 'localhost:8080', origin };
    expect(judged({ ...offered, headers }, DEV)).toEqual(ACCEPTED);
  });

  it.each([
    ['of a foreign origin', 'https://evil.example', 'localhost:8080'],
    ['whose own name was made to lead here', 'http://evil.example:8080', 'evil.example:8080'],
    ['whose name begins like a loopback one', 'http://localhost.evil.example', 'localhost:8080'],
    ['whose name ends like a loopback one', 'http://evil-localhost', 'localhost:8080'],
    ['with a loopback name as its user', 'http://localhost@evil.example', 'localhost:8080'],
    ['without an origin of its own', 'null', 'localhost:8080'],
    ['without an origin, for a Host of the same name', 'null', 'null'],
    ['of a file', 'file://', 'localhost:8080'],
    ['of a file, for an empty Host', 'file://', ''],
    ['of an empty origin', '', 'localhost:8080'],
    ['of several origins', 'http://localhost:8080, https://evil.example', 'localhost:8080'],
    ['of another IPv6 host', 'http://[::2]:8080', '[::2]:8080'],
    ['of another private address', 'http://192.168.0.1:8080', '192.168.0.1:8080'],
  ])('is refused from a page %s', (_what, origin, host) => {
    expect(judged(bearer('dev', { origin, host }), DEV)).toEqual(FOREIGN);
  });

  it('is a key like any other that is not known, from another machine or where it is not allowed', () => {
    expect(judged({ ...bearer('dev'), loopback: false }, DEV)).toEqual(INVALID);
    expect(judged(bearer('dev'), { ...DEV, devKeyAllowed: false })).toEqual(INVALID);
    expect(judged(bearer('dev', { origin: 'https://evil.example' }), { ...DEV, devKeyAllowed: false })).toEqual(
      INVALID,
    );
  });

  it('is accepted from everywhere once it is a configured key', () => {
    const offered = { ...bearer('dev', { origin: 'https://app.example' }), loopback: false };
    expect(judged(offered, { ...KEYS, apiKeys: ['dev'] })).toEqual(ACCEPTED);
  });
});

describe('the selected subprotocol', () => {
  it.each([
    [['openai-beta.realtime-v1', 'openai-insecure-api-key.k', 'realtime'], 'realtime'],
    [['openai-insecure-api-key.k', 'openai-beta.realtime-v1'], 'openai-beta.realtime-v1'],
    [['parley.v1', 'openai-beta.realtime-v1'], 'openai-beta.realtime-v1'],
    [['parley.v1'], undefined],
  ])('of %j in the older dialect is %s', (offered, selected) => {
    expect(selectSubprotocol(offered, 'beta')).toBe(selected);
  });

  it.each([
    [['realtime', 'parley.v1'], 'parley.v1'],
    [['openai-insecure-api-key.k', 'realtime'], 'realtime'],
    [['openai-insecure-api-key.k'], undefined],
    [['other', 'Parley.V1'], undefined],
    [[], undefined],
  ])('of %j is %s', (offered, selected) => {
    expect(selectSubprotocol(offered, 'parley')).toBe(selected);
  });
});
