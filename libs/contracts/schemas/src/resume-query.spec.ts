import { parseReceived } from './resume-query';

const received = { response_id: 'resp_1', samples: [24_000, 1_200], played_ms: 500, done: false };
const parsed = (...of: unknown[]): unknown => parseReceived(JSON.stringify(of));

describe('the query parameter "received"', () => {
  it('says in samples what a client has of its responses', () => {
    expect(parsed(received)).toEqual({
      ok: true,
      received: [{ responseId: 'resp_1', samples: [24_000, 1_200], playedSamples: 12_000, done: false }],
    });
    expect(parsed()).toEqual({ ok: true, received: [] });
  });

  it.each([
    ['no JSON', '[', 'invalid_json', 'received'],
    ['no array', '{}', 'invalid_value', 'received'],
    [
      'a foreign id',
      JSON.stringify([{ ...received, response_id: 'item_1' }]),
      'invalid_value',
      'received[0].response_id',
    ],
    ['half a sample', JSON.stringify([{ ...received, samples: [0.5] }]), 'invalid_value', 'received[0].samples[0]'],
    [
      'a missing field',
      '[{"response_id":"resp_1","samples":[],"done":true}]',
      'missing_required_parameter',
      'received[0].played_ms',
    ],
    ['an unknown field', JSON.stringify([{ ...received, more: 1 }]), 'unknown_parameter', 'received[0].more'],
    ['too many', JSON.stringify(Array.from({ length: 33 }, () => received)), 'invalid_value', 'received'],
  ])('refuses %s and names the field', (_, text, code, param) => {
    expect(parseReceived(text)).toMatchObject({ ok: false, error: { code, param } });
  });
});
