// npm run prove: deliberate bugs (mutants/*.patch) in a copy of the real source; the test that each one names must pass
// without it and turn red with it, and the simulation must refuse it by the invariant it names. `--check` only looks
// whether every patch still applies, `--simulation` leaves the tests out.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '..');
const MUTANTS = join(REPOSITORY, 'mutants');
const COPY = join(REPOSITORY, '.cache/prove');
const TEST_TIMEOUT_MS = 120_000;
/** Within so many seeds the simulation must have found it. */
const SEEDS = 200;
const SIMULATION_TIMEOUT_MS = 300_000;

const checkOnly = process.argv.includes('--check');
const simulationOnly = process.argv.includes('--simulation');
const mutants = readdirSync(MUTANTS)
  .filter((file) => file.endsWith('.patch'))
  .sort()
  .map(readMutant);

copySource();
if (!checkOnly && !simulate().isClean) throw new Error(`the simulation refuses the source as it stands`);
const failures = mutants.filter((mutant) => !(checkOnly ? applies(mutant) : prove(mutant)));
console.log(
  `${mutants.length - failures.length} of ${mutants.length} mutants ${checkOnly ? 'apply' : 'were killed by the test and the invariant they name'}`,
);
process.exitCode = failures.length === 0 && mutants.length > 0 ? 0 : 1;

/** A patch begins with `# bug:` and what must find it: `# project:`, `# file:` and `# title:` of a test, `# simulation:`, or both. */
function readMutant(file) {
  const text = readFileSync(join(MUTANTS, file), 'utf8');
  const field = (name) => new RegExp(`^# ${name}: (.+)$`, 'm').exec(text)?.[1];
  const [bug, invariant] = [field('bug'), field('simulation')];
  const test = { project: field('project'), spec: field('file'), title: field('title') };
  const named = Object.values(test).filter((value) => value !== undefined).length;
  const isWhole = bug !== undefined && (named === 3 || (named === 0 && invariant !== undefined));
  if (!isWhole) throw new Error(`mutants/${file} does not say what must find it`);
  return { file, bug, invariant, test: named === 3 ? test : undefined };
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
  const test = simulationOnly ? undefined : mutant.test;
  const healthy = test ? runTest(test) : 'green';
  if (healthy !== 'green') return report(mutant, `its test is ${healthy} without the bug`);
  if (!applies(mutant, true)) return false;
  const sick = test ? runTest(test) : 'red';
  const refused = mutant.invariant === undefined ? undefined : simulate();
  patch(mutant, ['--reverse']);
  if (sick !== 'red') return report(mutant, `its test is ${sick} with the bug`);
  if (refused === undefined) return report(mutant);
  const { seed, invariants } = refused;
  if (!invariants.includes(mutant.invariant)) {
    return report(mutant, `the simulation said ${invariants.join(', ') || 'nothing'}, not ${mutant.invariant}`);
  }
  return report(mutant, undefined, ` (simulation: ${mutant.invariant}, seed ${seed})`);
}

/** What the simulation says of the copy as it stands: the first seed it refuses, and by which invariants. */
function simulate() {
  const run = spawnSync(process.execPath, ['tools/simulate.mjs', '--seeds', String(SEEDS)], {
    cwd: COPY,
    encoding: 'utf8',
    timeout: SIMULATION_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const refusals = [...(run.stdout ?? '').matchAll(/^seed (\d+) at [\d.]+ s: ([^:]+): /gm)];
  return {
    isClean: run.status === 0,
    seed: Number(refusals[0]?.[1]),
    invariants: [...new Set(refusals.map((refusal) => refusal[2]))],
  };
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

function report({ file, bug }, problem, how = '') {
  console.log(
    `${problem === undefined ? 'killed  ' : 'SURVIVED'} ${file}: ${bug}${problem === undefined ? how : `: ${problem}`}`,
  );
  return problem === undefined;
}
