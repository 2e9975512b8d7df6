import { createHash } from 'node:crypto';
import { Stage, type StagedClient, type StagedProcess } from './stage';

/** In the middle of the first of two segments, while both are still to be animated in part. */
const MID_ANSWER_MS = 700;
const ANSWER_MS = 9_000;

type Shape = readonly [segmentStartMs: unknown, viseme: unknown, durationMs: unknown];

/** An answer with a face of so many workers, and what happens to them in its middle. */
class Scene {
  readonly stage = new Stage();
  workers: StagedProcess[] = [];
  private client: StagedClient | undefined;

  static async play(workers: number, inMidAnswer?: (scene: Scene) => unknown): Promise<Scene> {
    const scene = new Scene();
    const { stage } = scene;
    stage.lipSync = true;
    stage.tts.indexed = true;
    await stage.orchestrator();
    await stage.ttsWorker();
    for (let n = 0; n < workers; n++) scene.workers.push(await stage.avatarBridge());
    const gateway = await stage.gateway();
    scene.client = await stage.connect(gateway.service);
    scene.client.say('hello', 't1');
    await stage.system.advanceBy(MID_ANSWER_MS);
    const nextMs = stage.system.nowMs + ANSWER_MS;
    await inMidAnswer?.(scene);
    await stage.system.advanceBy(nextMs - stage.system.nowMs);
    scene.client.say('And then?', 't2');
    await stage.system.advanceBy(ANSWER_MS);
    return scene;
  }

  /** As SIGSTOP: it stays a member of its group, gets its share, and does nothing with it. */
  stop(): void {
    this.workers[0]?.freezer.freeze();
  }

  /** All that the client was told and heard, but for the face: when, what, and the samples. Ids are drawn. */
  get conversation(): unknown[] {
    return this.arrivals.flatMap((arrival) => {
      if (arrival.kind === 'audio') return [[arrival.atMs, arrival.segment, arrival.firstSample, hashOf(arrival.pcm)]];
      return arrival.event.type === 'parley.visemes'
        ? []
        : [[arrival.atMs, arrival.event.type, arrival.event['delta']]];
    });
  }

  /** Of the response that is the n-th to have any. */
  visemes(response: 0 | 1): Shape[] {
    const events = this.arrivals.flatMap((arrival) =>
      arrival.kind === 'event' && arrival.event.type === 'parley.visemes' ? [arrival.event] : [],
    );
    const ids = [...new Set(this.created)];
    return events
      .filter((event) => event['response_id'] === ids[response])
      .flatMap((event) => event['visemes'] as { viseme: string; start_ms: number; duration_ms: number }[])
      .map(({ viseme, start_ms: startMs, duration_ms: durationMs }) => [startMs, viseme, durationMs] as const);
  }

  private get created(): unknown[] {
    return (this.client?.events('response.created') ?? []).map(({ response }) => (response as { id: unknown }).id);
  }

  private get arrivals(): StagedClient['arrivals'] {
    return this.client?.arrivals ?? [];
  }
}

const hashOf = (pcm: Uint8Array): string => createHash('sha256').update(pcm).digest('hex');

describe('the workers of a face', () => {
  let whole: Scene;
  beforeAll(async () => {
    whole = await Scene.play(1);
  });

  /** Nothing else is changed, and of the face nothing was made up. */
  function expectOnlyTheFace(scene: Scene): void {
    expect(scene.conversation).toEqual(whole.conversation);
    for (const response of [0, 1] as const) {
      const all = new Set(whole.visemes(response).map((shape) => JSON.stringify(shape)));
      for (const shape of scene.visemes(response)) expect(all).toContain(JSON.stringify(shape));
    }
  }
  const endOf = (shapes: Shape[]): number => Math.max(...shapes.map(([startMs]) => Number(startMs)));

  it('[G6] animate both answers to their ends, when nothing happens to them', () => {
    expect(whole.visemes(0).length).toBeGreaterThan(30);
    expect(whole.visemes(1)).toEqual(whole.visemes(0));
  });

  it('[G6] one of two, killed in mid-answer: the other goes on, and no stretch is lost', async () => {
    const scene = await Scene.play(2, ({ workers }) => workers[0]?.kill());
    expectOnlyTheFace(scene);
    expect(scene.visemes(0)).toEqual(whole.visemes(0));
    expect(scene.visemes(1)).toEqual(whole.visemes(1));
  });

  it('[G6] the only one, killed and started again: the face rests meanwhile, and nothing else is missing', async () => {
    const scene = await Scene.play(1, async ({ workers, stage }) => {
      workers[0]?.kill();
      await stage.system.advanceBy(500);
      await stage.avatarBridge();
    });
    expectOnlyTheFace(scene);
    expect(scene.visemes(0).length).toBeLessThan(whole.visemes(0).length);
    expect(endOf(scene.visemes(0))).toBe(endOf(whole.visemes(0)));
    expect(scene.visemes(1)).toEqual(whole.visemes(1));
  });

  it('[G6] one of two, stopped: what it was given is missing, the other animates the rest', async () => {
    const scene = await Scene.play(2, (played) => played.stop());
    expectOnlyTheFace(scene);
    for (const response of [0, 1] as const) {
      expect(scene.visemes(response).length).toBeGreaterThan(0);
      expect(scene.visemes(response).length).toBeLessThan(whole.visemes(response).length);
    }
  });

  it('[G6][G2] all of them, killed: both answers are heard whole, without a face', async () => {
    const scene = await Scene.play(1, ({ workers }) => workers[0]?.kill());
    expectOnlyTheFace(scene);
    expect(scene.visemes(0).length).toBeGreaterThan(0);
    expect(scene.visemes(1)).toEqual([]);
  });
});
