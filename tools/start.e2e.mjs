// What `npm start` promises. `npm run build` has run before.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { allGone, processTree, run } from './testing/processes.mjs';

const READY = /READY (http:\/\/127\.0\.0\.1:\d+)/;
const ANY_PORT = { PARLEY_PORT: '0' };

const npmStart = (/** @type {Record<string, string>} */ env) => run('npm', ['start'], env);

/** What a user sees of a failure: npm's own lines and ours. @param {import('./testing/processes.mjs').Program} program */
const complaint = (program) =>
  program
    .errors()
    .split('\n')
    .filter((line) => line.startsWith('error:'));

/** @param {import('./testing/processes.mjs').Program} program */
function assertNoStack(program) {
  assert.doesNotMatch(program.errors() + program.lines.join('\n'), /^\s+at .*:\d+:\d+/m);
}

describe('npm start', () => {
  it('is ready within 5 s when it is built, and serves page, health and metrics', async () => {
    const program = npmStart(ANY_PORT);
    const [, url] = await program.printed(READY, 5_000);
    const page = await fetch(`${url}/`);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<div id="root">/);
    assert.deepEqual(await (await fetch(`${url}/healthz/ready`)).json(), { ready: true, reasons: [] });
    assert.match(await (await fetch(`${url}/metrics`)).text(), /parley_sessions_active/);
    const tree = await processTree(program.pid);
    program.signal('SIGTERM');
    await allGone(tree, 5_000);
  });

  it('leaves no child after SIGTERM to the process of npm itself', async () => {
    const program = npmStart(ANY_PORT);
    await program.printed(READY, 10_000);
    const tree = await processTree(program.pid);
    assert.ok(tree.length >= 2, `npm and Parley, but there is ${tree.join(', ')}`);
    program.signal('SIGTERM');
    await allGone(tree, 5_000);
  });

  it('ends in order on Ctrl-C, which reaches npm and Parley at once', async () => {
    const program = npmStart(ANY_PORT);
    await program.printed(READY, 10_000);
    const tree = await processTree(program.pid);
    program.signalGroup('SIGINT');
    await allGone(tree, 5_000);
    assert.match(program.lines.join('\n'), /stopping reason=SIGINT/);
    assertNoStack(program);
  });

  it('says in one line that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const program = npmStart({ PARLEY_PORT: String(port) });
    assert.notEqual(await program.exited, 0);
    other.close();
    assert.deepEqual(complaint(program), [
      `error: 127.0.0.1:${port} is already in use; stop what listens there or choose another port`,
    ]);
    assertNoStack(program);
  });

  it('names all bad settings in one line, never their values', async () => {
    const program = npmStart({ PARLEY_PORT: 'visible', PARLEY_LLM: 'visible', PARLEY_HOST: '0.0.0.0' });
    assert.notEqual(await program.exited, 0);
    const lines = complaint(program);
    assert.equal(lines.length, 1);
    for (const name of ['PARLEY_PORT', 'PARLEY_LLM', 'PARLEY_API_KEYS'])
      assert.match(String(lines[0]), new RegExp(name));
    assert.doesNotMatch(program.errors(), /visible/);
    assertNoStack(program);
  });

  for (const script of ['start', 'cluster', 'test']) {
    it(`says in one line that Node is too old (${script})`, async () => {
      const old = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "18.20.4" })';
      const program = run(process.execPath, ['--import', old, `tools/${script}.mjs`]);
      assert.equal(await program.exited, 1);
      assert.equal(program.errors(), 'error: Parley needs Node 20.19 or newer, this is 18.20.4\n');
    });
  }
});
