import type { UpgradeRequest } from '@parley/ports';
import { modelOf, routeOf } from './route';

const at = (path: string, more: Partial<UpgradeRequest> = {}): UpgradeRequest => ({
  path,
  query: {},
  headers: {},
  subprotocols: [],
  loopback: false,
  ...more,
});

describe('the route of an upgrade', () => {
  it.each(['/v1/realtime', '/openai/v1/realtime'])('%s speaks the GA dialect, whatever its query', (path) => {
    const query = { model: 'm', temperature: '0.8', intent: '', 'api-version': '1' };
    expect(routeOf(at(path, { query }))).toEqual({ language: 'ga', key: undefined });
  });

  it.each(['/', '/v1', '/v1/realtime/', '/v1/realtime/client_secrets', '/V1/REALTIME', ''])(
    '%s leads nowhere',
    (path) => {
      expect(routeOf(at(path))).toBeUndefined();
    },
  );

  it('/openai/realtime speaks the older dialect, and may have its key in the query and its model as a deployment', () => {
    const request = at('/openai/realtime', { query: { deployment: 'mine', 'api-key': 'in-query' } });
    expect(routeOf(request)).toEqual({ language: 'beta', key: 'in-query' });
    expect(routeOf({ ...request, headers: { 'api-key': 'azure' } })?.key).toBe('azure');
    expect(modelOf(request)).toBe('mine');
    expect(modelOf(at('/v1/realtime', { query: { deployment: 'mine' } }))).toBeUndefined();
  });

  it('has the key of the client’s headers or subprotocols, and never one of the query', () => {
    const query = { 'api-key': 'in-query', key: 'in-query' };
    const subprotocols = ['realtime', 'openai-insecure-api-key.offered'];
    expect(routeOf(at('/v1/realtime', { query, subprotocols }))?.key).toBe('offered');
    expect(routeOf(at('/v1/realtime', { query, subprotocols, headers: { 'api-key': 'azure' } }))?.key).toBe('azure');
    expect(routeOf(at('/v1/realtime', { query }))?.key).toBeUndefined();
  });
});
