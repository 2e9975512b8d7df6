import { PeerWatch } from '@parley/service-link';
import type { EngineInput } from '@parley/turn-engine';
import { OrchestratorStage, SESSION, TRACE, WorkerDouble } from '../orchestrator-stage.fixture';
import { SessionVoice } from './session-voice';

let stage: OrchestratorStage;
let worker: WorkerDouble;
let peers: PeerWatch;
let voice: SessionVoice;
let inputs: EngineInput[];

beforeEach(() => {
  stage = new OrchestratorStage();
  worker = new WorkerDouble(stage);
  const { bus, log, system } = stage.process();
  peers = new PeerWatch(bus, system, 'orc_one');
  inputs = [];
  const owner = { sessionId: SESSION, epoch: 1, self: 'orc_one', lipSync: false, voiceMap: { marin: 'anna' } } as const;
  voice = new SessionVoice({ bus, timers: system.timers, log }, peers, owner, null, (input) => inputs.push(input));
});
afterEach(() => {
  voice.close();
  peers.close();
});

async function open(
  ordinal: number,
  more: { lane?: number; voice?: string | null; speed?: number } = {},
): Promise<void> {
  voice.open(
    {
      ...{ kind: 'open-voice', lane: 0, ordinal, attempt: 1, responseId: `resp_${ordinal}`, segments: 0 },
      ...{ voice: null, speed: 1 },
      ...more,
    },
    TRACE,
  );
  await stage.pass();
}

describe('the voices of a session', () => {
  it('are asked for by the name that the worker knows, at the speed of the response', async () => {
    await open(1, { voice: 'marin', speed: 1.25 });
    await open(2, { voice: 'nova' });
    await open(3);
    expect(worker.opens.map(({ voice: name, speed }) => [name, speed])).toEqual([
      ['anna', 1.25],
      ['nova', 1],
      [null, 1],
    ]);
  });

  it('have no name that every object has', async () => {
    await open(1, { voice: 'constructor' });
    expect(worker.opens).toMatchObject([{ voice: 'constructor' }]);
  });

  it('are bound side by side, and the conversation’s alone is told to a later owner', async () => {
    await open(1);
    await open(2, { lane: 1 });
    expect(inputs).toMatchObject([
      { kind: 'voice-bound', lane: 0, ordinal: 1 },
      { kind: 'voice-bound', lane: 1, ordinal: 2 },
    ]);
    expect(voice.bound).toMatchObject({ lane: 0, ordinal: 1 });
  });

  it('are all kept that belong to a response which is live', async () => {
    await open(1);
    await open(2, { lane: 1 });
    voice.keepOnly([2]);
    voice.order({ kind: 'end-voice', lane: 0, ordinal: 1, segments: 1 });
    voice.order({ kind: 'end-voice', lane: 1, ordinal: 2, segments: 1 });
    await stage.pass();
    expect(worker.kinds).toEqual(['end']);
  });
});
