import type { UpgradeRequest } from '@parley/ports';
import { authenticate, selectSubprotocol, type Authentication } from './authentication';

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
    ['in the query of the older dialect', request({ path: '/openai/realtime', query: { 'api-key': 'first-key' } })],
    ['as a subprotocol of a browser', offering('realtime', 'openai-insecure-api-key.second-key', 'parley.v1')],
    ['from any page', bearer('first-key', { origin: 'https://app.example' })],
    ['from another machine', { ...bearer('first-key'), loopback: false }],
  ])('is accepted %s', (_how, offered) => {
    expect(authenticate(offered, KEYS)).toEqual(ACCEPTED);
  });

  it('in the header counts before one among the subprotocols', () => {
    const both = { ...bearer('wrong'), subprotocols: ['openai-insecure-api-key.first-key'] };
    expect(authenticate(both, KEYS)).toEqual(INVALID);
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
    expect(authenticate(bearer(key), KEYS)).toEqual(INVALID);
    expect(authenticate(offering(`openai-insecure-api-key.${key}`), KEYS)).toEqual(INVALID);
  });

  it.each([
    ['nothing', request()],
    ['another scheme', request({ headers: { authorization: 'Basic first-key' } })],
    ['a scheme alone', request({ headers: { authorization: 'Bearer' } })],
    ['a scheme and spaces', request({ headers: { authorization: 'Bearer   ' } })],
    ['two words', request({ headers: { authorization: 'Bearer first-key second-key' } })],
    ['an empty subprotocol entry', offering('openai-insecure-api-key.')],
    ['the key in the query', request({ query: { key: 'first-key', api_key: 'first-key', 'api-key': 'first-key' } })],
    ['another name in the older dialect’s query', request({ path: '/openai/realtime', query: { key: 'first-key' } })],
    ['the key as a subprotocol of its own', offering('first-key')],
  ])('is asked for when there is none: %s', (_what, offered) => {
    expect(authenticate(offered, KEYS)).toEqual(MISSING);
  });

  it.each([
    ['no key', request(), MISSING],
    ['an empty subprotocol entry', offering('openai-insecure-api-key.'), MISSING],
    ['an empty bearer', request({ headers: { authorization: 'Bearer ' } }), MISSING],
    ['another key', bearer('x'), INVALID],
    ['a NUL', offering('openai-insecure-api-key.\0'), INVALID],
  ])('is never let in by an empty entry in the list of keys: %s', (_what, offered, refusal) => {
    expect(authenticate(offered, { ...KEYS, apiKeys: ['', 'first-key'] })).toEqual(refusal);
    expect(authenticate(offered, { ...KEYS, apiKeys: [''] })).toEqual(refusal);
  });

  it('is refused when there are no keys at all', () => {
    expect(authenticate(bearer('first-key'), { ...KEYS, apiKeys: [] })).toEqual(INVALID);
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
    expect(authenticate(bearer('dev', origin === undefined ? {} : { origin }), DEV)).toEqual(ACCEPTED);
    const offered = offering('openai-insecure-api-key.dev');
    const headers = { host: 'localhost:8080', origin };
    expect(authenticate({ ...offered, headers }, DEV)).toEqual(ACCEPTED);
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
    expect(authenticate(bearer('dev', { origin, host }), DEV)).toEqual(FOREIGN);
  });

  it('is a key like any other that is not known, from another machine or where it is not allowed', () => {
    expect(authenticate({ ...bearer('dev'), loopback: false }, DEV)).toEqual(INVALID);
    expect(authenticate(bearer('dev'), { ...DEV, devKeyAllowed: false })).toEqual(INVALID);
    expect(authenticate(bearer('dev', { origin: 'https://evil.example' }), { ...DEV, devKeyAllowed: false })).toEqual(
      INVALID,
    );
  });

  it('is accepted from everywhere once it is a configured key', () => {
    const offered = { ...bearer('dev', { origin: 'https://app.example' }), loopback: false };
    expect(authenticate(offered, { ...KEYS, apiKeys: ['dev'] })).toEqual(ACCEPTED);
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
