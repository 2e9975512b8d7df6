import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY, scrape, type ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { RawJournal, type RawEntry } from '../support/raw-journal';
import { finishTurn, speakTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

const STORY = Array.from({ length: 60 }, (_, index) => `This is sentence number ${index} of a long story.`).join(' ');
/** Nobody else says these. */
const QUESTIONS = [
  'Is the wombat asleep?',
  'Tell me story one about a wombat.',
  'And what became of the wombat?',
] as const;
const STORY_QUESTION = QUESTIONS[1];
/** More than the model had written when its process died. */
const MORE_SEGMENTS = 6;
/** A report may leave the state as it is; among so many steps of an answer there are words. */
const SURELY_ANOTHER_STATE = 10;

jest.setTimeout(60_000);

let faked: FakedCluster;
let journal: RawJournal;
let natsUrl: string;
/** Given to every process of this cluster and to nobody else; all its temporary files are in there. */
let ownTmpDir: string;
let sessionId: string;

interface Run {
  code: number;
  lines: string[];
  complaint: string;
}

/** As a user would. */
async function parley(...args: string[]): Promise<Run> {
  const run = promisify(execFile)(process.execPath, ['tools/parley.mjs', ...args], {
    cwd: REPOSITORY,
    env: { PATH: process.env['PATH'], NATS_URL: natsUrl },
  });
  const { code, stdout, stderr } = await run.then(
    (done) => ({ code: 0, ...done }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  return { code, lines: stdout.trimEnd().split('\n'), complaint: stderr };
}

async function ownerOf(): Promise<ClusterMember> {
  for (const member of faked.cluster.running('orchestrator')) {
    if ((await scrape(member.metricsUrl, 'parley_sessions_active')) > 0) return member;
  }
  throw new Error('nobody owns the session');
}

/** Three turns; the owner dies in the middle of the second answer. */
async function converse(): Promise<void> {
  const client = await TestClient.connect({ url: faked.cluster.url });
  sessionId = String((await client.waitForType('parley.session'))['session_id']);
  await speakTurn(client, QUESTIONS[0]);
  const from = client.arrivals.length;
  client.send({ type: 'parley.transcript.final', turn_id: 'story', text: STORY_QUESTION });
  const created = await client.waitForType('response.created', 5_000, from);
  const responseId = String(fieldsOf(created['response'])['id']);
  const spoken = (): number => client.received(responseId).filter(({ last }) => last).length;
  await client.waitUntil('two sentences', () => spoken() >= 2);
  const victim = await ownerOf();
  process.kill(victim.pid, 'SIGKILL');
  const before = spoken();
  await client.waitUntil('the answer to go on', () => spoken() >= before + MORE_SEGMENTS, 20_000);
  const startedMs = performance.now();
  client.send({ type: 'parley.interrupt' });
  expect(await finishTurn(client, responseId, { from, startedMs })).toMatchObject({ status: 'cancelled' });
  expect(await speakTurn(client, QUESTIONS[2])).toMatchObject({ status: 'completed' });
  await client.close();
  const orchestrators = (): ClusterMember[] => faked.cluster.running('orchestrator');
  await until('the one that was killed to be replaced', () => orchestrators().every(({ pid }) => pid !== victim.pid));
  await until('the end of the session', async () => {
    const active = orchestrators().map((each) => scrape(each.metricsUrl, 'parley_sessions_active'));
    return (await Promise.all(active)).every((count) => count === 0);
  });
}

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['tools/build.mjs', 'cli'], { cwd: REPOSITORY });
  ownTmpDir = mkdtempSync(join(tmpdir(), 'parley-journal-'));
  const env = { TMPDIR: ownTmpDir, PARLEY_JOURNAL: 'yes', PARLEY_JOURNAL_MAX_MB: '64' };
  faked = await startFakedCluster(['--orchestrator', '2'], env);
  faked.llm.chatRule(({ text }) =>
    text === STORY_QUESTION ? { kind: 'answer', text: STORY, tokenDelayMs: 20 } : undefined,
  );
  natsUrl = /^nats-server (nats:\/\/\S+)$/m.exec(faked.cluster.output())?.[1] ?? '';
  journal = await RawJournal.connect(natsUrl);
  await converse();
}, 120_000);

afterAll(async () => {
  await journal?.close();
  await faked?.stop();
  rmSync(ownTmpDir, { recursive: true, force: true });
});

const ofEpoch = (entries: readonly RawEntry[], epoch: number): RawEntry[] =>
  entries.filter(({ body }) => body.epoch === epoch);

it('[G6] keeps every step of a conversation whose owner was killed in mid-answer', async () => {
  const entries = await journal.entries(sessionId);
  for (const epoch of [1, 2]) {
    const steps = ofEpoch(entries, epoch).map(({ body }) => body.step);
    expect(steps.length).toBeGreaterThan(20);
    expect(steps).toEqual(steps.map((_, index) => index));
  }
  expect(new Set(entries.map(({ body }) => body.epoch))).toEqual(new Set([1, 2]));
  const inputs = entries.map(({ body }) => fieldsOf(fieldsOf(body['input'])['input'])['text']).filter(Boolean);
  expect(inputs).toEqual([...QUESTIONS]);
});

