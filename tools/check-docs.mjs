// node tools/check-docs.mjs [--write]: what the pages say about the rest of the repository, checked against it. Run by
// `npm run verify`. With --write it writes the README's table of environment variables, which is then true.
//
//   links        lead to a file or folder that is there, and to a heading that is there
//   quotations   `code` and “titles” right behind a link to a source file stand in that file
//   environment  the README's table is the table of libs/runtime
//   metrics      docs/architecture.md lists exactly the metrics of libs/ports

import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { buildTargets } from './build/run.mjs';
import { ROOT } from './support/root.mjs';

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', 'refused']);
const ENVIRONMENT = /(<!-- environment[^>]*-->\n)[\s\S]*?(\n<!-- end of environment -->)/;
const METRICS_FILE = 'libs/ports/src/telemetry.ts';
const METRICS_PAGE = 'docs/architecture.md';

/**
 * @typedef {{ file: string, text: string }} Page `file`: its path from the root of the repository
 * @typedef {{ line: number, target: string, quotations: string[] }} Link
 * @typedef {{ name: string, roles: string[], default: string, meaning: string }} Variable
 */

/** Code blocks are examples: their lines are kept, empty. @param {string} text */
const withoutBlocks = (text) =>
  text.replace(/^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2/gm, (block) => block.replace(/[^\n]+/g, ''));

/**
 * The links of a page, each with what is quoted of its target.
 *
 * @param {string} text
 * @returns {Link[]}
 */
