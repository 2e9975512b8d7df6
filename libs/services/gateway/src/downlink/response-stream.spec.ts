import { pcmAfter } from './chunk-rest';
import { announceOf, chunkOf, endOf, pcmOf } from '../gateway-stage.fixture';
import { ResponseEvents } from './response-events';
import { ResponseStream } from './response-stream';
import { voiceCodingOf } from './voice-coding';

let stream: ResponseStream;
beforeEach(() => {
  const announce = announceOf(1);
  const coding = voiceCodingOf(announce.format, { bySegment: false });
  stream = new ResponseStream(announce, new ResponseEvents(announce, 'conv_1'), coding, undefined);
});

const place = (segment: number, firstSample: number, samples: number, last = false) =>
  stream.place(chunkOf({ segment, firstSample, samples, last }));
const write = (skipSamples: number) => ({ kind: 'write', skipSamples });

describe('placing audio', () => {
  it('takes contiguous chunks, segment after segment', () => {
    expect(place(0, 0, 100)).toEqual(write(0));
    expect(place(0, 100, 50, true)).toEqual(write(0));
    expect(place(1, 0, 100)).toEqual(write(0));
  });

  it('refuses what is there already', () => {
    place(0, 0, 100);
    expect(place(0, 0, 100).kind).toBe('duplicate');
    expect(place(0, 0, 40).kind).toBe('duplicate');
    expect(place(0, 60, 40).kind).toBe('duplicate');
    place(0, 100, 50, true);
    expect(place(0, 100, 50, true).kind).toBe('duplicate');
    place(1, 0, 10);
    expect(place(0, 100, 50, true).kind).toBe('duplicate');
    expect(place(1, 10, 10)).toEqual(write(0));
  });

  it('takes only the new part of a chunk that overlaps', () => {
    place(0, 0, 100);
    expect(place(0, 60, 100)).toEqual(write(40));
    expect(place(0, 160, 10)).toEqual(write(0));
  });

  it('refuses what comes after a hole, in a segment or before one', () => {
    expect(place(1, 0, 100).kind).toBe('hole');
    expect(place(0, 1, 100).kind).toBe('hole');
    place(0, 0, 100);
    expect(place(1, 0, 100).kind).toBe('hole');
    place(0, 100, 1, true);
    expect(place(2, 0, 100).kind).toBe('hole');
    expect(place(1, 5, 100).kind).toBe('hole');
    // A refused chunk leaves no trace: the missing one is still taken.
    expect(place(1, 0, 5)).toEqual(write(0));
  });

  it('ends a segment with an empty chunk, also one that was never begun', () => {
    place(0, 0, 100);
    expect(place(0, 100, 0).kind).toBe('duplicate');
    expect(place(0, 100, 0, true)).toEqual(write(0));
    expect(place(0, 100, 0, true).kind).toBe('duplicate');
    expect(place(1, 0, 0, true)).toEqual(write(0));
    expect(place(2, 0, 10)).toEqual(write(0));
  });

  it('takes the end from a chunk whose samples are all there already', () => {
    place(0, 0, 100);
    expect(place(0, 20, 80, true)).toEqual(write(80));
    expect(place(1, 0, 10)).toEqual(write(0));
  });

  it('takes a newer rendering from its first chunk on, and nothing of an older one any more', () => {
    place(0, 0, 100);
    const again = (epoch: number, attempt: number, firstSample: number, samples: number, last = false) =>
      stream.place(chunkOf({ epoch, attempt, segment: 0, firstSample, samples, last }));
    expect(again(1, 2, 60, 100)).toEqual(write(40));
    expect(again(1, 1, 160, 40).kind).toBe('stale');
    // A new owner's first rendering is newer than the second of the one before.
    expect(again(2, 1, 160, 10)).toEqual(write(0));
    expect(again(1, 3, 170, 10).kind).toBe('stale');
    expect(again(2, 1, 170, 10, true)).toEqual(write(0));
  });

  it('ends a segment also where its newer rendering is the shorter one', () => {
    place(0, 0, 100);
    expect(stream.place(chunkOf({ attempt: 2, segment: 0, firstSample: 50, samples: 40, last: true }))).toEqual(
      write(40),
    );
    expect(stream.place(chunkOf({ attempt: 2, segment: 1, firstSample: 0, samples: 10 }))).toEqual(write(0));
  });

  it('refuses everything once muted or closed', () => {
    place(0, 0, 100);
    stream.muted = true;
    expect(place(0, 100, 100).kind).toBe('stale');
    stream.muted = false;
    stream.closed = true;
    expect(place(0, 100, 100).kind).toBe('stale');
  });
});

