// The README's client and command line against `npm start`. `npm run build` has run before.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from './support/root.mjs';
import { allGone, processTree, run } from './testing/processes.mjs';

const READY = /READY http:\/\/(127\.0\.0\.1:\d+)/;
const WAV_HEADER_BYTES = 44;
const BYTES_PER_MS = 48;

/** @param {import('./testing/processes.mjs').Program} program */
const said = (program) => `${program.lines.join('\n')}\n${program.errors()}`;

describe('what the README shows', () => {
  /** @type {import('./testing/processes.mjs').Program} */
  let parley;
  let PARLEY_URL = '';
  let dir = '';
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'parley-readme-'));
    parley = run('npm', ['start'], { PARLEY_PORT: '0' });
    PARLEY_URL = `ws://${(await parley.printed(READY, 20_000))[1]}`;
  });
  after(async () => {
    const tree = await processTree(parley.pid);
    parley.signal('SIGTERM');
    await allGone(tree, 10_000);
    await rm(dir, { recursive: true, force: true });
  });

  it('the client in 20 lines hears an answer to its end', async () => {
    const [, code = ''] = /^```js\n([\s\S]*?)^```/m.exec(await readFile(path.join(ROOT, 'README.md'), 'utf8')) ?? [];
    const client = run(process.execPath, ['--input-type=module', '--eval', code], { PARLEY_URL });
    assert.equal(await client.exited, 0, said(client));
    const types = client.lines.map((line) => line.split(' ')[0]);
    for (const type of ['session.created', 'parley.turn.accepted', 'response.output_audio_transcript.delta']) {
      assert.ok(types.includes(type), `${type}\n${said(client)}`);
    }
    assert.ok(types.indexOf('response.done') < types.lastIndexOf('parley.state'), said(client));
    const heardMs = Number(/^(\d+) ms of audio$/.exec(client.lines.at(-1) ?? '')?.[1]);
    assert.ok(heardMs > 1_000, said(client));
  });

  it('the command line is interrupted as asked, and writes what was heard', async () => {
    const wav = path.join(dir, 'answer.wav');
    const args = ['say', 'Tell me a long story', '--out', wav, '--interrupt-after', '800'];
    const cli = run('npx', ['parley', ...args], { PARLEY_URL });
    assert.equal(await cli.exited, 0, said(cli));
    const heardMs = ((await readFile(wav)).length - WAV_HEADER_BYTES) / BYTES_PER_MS;
    assert.ok(Math.abs(heardMs - 800) < 100, `${heardMs} ms\n${said(cli)}`);
  });
});