export function linksOf(text) {
  const plain = withoutBlocks(text);
  return [
    ...plain.matchAll(/\[[^\]\n]*\]\(([^()\s]+)\)((?:\s+(?:`[^`]+`|“[^”]+”)(?:,\s+(?:`[^`]+`|“[^”]+”))*)?)/g),
  ].map((match) => ({
    line: plain.slice(0, match.index).split('\n').length,
    target: match[1],
    quotations: [...match[2].matchAll(/`([^`]+)`|“([^”]+)”/g)].map(([, code, title]) => code ?? title),
  }));
}

/** What a `#…` in a link can name: headings as GitHub writes their ids. @param {string} text */
export function anchorsOf(text) {
  const headings = [...withoutBlocks(text).matchAll(/^#+ +(.+)$/gm)].map(([, heading]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
  return new Set(
    headings.map((id, index) => {
      const before = headings.slice(0, index).filter((each) => each === id).length;
      return before === 0 ? id : `${id}-${before}`;
    }),
  );
}

/**
 * What is wrong with the links of pages, and how many links and quotations there are.
 *
 * @param {Page[]} pages
 * @param {(file: string) => string | null | undefined} look the text of a file, null for a folder, undefined if neither
 * @returns {{ problems: string[], links: number, quotations: number }}
 */
export function checkLinks(pages, look) {
  const all = pages.flatMap(({ file, text }) => linksOf(text).map((link) => ({ file, ...link })));
  const relative = all.filter(({ target }) => !/^[a-z]+:/i.test(target));
  return {
    problems: relative.flatMap((link) => problemsOf(link, look)),
    links: relative.length,
    quotations: relative.reduce((sum, { quotations }) => sum + quotations.length, 0),
  };
}

/**
 * @param {Link & { file: string }} link
 * @param {(file: string) => string | null | undefined} look
 * @returns {string[]}
 */
function problemsOf({ file, line, target, quotations }, look) {
  const at = `${file}:${line}: `;
  const [to, anchor] = target.split('#');
  const wanted = to === '' ? file : path.posix.normalize(path.posix.join(path.posix.dirname(file), to));
  const text = wanted.startsWith('..') ? undefined : look(wanted.replace(/\/$/, ''));
  if (text === undefined) return [`${at}${target} leads nowhere`];
  if (anchor !== undefined && !anchorsOf(text ?? '').has(anchor)) return [`${at}${wanted} has no heading #${anchor}`];
  if (wanted.endsWith('.md') || text === null) return [];
  const spaceless = text.replace(/\s+/g, '');
  return quotations
    .filter((quotation) => !spaceless.includes(quotation.replace(/\s+/g, '')))
    .map((quotation) => `${at}${wanted} has no ${quotation}`);
}

/** @param {readonly Variable[]} variables */
export function environmentTable(variables) {
  const rows = variables.map(
    ({ name, roles, default: whenUnset, meaning }) =>
      `| \`${name}\` | ${whenUnset} | ${roles.join(', ')} | ${meaning} |`,
  );
  return ['| variable | default | read by | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/**
 * @param {string} readme
 * @param {readonly Variable[]} variables
 * @returns {string[]}
 */
export function checkEnvironment(readme, variables) {
  const found = ENVIRONMENT.exec(readme)?.[0];
  if (found === undefined) return ['README.md has no table of environment variables'];
  const said = cellsOf(found);
  const true_ = cellsOf(environmentTable(variables));
  const missing = true_.filter((row) => !said.includes(row));
  const wrong = said.filter((row) => !true_.includes(row));
  const problems = [
    ...missing.map((row) => `README.md lacks this row of the environment: ${row}`),
    ...wrong.map((row) => `README.md has this row too much: ${row}`),
  ];
  if (problems.length === 0 && said.join('\n') !== true_.join('\n'))
    problems.push('README.md has rows in another order');
  return problems.length === 0 ? [] : [...problems, 'node tools/check-docs.mjs --write puts that right'];
}

/** Rows of a table, without the blanks that only align it. @param {string} markdown */
const cellsOf = (markdown) =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+$/.test(line))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .join(' | ')
        .trim(),
    );

/**
 * @param {string} page
 * @param {string} source of the list of metrics
 * @returns {{ problems: string[], metrics: number }}
 */
export function checkMetrics(page, source) {
  const names = [...source.matchAll(/^ {2}(parley_\w+): \{/gm)].map(([, name]) => name);
  const rows = [...page.matchAll(/^\| `(parley_\w+)`/gm)].map(([, name]) => name);
  return {
    problems: [
      ...(names.length === 0 ? [`${METRICS_FILE} has no metrics`] : []),
      ...names.filter((name) => !rows.includes(name)).map((name) => `${METRICS_PAGE} does not list ${name}`),
      ...rows
        .filter((name) => !names.includes(name))
        .map((name) => `${METRICS_PAGE} lists ${name}, which does not exist`),
      ...rows
        .filter((name, index) => rows.indexOf(name) !== index)
        .map((name) => `${METRICS_PAGE} lists ${name} twice`),
    ],
    metrics: names.length,
  };
}

/** @returns {Promise<Variable[]>} */
async function readVariables() {
  if (!(await buildTargets(['config']))) throw new Error('the table of variables cannot be built');
  const { VARIABLE_TABLE } = await import(pathToFileURL(path.join(ROOT, 'dist/tools/config.mjs')).href);
  return VARIABLE_TABLE;
}

/**
 * @param {string} dir
 * @returns {Promise<string[]>} files below it, from the root of the repository
 */
async function filesBelow(dir) {
  const entries = await readdir(path.join(ROOT, dir), { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const file = path.posix.join(dir, entry.name);
      if (!entry.isDirectory()) return [file];
      return NOT_OURS.has(entry.name) || entry.name.startsWith('.') ? [] : filesBelow(file);
    }),
  );
  return found.flat();
}

/** @param {Variable[]} variables */
async function writeEnvironment(variables) {
  const file = path.join(ROOT, 'README.md');
  const options = { ...(await resolveConfig(file)), parser: 'markdown' };
  const table = (await format(environmentTable(variables), options)).trim();
  const readme = await readFile(file, 'utf8');
  await writeFile(
    file,
    readme.replace(ENVIRONMENT, (_whole, begin, end) => `${begin}\n${table}\n${end}`),
  );
}

async function main() {
  const variables = await readVariables();
  if (process.argv.includes('--write')) await writeEnvironment(variables);
  const files = await filesBelow('.');
  const texts = new Map(
    await Promise.all(
      files
        .filter((file) => /\.(md|ts|tsx|mjs|cjs|json|yml|yaml|css|html|patch)$/.test(file))
        .map(async (file) => /** @type {const} */ ([file, await readFile(path.join(ROOT, file), 'utf8')])),
    ),
  );
  const pages = files.filter((file) => file.endsWith('.md')).map((file) => ({ file, text: texts.get(file) ?? '' }));
  const { problems, links, quotations } = checkLinks(
    pages,
    (file) => texts.get(file) ?? (existsSync(path.join(ROOT, file)) ? null : undefined),
  );
  const metrics = checkMetrics(texts.get(METRICS_PAGE) ?? '', texts.get(METRICS_FILE) ?? '');
  problems.push(...checkEnvironment(texts.get('README.md') ?? '', variables), ...metrics.problems);
  for (const problem of problems) console.error(problem);
  console.log(
    `${pages.length} pages: ${links} links, ${quotations} quotations of source files, ${variables.length} variables, ` +
      `${metrics.metrics} metrics, ${problems.length} problems`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
