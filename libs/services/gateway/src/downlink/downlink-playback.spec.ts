import { announceOf, endOf, interruptedOf, textOf, type TestConnection } from '../gateway-stage.fixture';
import type { ClientOutput } from '../link/session-link';
import type { Downlink } from './downlink';
import { DownlinkStage } from './downlink-stage.fixture';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

beforeEach(() => {
  stage = new DownlinkStage();
  ({ connection, downlink } = stage);
});

describe('progress', () => {
  it('is told at the first sample, at each segment’s end and at the closing events, not at other chunks', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 10 });
    expect(stage.told).toEqual(['progress']);
    stage.audio({ firstSample: 10, samples: 10 });
    expect(stage.told).toEqual(['progress']);
    stage.audio({ firstSample: 20, samples: 10, last: true });
    expect(stage.told).toEqual(['progress', 'progress']);
    stage.output(endOf(1));
    expect(stage.told).toEqual(['progress', 'progress', 'progress']);
  });

  it('counts what went to the socket, not what waits for it', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    connection.bufferedBytes = 64 * 1024;
    stage.audio({ samples: 100, last: true });
    expect(downlink.deliveries()).toMatchObject([{ segments: [], playedSamples: 0, closed: false }]);
    expect(stage.told).toEqual([]);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(downlink.deliveries()).toMatchObject([{ segments: [{ samples: 100, last: true }], closed: true }]);
  });

  it('measures the first audio from the input that began the response, if this connection has seen it', async () => {
    await stage.system.advanceBy(250);
    stage.spoken();
    stage.output(announceOf(2, { cause: { attachment: 9, seq: 1 } }));
    stage.audio({ ordinal: 2 });
    expect(stage.telemetry.observed).toEqual([{ name: 'parley_turn_first_audio_seconds', seconds: 0.25 }]);
  });

  it('of playback comes from the client, also for what was closed', async () => {
    stage.spoken(24_000);
    stage.output(endOf(1));
    downlink.playback('resp_1', 300, false);
    downlink.playback('resp_9', 900, false);
    await stage.system.advanceBy(400);
    expect(downlink.deliveries()).toMatchObject([{ playedSamples: 7_200, ended: false }]);
    downlink.playback('resp_1', 0, true);
    expect(downlink.deliveries()).toMatchObject([{ playedSamples: 24_000, ended: true }]);
  });
});

describe('a voice that is held', () => {
  const pauseOf = (kind: 'paused' | 'resumed'): ClientOutput => ({
    ...{ kind, lane: 0, ordinal: 1, responseId: 'resp_1', fromMs: 40 },
  });
  const playedMs = (): number => (downlink.deliveries()[0]?.playedSamples ?? 0) / 24;

  it('[PA1][PA2] is told to the client, and is not played meanwhile', async () => {
    stage.spoken(24_000);
    await stage.system.advanceBy(40);
    stage.output(pauseOf('paused'));
    await stage.system.advanceBy(500);
    expect(playedMs()).toBe(40);
    stage.output(pauseOf('resumed'));
    await stage.system.advanceBy(100);
    expect(playedMs()).toBe(140);
    expect(connection.of('parley.output.paused')).toMatchObject([{ response_id: 'resp_1', from_ms: 40 }]);
    expect(connection.of('parley.output.resumed')).toMatchObject([{ response_id: 'resp_1', from_ms: 40 }]);
  });

  it('[PA3] goes on with the next response when its own was interrupted', async () => {
    stage.spoken(24_000);
    stage.output(pauseOf('paused'), interruptedOf(1), announceOf(2), textOf(2, 'Hello.'));
    stage.audio({ ordinal: 2, samples: 2_400 });
    await stage.system.advanceBy(50);
    expect(playedMs()).toBe(50);
  });
});
