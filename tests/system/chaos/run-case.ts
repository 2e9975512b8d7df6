import type { RandomPort } from '@parley/ports';
import type { Case, StrikeName } from './cases';
import { Crowd } from './crowd';
import { Lines } from './lines';
import { MOMENTS } from './moment';
import { rowOf, type Row } from './row';
import { Scene } from './scene';
import { Servers } from '../support/servers';
import type { Stage, Strike } from './strike';
import { Witness } from './witness';

/** Until the first conversations speak. */
const WARM_UP_MS = 4_000;
const NOTHING_TO_HIT_MS = 200;
const AWAY_MS = 10_000;
const AWAY_SMALL_MS = 3_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface RunOptions {
  talks: number;
  random: RandomPort;
  isSmall: boolean;
  /** A case that does not come to its turns ends here, and says so. */
  timeLimitMs: number;
  print(line: string): void;
}

/** A scene of its own, conversations, and strikes until enough turns were hit; then everything that is under way may end. */
export async function runCase(name: StrikeName, definition: Case, options: RunOptions): Promise<Row> {
  const { talks, random, isSmall } = options;
  const servers = await Servers.start(definition.store);
  const lines = new Lines();
  let scene: Scene | undefined;
  try {
    scene = await Scene.start(servers);
    const gateways = scene.gatewayUrls();
    const addresses = await Promise.all(
      Array.from({ length: talks }, async (_, place) => {
        const all = [...gateways.slice(place % gateways.length), ...gateways.slice(0, place % gateways.length)];
        return definition.overLines ? lines.lay(all) : all;
      }),
    );
    const addressesOf = (place: number): readonly string[] => addresses[place] ?? gateways;
    const witness = new Witness(scene);
    const promptsOf = (turnId: string): ReturnType<Witness['promptsOf']> => witness.promptsOf(turnId);
    const crowd = new Crowd({ size: talks, random, patienceMs: definition.patienceMs, addressesOf, promptsOf });
    const awayMs = isSmall ? AWAY_SMALL_MS : AWAY_MS;
    const stage: Stage = { scene, witness, crowd, lines, random, awayMs };
    crowd.start();
    const strikes = await strikeAgainAndAgain(definition, stage, options);
    await crowd.stop();
    const { judged, resumes, complaints } = crowd;
    return rowOf({
      name,
      title: definition.title,
      must: definition.must,
      strikes,
      judged,
      resumes,
      complaints,
      isSmall,
    });
  } finally {
    await lines.close();
    await scene?.stop();
    await servers.stop();
  }
}

async function strikeAgainAndAgain(
  { must, pauseMs: [least, most], strike }: Case,
  stage: Stage,
  { random, timeLimitMs, print }: RunOptions,
): Promise<Strike[]> {
  const strikes: Strike[] = [];
  const hit = new Set<string>();
  const endMs = performance.now() + timeLimitMs;
  await sleep(WARM_UP_MS);
  while ((hit.size < must.turns || strikes.length < must.strikes) && performance.now() < endMs) {
    const done = await strike(stage);
    if (!done) {
      await sleep(NOTHING_TO_HIT_MS);
      continue;
    }
    strikes.push(done);
    for (const { turnId, counts } of done.hits) if (counts) hit.add(turnId);
    const moments = MOMENTS.map((each) => `${done.hits.filter(({ moment }) => moment === each).length} ${each}`);
    print(`strike ${strikes.length}: ${done.target}: ${moments.join(', ')}; ${hit.size} turns so far`);
    await sleep(least + random.fraction() * (most - least));
  }
  return strikes;
}
