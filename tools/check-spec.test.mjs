import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSpec, idsOf, testsOf } from './check-spec.mjs';

const SPEC = '- **TU1** A rule.\n- **TU2** Another.\n';
const problemsOf = (source, spec = SPEC) => checkSpec(spec, [{ file: 'a.spec.ts', source }]).problems;

test('every rule cited and every title in order is no problem', () => {
  const source = `
    it('[TU1][SP6] does this', () => {});
    it.each([['a)', "(b"], [\`c\`, 1]])('[TU2] does that: %s', () => { it2('no test'); });
    it.each<[string, (of: Map<string, number>) => void]>([['a', (of) => of.clear()]])('[TU2] and %s', () => {});
  `;
  assert.deepEqual(problemsOf(source), []);
  assert.deepEqual(
    testsOf(source).map(({ called }) => called),
    ['it', 'it.each', 'it.each'],
  );
});

test('each kind of fault is found', () => {
  const fine = "it('[TU1][TU2] all', f);";
  assert.match(problemsOf("it('[TU1] one', f);").join(), /rule TU2 has no test/);
  assert.match(problemsOf(`${fine} it('[TU9] x', f);`).join(), /cites TU9/);
  assert.match(problemsOf(`${fine} it('[SP12] x', f);`).join(), /cites SP12/);
  assert.match(problemsOf(`${fine} it('[DR9] x', f);`).join(), /cites DR9/);
  assert.match(problemsOf(`${fine} it('no id', f);`).join(), /does not begin with the id/);
  assert.match(problemsOf(`${fine} it('[TU1] and [TU2]', f);`).join(), /behind its beginning/);
  assert.match(problemsOf(`${fine} it(name, f);`).join(), /cannot be read/);
  for (const off of ['it.skip', 'it.only', 'it.todo', 'it.failing', 'xit', 'fit', 'xtest', 'it.skip.each([1])']) {
    assert.match(problemsOf(`${fine} ${off}('[TU1] x', f);`).join(), /does not run/, off);
  }
  assert.match(problemsOf(fine, `${SPEC}- **TU1** Twice.\n`).join(), /two rules TU1/);
  assert.match(problemsOf(fine, 'No list.').join(), /has no rules/);
});

test('ids are those in front', () => {
  assert.deepEqual(idsOf('[TU1][SP6] a [TU2]'), ['TU1', 'SP6']);
  assert.deepEqual(idsOf(' [TU1] a'), []);
});
