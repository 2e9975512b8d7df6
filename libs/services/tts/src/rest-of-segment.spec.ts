import { samplesOfMs, subjects, type Report } from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import { SESSION, TRACE, WorkerStage } from './worker-stage.fixture';

const TEXT = 'One two three four.';
/** The words up to 'One two' were delivered, and some of the next. */
const FROM = { sample: 12_000, character: 7 };

describe('a segment that another worker began', () => {
  let stage: WorkerStage;

  beforeEach(async () => {
    stage = await WorkerStage.started();
  });
  afterEach(() => stage.end());

  const spans = () => stage.chunks.map(({ firstSample, samples, last }) => [firstSample, samples, last]);
  const goOn = async (lipSync = false): Promise<void> => {
    await stage.open({ attempt: 2, lipSync });
    await stage.segment(0, TEXT, { attempt: 2, from: FROM });
  };

  it('is spoken from its next word on, and counts on from the last sample delivered', async () => {
    await goOn();
    expect(stage.synthesis(0).request.text).toBe('three four.');
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(spans()).toEqual([
      [12_000, 480, false],
      [12_480, 0, true],
    ]);
    expect(stage.chunks[0]).toMatchObject({ segment: 0, attempt: 2 });
  });

  it('is spoken whole by a voice that says the same again, and its beginning left out', async () => {
    stage.voice.deterministic = true;
    await goOn();
    expect(stage.synthesis(0).request.text).toBe(TEXT);
    stage.synthesis(0).audio(7_000, 1);
    stage.synthesis(0).audio(7_000, 2);
    stage.synthesis(0).audio(100, 3);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(spans()).toEqual([
      [12_000, 2_000, false],
      [14_000, 100, false],
      [14_100, 0, true],
    ]);
    expect(stage.chunks.map(({ pcm }) => pcm[0])).toEqual([2, 3, undefined]);
  });

  it('ends at once where all of it was delivered and only its end was not', async () => {
    await stage.open({ attempt: 2 });
    await stage.segment(0, TEXT, { attempt: 2, from: { sample: 12_000, character: TEXT.length } });
    expect(stage.voice.syntheses).toEqual([]);
    expect(spans()).toEqual([[12_000, 0, true]]);
  });

  it('has its timings where its audio and its words are', async () => {
    stage.voice.timings = 'words';
    await goOn(true);
    const word = { word: 'three', charStart: 0, charEnd: 5, startMs: 0, endMs: 300 };
    stage.synthesis(0).play({ kind: 'timings', words: [word], phonemes: [] });
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.timings).toMatchObject([
      {
        attempt: 2,
        startMs: 500,
        endMs: 800,
        words: [{ word: 'three', charStart: 8, charEnd: 13, startMs: 500, endMs: 800 }],
      },
    ]);
  });

  it('tells nothing again of what was delivered, by a voice that says it again', async () => {
    stage.voice.timings = 'phonemes';
    stage.voice.deterministic = true;
    await goOn(true);
    const phoneme = (startMs: number) => ({ phoneme: 'a', startMs, durationMs: 100 });
    stage.synthesis(0).play({ kind: 'timings', words: [], phonemes: [phoneme(0), phoneme(300)] });
    stage.synthesis(0).play({ kind: 'timings', words: [], phonemes: [phoneme(450), phoneme(600)] });
    stage.synthesis(0).audio(24_000);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.timings.map(({ phonemes }) => phonemes.map(({ startMs }) => startMs))).toEqual([[600]]);
  });

  it('has the whole look-ahead from where it begins', async () => {
    await goOn();
    const aheadSamples = samplesOfMs(4_000);
    for (let n = 0; n < 10; n++) stage.synthesis(0).audio(12_000);
    await stage.settle();
    expect(stage.sentSamples).toBe(aheadSamples);
    // What the listener plays of the earlier rendering makes no room.
    await stage.report(12_000);
    expect(stage.sentSamples).toBe(aheadSamples);
    await stage.report(24_000);
    expect(stage.sentSamples).toBe(aheadSamples + 12_000);
  });

  it('is left alone by the worker that began it, once the gateway gets it from another', async () => {
    await stage.open();
    await stage.segment(0, TEXT);
    stage.synthesis(0).audio(480);
    await stage.settle();
    const segments = [{ attempt: 2, samples: 960, last: false }];
    const delivery = { lane: 0, ordinal: 1, responseId: 'resp_one', segments, playedSamples: 0 } as const;
    const report: Report = {
      ...{ sessionId: SESSION, attachment: 1, acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 1 },
      responses: [{ ...delivery, segments, ended: false, closed: false, holedAttempt: null }],
    };
    stage.bus.publish(subjects.report(SESSION), encodeEnvelope(TRACE, report));
    await stage.settle();
    expect(stage.synthesis(0).released).toBe(true);
    stage.synthesis(0).audio(480);
    await stage.settle();
    expect(stage.chunks).toHaveLength(1);
  });
});