describe('the closing events', () => {
  const sent = (segment: number, samples: number, last: boolean) => stream.sent(segment, 1, samples, last);

  it('are due when the end is known and every spoken segment has gone out to its end, in either order', () => {
    sent(0, 100, true);
    expect(stream.due).toBeUndefined();
    stream.finish(endOf(1, { segments: 2, spokenSegments: 2 }));
    expect(stream.due).toBeUndefined();
    sent(1, 100, false);
    expect(stream.due).toBeUndefined();
    sent(1, 0, true);
    expect(stream.due).toMatchObject({ status: 'completed' });
  });

  it('wait for no audio where nothing is spoken, also when that is known only later', () => {
    stream.finish(endOf(1, { segments: 2, spokenSegments: 2 }));
    expect(stream.due).toBeUndefined();
    stream.finish(endOf(1, { segments: 2, spokenSegments: 0 }));
    expect(stream.due).toMatchObject({ spokenSegments: 0 });
  });

  it('of a muted response come from its interruption alone', () => {
    sent(0, 100, true);
    stream.finish(endOf(1));
    stream.muted = true;
    expect(stream.due).toBeUndefined();
  });

  it('of a failed response are due at once, muted or not', () => {
    stream.muted = true;
    stream.finish(endOf(1, { segments: 3, spokenSegments: 0, status: 'failed' }));
    expect(stream.due).toMatchObject({ status: 'failed' });
  });

  it('are never due twice', () => {
    sent(0, 100, true);
    stream.finish(endOf(1));
    stream.closed = true;
    expect(stream.due).toBeUndefined();
    stream.finish(endOf(1, { status: 'failed' }));
    expect(stream.due).toBeUndefined();
  });

  it('rest on what was written: samples add up, and the attempt is the newest', () => {
    sent(0, 100, false);
    stream.sent(0, 2, 50, true);
    expect(stream.segments).toEqual([{ attempt: 2, samples: 150, last: true }]);
    expect(stream.deliveredSamples).toBe(150);
  });
});

describe('visemes', () => {
  it('wait until the start of their segment is known, and count from the first sample of the response', () => {
    stream.addVisemes(1, [{ viseme: 'aa', startMs: 10.4, durationMs: 20.6 }]);
    expect(stream.takeVisemes()).toEqual([]);
    stream.sent(0, 1, 2400, false);
    expect(stream.takeVisemes()).toEqual([]);
    stream.sent(0, 1, 2400, true);
    expect(stream.takeVisemes()).toEqual([{ viseme: 'aa', start_ms: 210, duration_ms: 21 }]);
    expect(stream.takeVisemes()).toEqual([]);
  });

  it('of the first segment need nothing', () => {
    stream.addVisemes(0, [{ viseme: 'PP', startMs: 0, durationMs: 5 }]);
    expect(stream.takeVisemes()).toEqual([{ viseme: 'PP', start_ms: 0, duration_ms: 5 }]);
  });

  it('of a later segment wait for all before it, those without a sample too', () => {
    stream.addVisemes(2, [{ viseme: 'O', startMs: 0, durationMs: 5 }]);
    stream.sent(0, 1, 240, true);
    expect(stream.takeVisemes()).toEqual([]);
    stream.sent(1, 1, 0, true);
    expect(stream.takeVisemes()).toEqual([{ viseme: 'O', start_ms: 10, duration_ms: 5 }]);
  });

  it('of a muted response never come', () => {
    stream.addVisemes(0, [{ viseme: 'PP', startMs: 0, durationMs: 5 }]);
    stream.muted = true;
    expect(stream.takeVisemes()).toEqual([]);
  });
});

it('the part of a chunk after its overlap begins at the next sample, in place', () => {
  const chunk = chunkOf({ firstSample: 60, samples: 100 });
  expect(pcmAfter(chunk, 0)).toBe(chunk.pcm);
  expect([...pcmAfter(chunk, 40)]).toEqual([...pcmOf(100, 60)]);
  expect(pcmAfter(chunk, 100)).toHaveLength(0);
});
