import type { UpgradeRequest } from '@parley/ports';
import { languageOf } from './upgrade';

const request = (more: Partial<UpgradeRequest> = {}): UpgradeRequest => ({
  path: '/v1/realtime',
  query: {},
  headers: {},
  subprotocols: [],
  loopback: true,
  ...more,
});
const header = (value: string): UpgradeRequest => request({ headers: { 'openai-beta': value } });

describe('what a connection speaks', () => {
  it.each([
    ['nothing', request()],
    ['its subprotocol', request({ subprotocols: ['realtime', 'openai-insecure-api-key.k'] })],
    ['an api-version', request({ query: { 'api-version': '2024-10-01-preview' } })],
    ['the beta of another API', header('assistants=v2')],
    ['a later beta', header('realtime=v12')],
    ['none', header('')],
  ])('is GA for a client that asks for nothing else: %s', (_what, upgrade) => {
    expect(languageOf(upgrade)).toBe('ga');
  });

  it('has Parley’s own events for one that offers parley.v1', () => {
    expect(languageOf(request({ subprotocols: ['realtime', 'parley.v1'] }))).toBe('parley');
  });

  it.each([
    ['by a header', header('realtime=v1')],
    ['by a header that names several', header('assistants=v2, realtime=v1')],
    ['by a subprotocol', request({ subprotocols: ['realtime', 'openai-beta.realtime-v1'] })],
    ['by Azure’s path', request({ path: '/openai/realtime', query: { deployment: 'm' } })],
    ['and also offers parley.v1', request({ subprotocols: ['parley.v1', 'openai-beta.realtime-v1'] })],
  ])('is the older dialect for one that asks for it %s', (_how, upgrade) => {
    expect(languageOf(upgrade)).toBe('beta');
  });
});