it('replay takes all of them again and finds no difference', async () => {
  const { code, lines, complaint } = await parley('replay', sessionId);
  expect([lines.at(-1), code, complaint]).toEqual([
    expect.stringMatching(/^fits: \d+ steps replayed, no difference, none missing$/),
    ...[0, ''],
  ]);
  const entries = await journal.entries(sessionId);
  expect(lines[0]).toBe(`session ${sessionId}: 2 epochs, ${entries.length - 2} steps, 3 turns`);
  for (const question of QUESTIONS) expect(lines.filter((line) => line.includes(`“${question}”`))).toHaveLength(1);
  const epochs = lines.filter((line) => line.startsWith('epoch '));
  expect(epochs).toEqual([
    expect.stringMatching(/^epoch 1, orc_\w+, .* UTC: a new session$/),
    expect.stringMatching(/^epoch 2, orc_\w+, .* UTC: taken over after step \d+ of epoch 1/),
  ]);
});

it('sessions lists it with what there is of it', async () => {
  const { code, lines } = await parley('sessions');
  expect(code).toBe(0);
  const entries = await journal.entries(sessionId);
  const [, ...rows] = lines.map((line) => line.split(/ {2,}/));
  const row = rows.find(([id]) => id === sessionId);
  expect(row?.slice(3)).toEqual([`${entries.length - 2}`, '2', '3', 'fits']);
});

it('replay reports the very step that is not in the stream any more', async () => {
  const bodies = (await journal.entries(sessionId)).map(({ body }) => body);
  await journal.publish('sess_missing', bodies);
  const victim = ofEpoch(await journal.entries('sess_missing'), 1)[7];
  await journal.remove(victim?.seq ?? 0);
  const { code, lines } = await parley('replay', 'sess_missing');
  expect(code).toBe(1);
  expect(lines.filter((line) => line.startsWith('! epoch'))).toEqual(
    ['epoch 1: step 7 is missing; what follows in this epoch cannot be judged'].map((line) => `! ${line}`),
  );
  // The epoch of the next owner is judged again.
  const judged = 6 + ofEpoch(await journal.entries(sessionId), 2).length - 1;
  expect(lines.at(-1)).toBe(`does not fit: 1 problem; ${judged} of ${bodies.length - 3} steps could be judged`);
});

it('replay reports the very step that is another now', async () => {
  const bodies = (await journal.entries(sessionId)).map(({ body }) => structuredClone(body));
  const victim = bodies.find(({ epoch, input }) => epoch === 2 && fieldsOf(input)['kind'] === 'client');
  const said = fieldsOf(victim?.['input']);
  Object.assign(victim ?? {}, {
    input: { ...said, number: { attachment: 1, seq: 999 }, input: { kind: 'interrupted' } },
  });
  await journal.publish('sess_changed', bodies);
  const { code, lines } = await parley('replay', 'sess_changed');
  expect(code).toBe(1);
  expect(lines.find((line) => line.startsWith('! epoch'))).toMatch(`! epoch 2: step ${victim?.step} differs: `);
});

it('replay misses the last steps of an owner that are not in the stream', async () => {
  const bodies = (await journal.entries(sessionId)).map(({ body }) => body);
  const reached = /after step (\d+) of epoch 1/.exec((await parley('replay', sessionId)).lines.join('\n'))?.[1];
  await journal.publish(
    'sess_torn',
    bodies.filter(({ epoch, step }) => epoch !== 1 || step < Number(reached) - SURELY_ANOTHER_STATE),
  );
  const { code, lines } = await parley('replay', 'sess_torn');
  expect(code).toBe(1);
  expect(lines.filter((line) => line.startsWith('! '))).toEqual([
    expect.stringMatching(/^! epoch 2 began with a state that no recorded step led to/),
  ]);
});

it('forget erases a session, and what was said, from the stream and from its files', async () => {
  const filesWith = (text: string): string[] =>
    readdirSync(ownTmpDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(text));
  await until('the journal on the disk', () => filesWith('wombat').length > 0);
  const sessions = Object.keys(await journal.sessions());
  expect(sessions).toContain(sessionId);
  // Whatever holds the others' entries also holds these: nothing goes away as a whole.
  const other = { kind: 'opened', epoch: 1, step: 0, nowMs: 0, owner: 'orc_1', rev: 0, said: 'a platypus' };
  await journal.publish('sess_other', [other]);
  await until('the other one on the disk', () => filesWith('platypus').length > 0);
  for (const each of sessions) {
    expect(await parley('forget', each)).toMatchObject({ code: 0, lines: [expect.stringMatching(/^forgot sess_/)] });
  }
  expect(await journal.sessions()).toEqual({ sess_other: 1 });
  expect(await parley('replay', sessionId)).toMatchObject({ code: 6, complaint: expect.stringContaining(sessionId) });
  expect((await parley('sessions')).lines.slice(1)).toEqual([expect.stringMatching(/^sess_other /)]);
  expect(filesWith('platypus')).not.toEqual([]);
  expect(filesWith('wombat')).toEqual([]);
});
