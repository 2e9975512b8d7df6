// The lint must refuse what it is there to refuse: a rule that is configured wrong, or that Nx silently skips, passes
// everything. Run by Nx (`nx run parley:lint-fixtures`): outside of it the boundaries have no project graph.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

const FILE = fileURLToPath(new URL('refused/src/index.ts', import.meta.url));
const EXPECTATION = /\S \/\/ ((?:@[\w-]+\/)?[a-z-]+)$/;

const lines = (await readFile(FILE, 'utf8')).split('\n');
const expected = lines.flatMap((line, index) => {
  const rule = EXPECTATION.exec(line)?.[1];
  return rule === undefined ? [] : [`${index + 1} ${rule}`];
});
const [result] = await new ESLint({ cwd: path.resolve(import.meta.dirname, '../..') }).lintFiles([FILE]);
const refused = (result?.messages ?? []).map(({ line, ruleId }) => `${line} ${ruleId}`);

const passed = expected.filter((each) => !refused.includes(each));
const unexpected = refused.filter((each) => !expected.includes(each));
for (const each of passed) console.error(`not refused: line ${each}`);
for (const each of unexpected) console.error(`refused without being expected: line ${each}`);
if (expected.length === 0) console.error('the fixture expects nothing');
if (passed.length > 0 || unexpected.length > 0 || expected.length === 0) process.exitCode = 1;
else console.log(`all ${expected.length} violations of the fixture are refused`);
