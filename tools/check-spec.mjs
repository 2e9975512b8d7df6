// Rules of the turn engine and the tests that prove them: every rule of SPEC.md is cited by the title of a test that
// runs, and every title cites, in front, only rules and scenarios that exist. Run by `npm test`.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ENGINE = fileURLToPath(new URL('../libs/turn-engine/', import.meta.url));

/** Situations and promises that titles may cite beside the rules; DR1 to DR8 are rules as well. */
const SCENARIOS = [/^DR[1-8]$/, /^SP([1-9]|1[01])$/, /^AV[1-7]$/, /^HG[1-8]$/, /^RT([1-9]|1[01])$/, /^G[1-6]$/];

/** Ids of the rules in SPEC.md: list items that begin with `**XX1**`. @param {string} spec */
export function rulesOf(spec) {
  return [...spec.matchAll(/^- \*\*([A-Z]{2}\d+)\*\* /gm)].map(([, id]) => id);
}

/**
 * The tests of a spec file: how each is called (`it`, `it.each`, `xit` …) and its title.
 * @param {string} source
 */
export function testsOf(source) {
  const tests = [];
  for (const call of source.matchAll(/(?<![\w.$])(x|f)?(it|test)((?:\.\w+)*)\s*([(`<])/g)) {
    const [whole, prefix = '', name, modifiers, opening] = call;
    let from = call.index + whole.length;
    if (opening === '<') from = afterTypes(source, from) + 1;
    // The table of `each` comes before the title: skip it, as an argument or as a template.
    if (modifiers.endsWith('.each')) {
      from = endOf(source, from - 1);
      const open = /^\s*\(/.exec(source.slice(from));
      if (!open) continue;
      from += open[0].length;
    }
    const title = /^\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/.exec(source.slice(from));
    tests.push({ called: `${prefix}${name}${modifiers}`, title: title?.[2] });
  }
  return tests;
}

/**
 * The index behind the type arguments that open before `from`; the arrow of a function's type closes nothing.
 * @param {string} source
 * @param {number} from
 */
function afterTypes(source, from) {
  const sign = /=>|[<>]/g;
  sign.lastIndex = from;
  let depth = 1;
  for (let match = sign.exec(source); match; match = sign.exec(source)) {
    if (match[0] === '<') depth++;
    else if (match[0] === '>') depth--;
    if (depth === 0) return sign.lastIndex;
  }
  return source.length;
}

/** The index after the bracket or template that opens at `open`; strings and comments inside are passed over. */
function endOf(source, open) {
  const skip = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[([{]|[)\]}]/g;
  skip.lastIndex = open;
  let depth = 0;
  for (let match = skip.exec(source); match; match = skip.exec(source)) {
    if ('([{'.includes(match[0])) depth++;
    else if (')]}'.includes(match[0])) depth--;
    if (depth === 0) return skip.lastIndex;
  }
  return source.length;
}

/** Ids in the brackets a title begins with. @param {string} title */
export function idsOf(title) {
  const brackets = /^(?:\[[A-Z]+\d+\])*/.exec(title)?.[0] ?? '';
  return [...brackets.matchAll(/\[([A-Z]+\d+)\]/g)].map(([, id]) => id);
}

/**
 * What is wrong between a specification and its tests, and how many of each there are.
 * @param {string} spec
 * @param {{ file: string, source: string }[]} files
 */
export function checkSpec(spec, files) {
  const rules = rulesOf(spec);
  const problems = rules.filter((id, index) => rules.indexOf(id) !== index).map((id) => `SPEC.md has two rules ${id}`);
  if (rules.length === 0) problems.push('SPEC.md has no rules');
  const cited = new Set();
  let count = 0;
  for (const { file, source } of files) {
    for (const { called, title } of testsOf(source)) {
      count++;
      const name = `${file}: ${called}(${title ?? '…'})`;
      if (title === undefined) {
        problems.push(`${name} has a title that cannot be read; write it as a plain string`);
        continue;
      }
      if (/^[xf]|\.(skip|only|todo|failing)/.test(called))
        problems.push(`${name} does not run, or keeps others from it`);
      const ids = idsOf(title);
      if (ids.length === 0) problems.push(`${name} does not begin with the id of a rule`);
      for (const id of ids) {
        if (!rules.includes(id) && !SCENARIOS.some((scenario) => scenario.test(id))) {
          problems.push(`${name} cites ${id}, which is neither a rule nor a scenario`);
        }
        cited.add(id);
      }
      const elsewhere = [...title.matchAll(/\[([A-Z]+\d+)\]/g)].length - ids.length;
      if (elsewhere > 0) problems.push(`${name} cites an id behind its beginning`);
    }
  }
  for (const id of rules) if (!cited.has(id)) problems.push(`rule ${id} has no test`);
  return {
    problems,
    rules: rules.length,
    tests: count,
    scenarios: [...cited].filter((id) => !rules.includes(id)).length,
  };
}

async function main() {
  const spec = await readFile(path.join(ENGINE, 'SPEC.md'), 'utf8');
  const names = (await readdir(path.join(ENGINE, 'src'), { recursive: true })).filter((name) =>
    name.endsWith('.spec.ts'),
  );
  const files = await Promise.all(
    names.sort().map(async (file) => ({ file, source: await readFile(path.join(ENGINE, 'src', file), 'utf8') })),
  );
  const { problems, rules, tests, scenarios } = checkSpec(spec, files);
  for (const problem of problems) console.error(problem);
  console.log(`turn engine: ${rules} rules, ${tests} tests that cite them, ${scenarios} further scenarios cited`);
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
