import { misfits, shapesOf } from './shapes';

const before = shapesOf([
  { v: 1, phase: { name: 'idle' }, list: [{ id: 'a', since: null }], more: 1 },
  { v: 1, phase: { name: 'busy', deadlineMs: 5 }, list: [{ id: 'b', since: 7 }, { id: 'c' }] },
]);
const against = (...documents: unknown[]): string[] => misfits(before, shapesOf(documents));
const fit = { v: 1, phase: { name: 'busy', deadlineMs: 9 }, list: [] };

describe('a document that an older reader', () => {
  it.each<[string, unknown]>([
    ['wrote itself', fit],
    ['finds without a field that was not always there', { ...fit, list: [{ id: 'a' }] }],
    ['finds with a field, and below it, that it does not know', { ...fit, region: { name: 'new', deep: { a: [1] } } }],
    [
      'finds with an object that it does not know in a variant that it knows',
      { ...fit, phase: { name: 'busy', deadlineMs: 9, more: { deep: { a: 1 } } } },
    ],
    ['finds with null where there was null before', { ...fit, list: [{ id: 'a', since: null }] }],
  ])('%s is read', (_, document) => {
    expect(against(document)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      'finds without one deep in it',
      { ...fit, phase: { name: 'busy' } },
      '.phase{name=busy}.deadlineMs: was always there',
    ],
    ['finds without one in a list', { ...fit, list: [{ since: 3 }] }, '.list[].id: was always there'],
    ['finds with another type', { ...fit, list: [{ id: 7 }] }, '.list[].id: number, and was string'],
    ['finds with null where there never was', { ...fit, list: null }, '.list: null, and was array'],
    [
      'finds in a variant that it does not know',
      { ...fit, phase: { name: 'held' } },
      '.phase{name=held}: this variant was never written',
    ],
  ])('%s is refused', (_, document, problem) => {
    expect(against(document)).toEqual([problem]);
  });

  it('finds once without a field among many with it is refused', () => {
    const { v, ...without } = fit;
    expect(v).toBe(1);
    expect(against(fit, without)).toEqual(['.v: was always there']);
  });
});
