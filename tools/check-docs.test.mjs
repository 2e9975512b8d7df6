import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorsOf, checkEnvironment, checkLinks, checkMetrics, environmentTable, linksOf } from './check-docs.mjs';

const FILES = new Map([
  ['docs/a.md', '# The page\n\n## Two words, `code` and [a link](b.md)\n\n## Two words, `code` and [a link](b.md)\n'],
  ['libs/x/src/step.ts', "export function step() {}\nconst LIMIT_MS = 1_000;\nit('[TU1] runs once', () => {});\n"],
]);
const look = (file) => FILES.get(file) ?? (['libs', 'libs/x', 'docs'].includes(file) ? null : undefined);
const check = (text, file = 'docs/page.md') =>
  checkLinks([{ file, text }], (wanted) => (wanted === file ? text : look(wanted)));
const problemsOf = (text, file) => check(text, file).problems;

test('links that lead somewhere are no problem', () => {
  const text = `
    [page](a.md), [heading](a.md#the-page), [itself](#here), [folder](../libs/x), [with a slash](../libs/x/),
    [outside](https://example.com/nothing)

# Here
  `;
  assert.deepEqual(problemsOf(text), []);
  assert.equal(check(text).links, 5);
});

test('each kind of broken link is found, with its line', () => {
  assert.deepEqual(problemsOf('one\n[two](b.md)'), ['docs/page.md:2: b.md leads nowhere']);
  assert.deepEqual(problemsOf('[up](../../a.md)'), ['docs/page.md:1: ../../a.md leads nowhere']);
  assert.deepEqual(problemsOf('[a](a.md#page)'), ['docs/page.md:1: docs/a.md has no heading #page']);
  assert.deepEqual(problemsOf('[here](#here)'), ['docs/page.md:1: docs/page.md has no heading #here']);
});

test('what is quoted behind a link to a source file must stand there', () => {
  const to = '[f](../libs/x/src/step.ts)';
  assert.deepEqual(problemsOf(`${to} \`step\`, \`LIMIT_MS = 1_000\` “[TU1] runs once”`), []);
  assert.match(problemsOf(`${to} \`stop\``).join(), /step\.ts has no stop/);
  assert.match(problemsOf(`${to} \`step\`, \`LIMIT_MS = 2_000\``).join(), /has no LIMIT_MS = 2_000/);
  assert.match(problemsOf(`${to}\n“[TU1] runs twice”`).join(), /has no \[TU1\] runs twice/);
  assert.deepEqual(problemsOf(`${to}, \`anything\``), []);
  assert.deepEqual(problemsOf('[a](a.md) `anything`'), []);
});

test('code blocks are examples, not links', () => {
  assert.deepEqual(linksOf('```js\nlist[0](nothing)\n```\n[a](a.md)'), [{ line: 4, target: 'a.md', quotations: [] }]);
});

test('headings have the ids that GitHub gives them', () => {
  assert.deepEqual(
    [...anchorsOf(FILES.get('docs/a.md') ?? '')],
    ['the-page', 'two-words-code-and-a-link', 'two-words-code-and-a-link-1'],
  );
});

const VARIABLES = [
  { name: 'A', roles: ['gateway', 'tts'], default: '`1`', meaning: 'One.' },
  { name: 'B', roles: ['tts'], default: 'none', meaning: 'Two.' },
];
const readme = (table) => `text\n<!-- environment -->\n\n${table}\n\n<!-- end of environment -->\n`;

test('the table of variables must say what the runtime says, however it is aligned', () => {
  const table = environmentTable(VARIABLES);
  assert.deepEqual(checkEnvironment(readme(table), VARIABLES), []);
  assert.deepEqual(
    checkEnvironment(readme(table.replaceAll(' | ', '    |   ').replaceAll('---', '--------')), VARIABLES),
    [],
  );
  for (const [from, to] of [
    ['`1`', '`2`'],
    ['One.', 'Won.'],
    ['`A`', '`C`'],
    ['gateway, tts', 'gateway'],
    ['| `B` | none | tts | Two. |', ''],
  ]) {
    assert.notDeepEqual(checkEnvironment(readme(table.replace(from, to)), VARIABLES), [], `${from} → ${to}`);
  }
  const [head, line, ...rows] = table.split('\n');
  assert.match(checkEnvironment(readme([head, line, ...rows.reverse()].join('\n')), VARIABLES).join(), /another order/);
  assert.match(checkEnvironment('no table', VARIABLES).join(), /has no table/);
});

test('the page must list every metric once and no other', () => {
  const source = "export const METRICS = {\n  parley_a_total: { type: 'counter' },\n  parley_b_seconds: {\n";
  const page = '| `parley_a_total` | x |\n| `parley_b_seconds` | y |\n';
  assert.deepEqual(checkMetrics(page, source), { problems: [], metrics: 2 });
  assert.match(checkMetrics('| `parley_a_total` | x |', source).problems.join(), /does not list parley_b_seconds/);
  assert.match(checkMetrics(`${page}| \`parley_c\` |`, source).problems.join(), /lists parley_c, which does not exist/);
  assert.match(checkMetrics(page + page, source).problems.join(), /lists parley_a_total twice/);
  assert.match(checkMetrics(page, '').problems.join(), /has no metrics/);
});
