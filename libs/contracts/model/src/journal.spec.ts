import { effectsHash } from './journal';

describe('effectsHash', () => {
  it('is FNV-1a of the JSON', () => {
    // Computed elsewhere, over the bytes of `[]`.
    expect(effectsHash([])).toBe('741638a5');
  });

  it('tells any two orders apart that differ in a value, a field or their order', () => {
    const orders = [
      [],
      [{ a: 1 }],
      [{ a: 2 }],
      [{ a: 1, b: null }],
      [{ a: 1 }, { b: 2 }],
      [{ b: 2 }, { a: 1 }],
      [{ a: '😀' }],
    ];
    expect(new Set(orders.map(effectsHash)).size).toBe(orders.length);
  });

  it('is the same for effects that went over the bus', () => {
    const effects = [{ kind: 'x', text: 'ü 😀', deep: { n: 0.1, none: null }, absent: undefined }];
    expect(effectsHash(JSON.parse(JSON.stringify(effects)) as object[])).toBe(effectsHash(effects));
  });
});
