import type { RandomPort } from '@parley/ports';
import type { Case, Pace, StrikeName } from './cases';
import { Crowd } from './crowd';
import { Lines } from './lines';
import { MOMENTS, rarestOf, type Moment } from './moment';
import { rowOf, type Row } from './row';
import { PROVIDERS, Scene } from './scene';
import { Servers } from '../support/servers';
import type { Stage, Strike } from './strike';
import { Witness } from './witness';
import { sleep } from '../support/sleep';

const NOTHING_TO_HIT_MS = 200;

export interface RunOptions {
  random: RandomPort;
  isSmall: boolean;
  pace: Pace;
  print(line: string): void;
}

/** A scene of its own, conversations, and strikes until enough turns were hit; then everything that is under way may end. */
export async function runCase(name: StrikeName, definition: Case, options: RunOptions): Promise<Row> {
  const { random, isSmall, pace } = options;
  const { talks, replicas, env } = definition;
  const { providers, spreadMs, turnsPerTalk, awayMs, aimMs } = pace;
  const servers = await Servers.start(definition.store);
  const lines = new Lines();
  let scene: Scene | undefined;
  try {
    scene = await Scene.start(servers, { ...PROVIDERS, ...providers, ...definition.providers }, replicas, env);
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
    const { patienceMs } = definition;
    const habits = { spreadMs, turnsPerTalk, sentences: PROVIDERS.sentences, patienceMs };
    const crowd = new Crowd({ size: talks, random, ...habits, addressesOf, promptsOf });
    const strikes: Strike[] = [];
    const rarest = (): Moment => rarestOf(strikes.flatMap(({ hits }) => hits.map(({ moment }) => moment)));
    const stage: Stage = { scene, witness, crowd, lines, random, awayMs, aimMs, rarest };
    crowd.start();
    await strikeAgainAndAgain(definition, stage, strikes, options);
    await crowd.stop();
    const { judged, resumes, complaints } = crowd;
    return rowOf({
      name,
      title: definition.title,
      must: definition.must,
      talks,
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
  strikes: Strike[],
  { random, pace, print }: RunOptions,
): Promise<void> {
  const hit = new Set<string>();
  const endMs = performance.now() + pace.timeLimitMs;
  await sleep(pace.warmUpMs);
  while ((hit.size < must.turns || strikes.length < must.strikes) && performance.now() < endMs) {
    const done = await strike(stage, strikes.length);
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
}
