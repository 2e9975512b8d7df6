// npm run prove: deliberate bugs (mutants/*.patch) in a copy of the real source; the test that each one names must pass
// without it and turn red with it. `--check` only looks whether every patch still applies.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '..');
const MUTANTS = join(REPOSITORY, 'mutants');
const COPY = join(REPOSITORY, '.cache/prove');
const TEST_TIMEOUT_MS = 120_000;

const checkOnly = process.argv.includes('--check');
const mutants = readdirSync(MUTANTS)
  .filter((file) => file.endsWith('.patch'))
  .sort()
  .map(readMutant);

copySource();
const failures = mutants.filter((mutant) => !(checkOnly ? applies(mutant) : prove(mutant)));
console.log(
  `${mutants.length - failures.length} of ${mutants.length} mutants ${checkOnly ? 'apply' : 'were killed by the test they name'}`,
);
process.exitCode = failures.length === 0 && mutants.length > 0 ? 0 : 1;

/** A patch begins with `# bug:`, `# project:`, `# file:` and `# title:` lines. */
function readMutant(file) {
  const text = readFileSync(join(MUTANTS, file), 'utf8');
  const field = (name) => {
    const value = new RegExp(`^# ${name}: (.+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`mutants/${file} has no "# ${name}:" line`);
    return value;
  };
  return { file, bug: field('bug'), project: field('project'), spec: field('file'), title: field('title') };
}

/** The source as it stands, uncommitted changes included, with the installed packages beside it. */
function copySource() {
  rmSync(COPY, { recursive: true, force: true });
  mkdirSync(COPY, { recursive: true });
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(COPY, file)), { recursive: true });
    cpSync(join(REPOSITORY, file), join(COPY, file), { force: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(COPY, 'node_modules'));
}

function prove(mutant) {
  const healthy = runTest(mutant);
  if (healthy !== 'green') return report(mutant, `its test is ${healthy} without the bug`);
  if (!applies(mutant, true)) return false;
  const sick = runTest(mutant);
  patch(mutant, ['--reverse']);
  return report(mutant, sick === 'red' ? undefined : `its test is ${sick} with the bug`);
}

function applies(mutant, keep = false) {
  if (patch(mutant, keep ? [] : ['--check'])) return true;
  return report(mutant, 'the patch no longer applies');
}

function patch(mutant, options) {
  // Outside of any repository, or git would leave out paths that are not below the folder it was called in.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(COPY) };
  return (
    spawnSync('git', ['apply', ...options, join(MUTANTS, mutant.file)], { cwd: COPY, env, stdio: 'ignore' }).status ===
    0
  );
}

/** Red only by a failed assertion of the very test: a test that does not run proves nothing. */
function runTest({ project, spec, title }) {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const run = spawnSync(
    process.execPath,
    [
      join(REPOSITORY, 'node_modules/jest/bin/jest.js'),
      '--selectProjects',
      project,
      '--json',
      '-t',
      escaped,
      '--',
      spec,
    ],
    { cwd: COPY, encoding: 'utf8', timeout: TEST_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
  );
  const result = JSON.parse(run.stdout || '{}');
  if (result.numFailedTests > 0) return 'red';
  return result.numPassedTests > 0 ? 'green' : 'not run';
}

function report({ file, bug }, problem) {
  console.log(
    `${problem === undefined ? 'killed  ' : 'SURVIVED'} ${file}: ${bug}${problem === undefined ? '' : `: ${problem}`}`,
  );
  return problem === undefined;
}
