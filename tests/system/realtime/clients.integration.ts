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
  'openai-ws': { packageName: 'openai', isPatient: false, byTheClock: false },
  'openai-websocket': { packageName: 'openai', isPatient: false, byTheClock: false },
  'agents-realtime': { packageName: '@openai/agents-realtime', isPatient: true, byTheClock: true },
  'raw-pcmu': { packageName: 'ws', isPatient: false, byTheClock: false },
};
type Client = keyof typeof CLIENTS;
const SERVERS = { 'npm start': startAlone, 'npm run cluster': startTogether };

type Cells = Record<string, Record<string, 'passed' | 'failed'>>;
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
      it(`in the scenario: ${scenario}`, () => {
        const row = (matrix[`${client}, ${target}`] ??= {});
        row[scenario] = 'failed';
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
          ...CLIENTS[client],
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
