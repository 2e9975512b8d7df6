import { VirtualSystem } from '@parley/harness';
import type { ClientOutput } from '../link/session-link';
import { gaDialect } from '../dialects/ga-dialect';
import { Downlink } from './downlink';
import {
  announceOf,
  chunkOf,
  endOf,
  interruptedOf,
  RecordingTelemetry,
  TestConnection,
  textOf,
} from '../gateway-stage.fixture';

let system: VirtualSystem;
let connection: TestConnection;
let downlink: Downlink;

beforeEach(() => {
  system = new VirtualSystem();
  connection = new TestConnection();
  downlink = new Downlink(
    system.clock,
    new RecordingTelemetry(),
    connection,
    { dialect: gaDialect({ parley: true }), parley: true, binary: false, conversationId: 'conv_1' },
    1,
    [],
    undefined,
    { onProgress: () => {}, onDisconnectOrdered: () => {}, onOverflow: () => {}, askedAtMs: () => undefined },
  );
});

let outSeq = 0;
const output = (...outputs: ClientOutput[]): void => {
  for (const each of outputs) downlink.output(each, { epoch: 1, outSeq: ++outSeq });
};

/** Response 1 of the conversation and 2 beside it, each with a text; nothing is spoken. */
const beside = (): void =>
  output(announceOf(1), textOf(1, 'Hello.'), announceOf(2, { lane: 1 }), { ...textOf(2, 'Aside.'), lane: 1 });
const speaks = (ordinal: number, lane: number): void =>
  downlink.audio(chunkOf({ ordinal, lane, samples: 2400, last: true }));
const heardOf = (ordinal: number): unknown[] =>
  connection.of('response.output_audio.delta').filter((event) => event['response_id'] === `resp_${ordinal}`);

describe('responses side by side', () => {
  it('are each heard, in whatever order their audio comes', () => {
    beside();
    speaks(2, 1);
    speaks(1, 0);
    expect([heardOf(1).length, heardOf(2).length]).toEqual([1, 1]);
  });

  it('are closed each for itself: that the later one is says nothing of the conversation’s', () => {
    beside();
    speaks(2, 1);
    output({ ...endOf(2), lane: 1 });
    expect(connection.of('response.done')).toHaveLength(1);
    expect(downlink.lastClosedOrdinal).toBe(0);
    expect(downlink.deliveries().map(({ lane, ordinal, closed }) => [lane, ordinal, closed])).toEqual([
      [0, 1, false],
      [1, 2, true],
    ]);
    speaks(1, 0);
    output(endOf(1));
    expect(downlink.lastClosedOrdinal).toBe(1);
  });

  it('count as heard where they are out of band: nobody knows whether they are played', () => {
    beside();
    speaks(2, 1);
    expect(downlink.deliveries()[1]).toMatchObject({ ordinal: 2, playedSamples: 2400 });
    output({ ...endOf(2), lane: 1 });
    downlink.prune();
    expect(downlink.deliveries().map(({ ordinal }) => ordinal)).toEqual([1]);
  });

  it('do not keep each other’s playback waiting', async () => {
    output(announceOf(1, { lane: 1 }), { ...textOf(1, 'Aside.'), lane: 1 });
    output(announceOf(2), textOf(2, 'Hello.'));
    speaks(2, 0);
    await system.advanceBy(60);
    expect(downlink.deliveries()[1]).toMatchObject({ ordinal: 2, playedSamples: 1440 });
  });

  it('are fenced apart: an interruption of the conversation leaves the other one alone', () => {
    beside();
    downlink.fence({ responseId: undefined, live: true, tails: true }, 9);
    speaks(1, 0);
    speaks(2, 1);
    expect([heardOf(1).length, heardOf(2).length]).toEqual([0, 1]);
    // Also one that is announced later, for an earlier wish.
    output(announceOf(3, { lane: 2, cause: { attachment: 1, seq: 3 } }), { ...textOf(3, 'More.'), lane: 2 });
    speaks(3, 2);
    expect(heardOf(3)).toHaveLength(1);
  });

  it('are fenced apart: an interruption of the other one by its name leaves the conversation alone', () => {
    beside();
    downlink.fence({ responseId: 'resp_2', live: true, tails: false }, 9);
    output({ ...interruptedOf(2), lane: 1 });
    speaks(1, 0);
    speaks(2, 1);
    expect([heardOf(1).length, heardOf(2).length]).toEqual([1, 0]);
    expect(connection.of('response.done')).toMatchObject([{ response: { id: 'resp_2', status: 'cancelled' } }]);
    expect(downlink.lastClosedOrdinal).toBe(0);
  });
});
