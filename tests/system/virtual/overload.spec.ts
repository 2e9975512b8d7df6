import type { GatewayService } from '@parley/service-gateway';
import { FIRST, SECOND } from './answer';
import { wholeOf } from './heard';
import { Stage, type StagedClient, type StagedProcess } from './stage';

/** Above the limit of every process. */
const LATE_MS = 101;
const BELOW_HALF_MS = 49;

describe('while every process is late', () => {
  let stage: Stage;
  let owner: StagedProcess;
  let speaker: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = Stage.exact();
    ({ orchestrator: owner, worker: speaker, gateway } = await stage.cluster());
    client = await stage.connect(gateway.service);
    client.say('hello', 't1');
    // Bound to the only worker there is.
    await stage.system.advanceBy(100);
    await stage.orchestrator();
    await stage.ttsWorker();
    await stage.system.stayAtLag(LATE_MS, 1_000);
  });

  const samplesOf = (from: StagedClient): Buffer =>
    Buffer.concat(from.arrivals.flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.pcm] : [])));
  const whole = wholeOf(FIRST, SECOND);

  it('a client that comes is told `capacity` and when to come again, and is let in when they have had time for 3 s', async () => {
    await expect(stage.connect(gateway.service)).rejects.toThrow('"code":"capacity"');
    await stage.system.stayAtLag(BELOW_HALF_MS, 3_000);
    await stage.connect(gateway.service);
  });

  it('[G2] a conversation under way goes on: each of its turns has its voice', async () => {
    await stage.system.advanceBy(10_000);
    client.say('again', 't2');
    await stage.system.advanceBy(10_000);
    expect(Buffer.compare(samplesOf(client), Buffer.concat([whole, whole]))).toBe(0);
    expect(client.events('error')).toEqual([]);
  });

  it.each([
    ['owner', () => owner],
    ['voice worker', () => speaker],
  ])('[G6] the %s that dies has a successor: the answer is heard whole', async (_, lost) => {
    lost().kill();
    await stage.system.advanceBy(20_000);
    expect(Buffer.compare(samplesOf(client), whole)).toBe(0);
    expect(client.events('error')).toEqual([]);
    expect(client.state()).toBe('listening');
  });
});
