import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { faultsIn, playClient, type Played } from './client-program';
import { loadEventSchemas, type EventSchemas } from './event-schemas';
import { askedIn, CHECKS, expectHeard, instructionsOf, scriptProviders } from './scenario-checks';
import { startAlone, startTogether, type SecureServer } from './secure-servers';

const REPOSITORY = resolve(__dirname, '../../..');
const RESULTS = resolve(REPOSITORY, 'results/clients.json');
/** All scenarios of all clients, on a machine with two cores. */
const PLAY_TIMEOUT_MS = 300_000;

/** Existing clients, as they are installed, and what stands in for those that are no JavaScript. */
const CLIENTS = {
  'openai-ws': { packageName: 'openai', isPatient: false },
  'openai-websocket': { packageName: 'openai', isPatient: false },
  'agents-realtime': { packageName: '@openai/agents-realtime', isPatient: true },
  'raw-pcmu': { packageName: 'ws', isPatient: false },
};
type Client = keyof typeof CLIENTS;
const SERVERS = { 'npm start': startAlone, 'npm run cluster': startTogether };

/** What Parley cannot do yet, and which cells wait for it: they must fail, and one that passes by now is refused here. */
const OPEN: readonly { reason: string; isOf: (client: Client, scenario: string) => boolean }[] = [
  { reason: 'no retrieve yet', isOf: (_client, scenario) => scenario.includes('retrieve') },
  { reason: 'no response out of band yet', isOf: (_client, scenario) => scenario === 'out of band' },
];
const reasonOf = (client: Client, scenario: string): string | undefined =>
  OPEN.find(({ isOf }) => isOf(client, scenario))?.reason;

/** `passed`, `failed`, or why it is open. */
type Cells = Record<string, Record<string, string>>;
const matrix: Cells = {};

describe.each(Object.entries(SERVERS))('%s', (target, start) => {
  let server: SecureServer;
  let schemas: EventSchemas;
  const plays = new Map<string, Map<string, Played> | Error>();

  beforeAll(async () => {
    schemas = await loadEventSchemas();
    server = await start();
    scriptProviders(server.llm, server.voice);
    const playing = Object.keys(CLIENTS).map(async (client) => {
      plays.set(client, await playClient(client, server).catch((error: unknown) => error as Error));
    });
    await Promise.all(playing);
  }, PLAY_TIMEOUT_MS);

  afterAll(() => server?.stop(), 60_000);

  describe.each(Object.keys(CLIENTS) as Client[])('serves %s', (client) => {
    for (const scenario of Object.keys(CHECKS)) {
      const reason = reasonOf(client, scenario);
      const test = reason === undefined ? it : it.failing;
      test(`in the scenario: ${scenario}`, () => {
        const row = (matrix[`${client}, ${target}`] ??= {});
        row[scenario] = reason ?? 'failed';
        const played = plays.get(client);
        if (played instanceof Error) throw played;
        const scene = played?.get(scenario);
        if (!scene) throw new Error(`${client} has not played it`);
        expect(scene.failure).toBeNull();
        expect(faultsIn(scene, schemas)).toEqual([]);
        expectHeard(scene);
        CHECKS[scenario]?.({
          played: scene,
          asked: askedIn(server.llm, client, scenario),
          say: (question) => `${question} (${client}, ${scenario})`,
          isPatient: CLIENTS[client].isPatient,
          instructions: instructionsOf(client),
        });
        row[scenario] = 'passed';
      });
    }
  });
});

afterAll(() => {
  const scenarios = Object.keys(CHECKS);
  const lines = Object.entries(matrix).map(
    ([row, cells]) => `| ${row} | ${scenarios.map((scenario) => cells[scenario] ?? '').join(' | ')} |`,
  );
  const head = [`| client, server | ${scenarios.join(' | ')} |`, `| --- |${' --- |'.repeat(scenarios.length)}`];
  process.stderr.write(`\n${[...head, ...lines].join('\n')}\n`);
  const isWhole = Object.values(matrix).flatMap((cells) => Object.values(cells)).length;
  if (isWhole < scenarios.length * Object.keys(CLIENTS).length * Object.keys(SERVERS).length) return;
  const versions = Object.fromEntries(
    Object.entries(CLIENTS).map(([client, { packageName }]) => [client, `${packageName} ${versionOf(packageName)}`]),
  );
  writeFileSync(RESULTS, `${JSON.stringify({ clients: versions, matrix }, undefined, 2)}\n`);
});

function versionOf(packageName: string): string {
  const manifest = readFileSync(resolve(REPOSITORY, 'node_modules', packageName, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
