import { announceOf, endOf, interruptedOf, textOf, type TestConnection } from '../gateway-stage.fixture';
import type { Downlink } from './downlink';
import { DownlinkStage } from './downlink-stage.fixture';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

beforeEach(() => {
  stage = new DownlinkStage();
  ({ connection, downlink } = stage);
});

/** Response 1 of the conversation and 2 beside it, each with a text; nothing is spoken. */
const beside = (): void =>
  stage.output(announceOf(1), textOf(1, 'Hello.'), announceOf(2, { lane: 1 }), { ...textOf(2, 'Aside.'), lane: 1 });
const speaks = (ordinal: number, lane: number): void => stage.audio({ ordinal, lane, samples: 2400, last: true });
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
    stage.output({ ...endOf(2), lane: 1 });
    expect(connection.of('response.done')).toHaveLength(1);
    expect(downlink.lastClosedOrdinal).toBe(0);
    expect(downlink.deliveries().map(({ lane, ordinal, closed }) => [lane, ordinal, closed])).toEqual([
      [0, 1, false],
      [1, 2, true],
    ]);
    speaks(1, 0);
    stage.output(endOf(1));
    expect(downlink.lastClosedOrdinal).toBe(1);
  });

  it('count as heard where they are out of band: nobody knows whether they are played', () => {
    beside();
    speaks(2, 1);
    expect(downlink.deliveries()[1]).toMatchObject({ ordinal: 2, playedSamples: 2400 });
    stage.output({ ...endOf(2), lane: 1 });
    downlink.prune();
    expect(downlink.deliveries().map(({ ordinal }) => ordinal)).toEqual([1]);
  });

  it('do not keep each other’s playback waiting', async () => {
    stage.output(announceOf(1, { lane: 1 }), { ...textOf(1, 'Aside.'), lane: 1 });
    stage.output(announceOf(2), textOf(2, 'Hello.'));
    speaks(2, 0);
    await stage.system.advanceBy(60);
    expect(downlink.deliveries()[1]).toMatchObject({ ordinal: 2, playedSamples: 1440 });
  });

  it('are fenced apart: an interruption of the conversation leaves the other one alone', () => {
    beside();
    downlink.fence({ responseId: undefined, live: true, tails: true }, 9);
    speaks(1, 0);
    speaks(2, 1);
    expect([heardOf(1).length, heardOf(2).length]).toEqual([0, 1]);
    // Also one that is announced later, for an earlier wish.
    stage.output(announceOf(3, { lane: 2, cause: { attachment: 1, seq: 3 } }), { ...textOf(3, 'More.'), lane: 2 });
    speaks(3, 2);
    expect(heardOf(3)).toHaveLength(1);
  });

  it('are fenced apart: an interruption of the other one by its name leaves the conversation alone', () => {
    beside();
    downlink.fence({ responseId: 'resp_2', live: true, tails: false }, 9);
    stage.output({ ...interruptedOf(2), lane: 1 });
    speaks(1, 0);
    speaks(2, 1);
    expect([heardOf(1).length, heardOf(2).length]).toEqual([1, 0]);
    expect(connection.of('response.done')).toMatchObject([{ response: { id: 'resp_2', status: 'cancelled' } }]);
    expect(downlink.lastClosedOrdinal).toBe(0);
  });
});
