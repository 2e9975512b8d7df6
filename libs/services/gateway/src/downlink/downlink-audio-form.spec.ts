import { decodeAudioFrame } from '@parley/model';
import {
  announceOf,
  chunkOf,
  endOf,
  interruptedOf,
  pcmOf,
  textOf,
  type TestConnection,
} from '../gateway-stage.fixture';
import type { Downlink, DownlinkOptions } from './downlink';
import { CLOSING, DownlinkStage, OPENING } from './downlink-stage.fixture';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

function connect(options?: Partial<DownlinkOptions>): void {
  stage = new DownlinkStage(options);
  ({ connection, downlink } = stage);
}
beforeEach(() => connect());

const pcmOfDelta = (index: number): number[] => {
  const bytes = Buffer.from(String(connection.of('response.output_audio.delta')[index]?.['delta']), 'base64');
  return [...bytes];
};

describe('the form of audio', () => {
  it('for a JSON client is base64 of exactly the samples', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 50 });
    stage.audio({ firstSample: 20, samples: 50 });
    expect(pcmOfDelta(0)).toEqual([...pcmOf(0, 50)]);
    expect(pcmOfDelta(1)).toEqual([...pcmOf(50, 20)]);
  });

  it('for a binary client is the worker’s frame, uncopied', () => {
    connect({ binary: true });
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    const chunk = chunkOf({ samples: 50 });
    downlink.audio(chunk);
    expect(connection.binaries).toHaveLength(1);
    expect(connection.binaries[0]).toBe(chunk.frame);
    expect(connection.types).toEqual([
      'response.created',
      ...OPENING,
      'response.output_audio_transcript.delta',
      '<audio>',
    ]);
  });

  it('for a binary client is trimmed with its position where chunks overlap', () => {
    connect({ binary: true });
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 50 });
    const overlapping = chunkOf({ firstSample: 20, samples: 50, last: true });
    const before = Uint8Array.from(overlapping.frame);
    downlink.audio(overlapping);
    const [, trimmed] = connection.binaries;
    expect(trimmed && decodeAudioFrame(trimmed)).toEqual({
      ok: true,
      value: { responseId: 'resp_1', segment: 0, firstSample: 50, last: true, pcm: pcmOf(50, 20) },
    });
    expect([...overlapping.frame]).toEqual([...before]);
  });

  it('for a binary client keeps the end of a segment without a new sample', () => {
    connect({ binary: true });
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 50 });
    stage.audio({ firstSample: 20, samples: 30, last: true });
    const [, ending] = connection.binaries;
    expect(ending && decodeAudioFrame(ending)).toMatchObject({
      value: { firstSample: 50, last: true, pcm: { length: 0 } },
    });
  });
});

describe('a response in G.711', () => {
  const PCMU = { format: { type: 'audio/pcmu' } } as const;
  const deltas = (): { bytes: Buffer; segment: unknown; firstSample: unknown }[] =>
    connection.of('response.output_audio.delta').map((event) => ({
      bytes: Buffer.from(String(event['delta']), 'base64'),
      segment: event['segment'],
      firstSample: event['first_sample'],
    }));
  const bytesOf = (): number => deltas().reduce((sum, { bytes }) => sum + bytes.length, 0);

  it('is a byte for every third sample, the last ones before the closing events', () => {
    connect({ parley: false });
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'), textOf(1, 'You.', 1));
    stage.audio({ samples: 1_000, last: true });
    stage.audio({ segment: 1, samples: 501, last: true });
    expect(bytesOf()).toBeLessThan(501);
    stage.output(endOf(1, { segments: 2, spokenSegments: 2 }));
    expect(bytesOf()).toBe(501);
    expect(connection.types.slice(-CLOSING.length - 1)).toEqual(['response.output_audio.delta', ...CLOSING]);
    expect(deltas()[0]).toMatchObject({ segment: undefined, firstSample: undefined });
  });

  it('keeps its format when the next one has another', () => {
    connect({ parley: false });
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    stage.audio({ samples: 900, last: true });
    stage.output(endOf(1), announceOf(2), textOf(2, 'You.'));
    stage.audio({ ordinal: 2, samples: 900, last: true });
    expect(deltas().at(-1)?.bytes).toHaveLength(1_800);
    expect(bytesOf()).toBe(300 + 1_800);
  });

  it('says nothing more once it is fenced, not even what its coding still held', () => {
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    stage.audio({ samples: 900 });
    const before = bytesOf();
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    stage.output(interruptedOf(1));
    expect(before).toBeGreaterThan(0);
    expect(bytesOf()).toBe(before);
  });

  it('that is closed by its deadline gives out what its coding still held', () => {
    connect({ parley: false });
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    stage.audio({ samples: 900 });
    stage.output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(bytesOf()).toBe(300);
  });

  it('waits with its last bytes behind what waits for the socket', () => {
    connect({ parley: false });
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    stage.audio({ samples: 900 });
    stage.output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(bytesOf()).toBe(0);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(bytesOf()).toBe(300);
    expect(connection.types.at(-1)).toBe('response.done');
  });

  it('counts for a client of parley.v1 in samples of 24 kHz, and ends with each segment', () => {
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'), textOf(1, 'You.', 1));
    stage.audio({ samples: 1_000, last: true });
    stage.audio({ segment: 1, samples: 500, last: true });
    const bySegment = [0, 1].map((segment) => deltas().filter((delta) => delta.segment === segment));
    for (const [segment, samples] of [1_000, 500].entries()) {
      let next = 0;
      for (const { firstSample, bytes } of bySegment[segment] ?? []) {
        expect(firstSample).toBe(next);
        next += 3 * bytes.length;
      }
      expect(next).toBe(3 * Math.ceil(samples / 3));
    }
  });

  it('comes as PCM in binary frames all the same', () => {
    connect({ binary: true });
    stage.output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    stage.audio({ samples: 900, last: true });
    stage.output(endOf(1));
    expect(connection.binaries).toHaveLength(1);
    expect(decodeAudioFrame(connection.binaries[0] ?? new Uint8Array())).toMatchObject({
      value: { pcm: pcmOf(0, 900) },
    });
    expect(connection.of('response.output_audio.delta')).toEqual([]);
  });
});
