import { chunkTraceparent, subjects } from '@parley/model';
import { busSchemas, decodeEnvelope } from '@parley/schemas';
import { HALF_S, TRACE, WorkerStage } from './worker-stage.fixture';

let stage: WorkerStage;

beforeEach(async () => {
  stage = await WorkerStage.started();
});
afterEach(() => stage.end());

describe('speaking', () => {
  it('carries the trace of the order into audio and timings', async () => {
    const traces: string[] = [];
    stage.bus.subscribe(subjects.audio('sess_one'), ({ payload }) => traces.push(chunkTraceparent(payload)));
    stage.bus.subscribe(subjects.timings('sess_one'), ({ payload }) => {
      const decoded = decodeEnvelope(busSchemas.timings, payload);
      traces.push(decoded.ok ? decoded.traceparent : decoded.reason);
    });
    await stage.open({ lipSync: true });
    await stage.segment(0, 'Hello.');
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(traces).toEqual([TRACE, TRACE, TRACE]);
  });

  it('publishes each piece at once and the end by itself', async () => {
    await stage.open();
    await stage.segment(0, 'Hello there.');
    stage.synthesis(0).audio(480, 7);
    await stage.settle();
    expect(stage.chunks).toHaveLength(1);
    expect(stage.chunks[0]).toMatchObject({
      lane: 0,
      epoch: 1,
      ordinal: 1,
      attempt: 1,
      segment: 0,
      firstSample: 0,
      samples: 480,
      last: false,
    });
    expect(stage.chunks[0]?.pcm[0]).toBe(7);
    stage.synthesis(0).audio(960);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.chunks.map(({ firstSample, samples, last }) => ({ firstSample, samples, last }))).toEqual([
      { firstSample: 0, samples: 480, last: false },
      { firstSample: 480, samples: 960, last: false },
      { firstSample: 1_440, samples: 0, last: true },
    ]);
    expect(stage.counted).toEqual(['parley_tts_first_byte_seconds', 'parley_tts_segments_total']);
  });

  it('asks the voice for speakable text in the voice of the job', async () => {
    await stage.open({ voice: 'nova' });
    await stage.segment(0, '**Hello** 👋 [you](https://example.org).');
    expect(stage.synthesis(0).request).toEqual({ text: 'Hello you.', voice: 'nova', speed: 1 });
  });

  it('ends a segment without speakable text at once, empty', async () => {
    await stage.open();
    await stage.segment(0, '```\nlet a;\n```\n');
    expect(stage.chunks).toMatchObject([{ segment: 0, firstSample: 0, samples: 0, last: true }]);
    expect(stage.voice.syntheses).toHaveLength(0);
  });

  it('cuts what is larger than a message', async () => {
    await stage.open();
    await stage.segment(0, 'Hello.');
    stage.synthesis(0).audio(30_000);
    await stage.settle();
    expect(stage.chunks.map(({ firstSample, samples }) => [firstSample, samples])).toEqual([
      [0, 12_000],
      [12_000, 12_000],
      [24_000, 6_000],
    ]);
  });

  it('speaks segments in order, one at a time', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    await stage.segment(1, 'Two.');
    expect(stage.voice.syntheses).toHaveLength(1);
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.voice.syntheses.map((synthesis) => synthesis.request.text)).toEqual(['One.', 'Two.']);
  });

  it('takes an order that came again once, and waits for one that is late', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    await stage.segment(0, 'One.');
    stage.synthesis(0).finish();
    await stage.segment(2, 'Three.');
    await stage.segment(0, 'One.');
    expect(stage.voice.syntheses).toHaveLength(1);
    await stage.segment(1, 'Two.');
    stage.synthesis(1).finish();
    await stage.settle();
    expect(stage.voice.syntheses.map((synthesis) => synthesis.request.text)).toEqual(['One.', 'Two.', 'Three.']);
  });

  it('begins in the middle of a response that another worker began', async () => {
    await stage.open({ attempt: 2 });
    expect(await stage.segment(3, 'Rest.', { attempt: 2 })).toBe('ok');
    stage.synthesis(0).finish();
    await stage.order({ kind: 'end', segments: 4, attempt: 2 });
    expect(stage.chunks).toMatchObject([{ segment: 3, attempt: 2, last: true }]);
    expect(stage.gauges.at(-1)).toBe(0);
  });

  it('ends the job after the last segment, and answers repeated orders of it', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    await stage.order({ kind: 'end', segments: 1 });
    expect(stage.gauges).toEqual([1]);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.gauges).toEqual([1, 0]);
    expect(await stage.segment(0, 'One.')).toBe('ok');
    expect(await stage.order({ kind: 'end', segments: 1 })).toBe('ok');
    expect(stage.voice.syntheses).toHaveLength(1);
  });

  it('speaks several responses at once', async () => {
    await stage.open({ ordinal: 1 });
    await stage.open({ ordinal: 2, responseId: 'resp_two' });
    await stage.segment(0, 'One.', { ordinal: 1 });
    await stage.segment(0, 'Two.', { ordinal: 2 });
    stage.synthesis(1).audio(480);
    await stage.settle();
    stage.synthesis(0).audio(480);
    await stage.settle();
    expect(stage.chunks.map((chunk) => chunk.ordinal)).toEqual([2, 1]);
  });
});

describe('cancelling', () => {
  it('silences the response at once and releases the voice', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    stage.synthesis(0).audio(480);
    await stage.settle();
    stage.synthesis(0).audio(480);
    const cancelled = stage.order({ kind: 'cancel' });
    expect(await cancelled).toBe('ok');
    const sent = stage.chunks.length;
    stage.synthesis(0).audio(480);
    await stage.system.advanceBy(1_000);
    expect(stage.chunks).toHaveLength(sent);
    expect(stage.chunks.some((chunk) => chunk.last)).toBe(false);
    expect(stage.synthesis(0).released).toBe(true);
    expect(stage.gauges.at(-1)).toBe(0);
  });

  it('silences a response that waits for its listener', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    stage.synthesis(0).audio(20 * HALF_S);
    await stage.settle();
    await stage.order({ kind: 'cancel' });
    await stage.report(10 * HALF_S);
    expect(stage.sentSamples).toBe(8 * HALF_S);
  });

  it('silences a voice that goes on speaking', async () => {
    let speakOn = (): void => undefined;
    stage.voice.synthesize = async function* () {
      for (;;) {
        yield { kind: 'audio', pcm: new Uint8Array(960) };
        await new Promise<void>((resolve) => {
          speakOn = resolve;
        });
      }
    };
    await stage.open();
    await stage.segment(0, 'One.');
    speakOn();
    await stage.settle();
    expect(stage.chunks).toHaveLength(2);
    await stage.order({ kind: 'cancel' });
    speakOn();
    await stage.settle();
    expect(stage.chunks).toHaveLength(2);
  });

  it('is idempotent, and orders after it are refused', async () => {
    await stage.open();
    expect(await stage.order({ kind: 'cancel' })).toBe('ok');
    expect(await stage.order({ kind: 'cancel' })).toBe('ok');
    expect(await stage.segment(0, 'One.')).toBe('unknown-job');
    expect(stage.voice.syntheses).toHaveLength(0);
  });

  it('holds against an offer that comes late', async () => {
    expect(await stage.order({ kind: 'cancel' })).toBe('ok');
    expect(await stage.open()).toMatchObject({ kind: 'unavailable' });
    expect(await stage.open({ attempt: 2 })).toEqual(stage.accepted);
  });

  it('works after all was sent', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    await stage.order({ kind: 'end', segments: 1 });
    stage.synthesis(0).finish();
    await stage.settle();
    expect(await stage.order({ kind: 'cancel' })).toBe('ok');
  });

  it('of an older rendering does not touch the newer one', async () => {
    await stage.open({ attempt: 2 });
    await stage.segment(0, 'One.', { attempt: 2 });
    expect(await stage.order({ kind: 'cancel', attempt: 1 })).toBe('ok');
    expect(stage.synthesis(0).released).toBe(false);
  });

  it('by a new owner reaches the rendering of the old one', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    expect(await stage.order({ kind: 'cancel', epoch: 2, attempt: 0 })).toBe('ok');
    expect(stage.synthesis(0).released).toBe(true);
  });
});

describe('the look-ahead', () => {
  beforeEach(async () => {
    await stage.open();
    await stage.segment(0, 'A long story.');
  });

  it('holds the voice back 4 s ahead of the listener', async () => {
    for (let n = 0; n < 20; n++) stage.synthesis(0).audio(HALF_S);
    await stage.system.advanceBy(10_000);
    expect(stage.sentSamples).toBe(8 * HALF_S);
    expect(stage.synthesis(0).asked).toBe(9);
  });

  it('goes on as the listener does, never further', async () => {
    for (let n = 0; n < 20; n++) stage.synthesis(0).audio(HALF_S);
    for (let played = 0; played <= 12; played++) {
      await stage.report(played * HALF_S);
      expect(stage.sentSamples).toBe(Math.min(20, played + 8) * HALF_S);
    }
  });

  it('does not send before a whole piece fits', async () => {
    for (let n = 0; n < 20; n++) stage.synthesis(0).audio(HALF_S);
    await stage.report(HALF_S - 1);
    expect(stage.sentSamples).toBe(8 * HALF_S);
    await stage.report(HALF_S);
    expect(stage.sentSamples).toBe(9 * HALF_S);
  });

  it('does not count what another worker spoke before', async () => {
    await stage.open({ ordinal: 2, attempt: 2 });
    await stage.segment(1, 'The rest.', { ordinal: 2, attempt: 2 });
    for (let n = 0; n < 20; n++) stage.synthesis(1).audio(HALF_S);
    const delivery = (playedSamples: number) => ({
      responses: [
        {
          lane: 0,
          ordinal: 2,
          responseId: 'resp_one' as const,
          segments: [{ attempt: 1, samples: 10 * HALF_S, last: true }],
          playedSamples,
          ended: false,
          closed: false,
          holedAttempt: null,
        },
      ],
    });
    await stage.report(0, delivery(10 * HALF_S));
    expect(stage.sentSamples).toBe(8 * HALF_S);
    await stage.report(0, delivery(12 * HALF_S));
    expect(stage.sentSamples).toBe(10 * HALF_S);
  });

  it('ignores the report of a connection that was replaced', async () => {
    for (let n = 0; n < 20; n++) stage.synthesis(0).audio(HALF_S);
    await stage.report(0, { attachment: 2 });
    await stage.report(4 * HALF_S, { attachment: 1 });
    expect(stage.sentSamples).toBe(8 * HALF_S);
  });

  it('lets a piece through that is larger than itself when the listener has caught up', async () => {
    await stage.system.runUntil(stage.worker.stop(100));
    stage = await WorkerStage.started({ lookAheadMs: 100 });
    await stage.open();
    await stage.segment(0, 'Hello.');
    for (let n = 0; n < 3; n++) stage.synthesis(0).audio(HALF_S);
    await stage.settle();
    expect(stage.sentSamples).toBe(HALF_S);
    await stage.report(HALF_S - 1);
    expect(stage.sentSamples).toBe(HALF_S);
    await stage.report(HALF_S);
    expect(stage.sentSamples).toBe(2 * HALF_S);
  });

  it('counts over the segments of a response', async () => {
    stage.synthesis(0).audio(6 * HALF_S);
    stage.synthesis(0).finish();
    await stage.segment(1, 'And on.');
    stage.synthesis(1).audio(6 * HALF_S);
    await stage.settle();
    expect(stage.sentSamples).toBe(8 * HALF_S);
  });
});

describe('timings', () => {
  it('of the voice are told in positions of the raw text', async () => {
    stage.voice.timings = 'phonemes';
    await stage.open({ lipSync: true });
    const raw = 'Say **big** words.';
    await stage.segment(0, raw);
    stage.synthesis(0).play({
      kind: 'timings',
      words: [
        { word: 'Say', charStart: 0, charEnd: 3, startMs: 0, endMs: 200 },
        { word: 'big', charStart: 4, charEnd: 7, startMs: 200, endMs: 400.5 },
        { word: '?', charStart: 90, charEnd: 95, startMs: 400.5, endMs: 410 },
      ],
      phonemes: [{ phoneme: 's', startMs: 0, durationMs: 90 }],
    });
    await stage.settle();
    expect(stage.timings).toEqual([
      {
        ...{ sessionId: 'sess_one', epoch: 1, lane: 0, ordinal: 1, attempt: 1, segment: 0 },
        text: raw,
        startMs: 0,
        endMs: 400.5,
        words: [
          { word: 'Say', charStart: 0, charEnd: 3, startMs: 0, endMs: 200 },
          { word: 'big', charStart: raw.indexOf('big'), charEnd: raw.indexOf('big') + 3, startMs: 200, endMs: 400.5 },
        ],
        phonemes: [{ phoneme: 's', startMs: 0, durationMs: 90 }],
      },
    ]);
  });

  it('are stretches of text, at most two a second, when the voice gives none', async () => {
    await stage.open({ lipSync: true });
    const raw = 'It was **the best** of times, it was the worst of times.';
    await stage.segment(0, raw);
    for (let n = 0; n < 31; n++) stage.synthesis(0).audio(2_400);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.timings.map((each) => each.text).join('')).toBe(raw);
    expect(stage.timings.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 500],
      [500, 1_000],
      [1_000, 1_500],
      [1_500, 2_000],
      [2_000, 2_500],
      [2_500, 3_000],
      [3_000, 3_100],
    ]);
    expect(stage.timings.every((each) => each.text !== '')).toBe(true);
  });

  it('are not made up for a client without a face', async () => {
    await stage.open({ lipSync: false });
    await stage.segment(0, 'Hello there.');
    stage.synthesis(0).audio(24_000);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.timings).toEqual([]);
  });
});

describe('failures of the voice', () => {
  const failure = { kind: 'cut', message: 'The voice broke off.' } as const;

  beforeEach(async () => {
    await stage.open();
    await stage.segment(0, 'One.');
  });

  it('are told to the owner, counted, and end the job', async () => {
    stage.synthesis(0).audio(480);
    stage.synthesis(0).play({ kind: 'failed', failure });
    await stage.settle();
    expect(stage.failures).toMatchObject([{ ordinal: 1, epoch: 1, attempt: 1, segment: 0, failure }]);
    expect(stage.counted).toContain('parley_tts_failures_total');
    expect(stage.chunks.some((chunk) => chunk.last)).toBe(false);
    expect(stage.gauges.at(-1)).toBe(0);
    expect(await stage.segment(1, 'Two.')).toBe('unknown-job');
    await stage.system.advanceBy(1_000);
    expect(stage.failures).toHaveLength(1);
  });

  it('are told again every 250 ms until the owner acknowledges', async () => {
    stage.acknowledges = false;
    stage.synthesis(0).play({ kind: 'failed', failure });
    await stage.system.advanceBy(600);
    stage.acknowledges = true;
    await stage.system.advanceBy(2_000);
    expect(stage.failures.map((each) => each.atMs)).toEqual([0, 250, 500, 750]);
  });

  it('are told for 5 s at most', async () => {
    stage.acknowledges = false;
    stage.synthesis(0).play({ kind: 'failed', failure });
    await stage.system.advanceBy(20_000);
    expect(stage.failures).toHaveLength(20);
    expect(stage.failures.at(-1)?.atMs).toBeLessThanOrEqual(5_000);
    expect(stage.system.pendingTimers).toBe(0);
  });

  it('are told at a distance too while nobody listens', async () => {
    const requested: number[] = [];
    stage.bus.subscribe('owner.orc_gone.*', () => requested.push(stage.system.nowMs));
    await stage.open({ ordinal: 2, owner: 'orc_gone' });
    await stage.segment(0, 'Two.', { ordinal: 2 });
    stage.synthesis(1).play({ kind: 'failed', failure });
    await stage.system.advanceBy(1_000);
    expect(requested).toEqual([0, 250, 500, 750, 1_000]);
  });

  it('include audio that was sent to nobody: the rest is not asked for, and its owner hears of it when the link is back', async () => {
    stage.synthesis(0).audio(480);
    await stage.settle();
    stage.workerBus.disconnect();
    stage.synthesis(0).audio(480);
    await stage.system.advanceBy(1_000);
    expect(stage.gauges.at(-1)).toBe(0);
    expect(stage.synthesis(0).released).toBe(true);
    stage.workerBus.reconnect();
    await stage.system.advanceBy(1_000);
    expect(stage.failures).toMatchObject([{ ordinal: 1, attempt: 1, failure: { kind: 'worker_lost' } }]);
    expect(stage.chunks).toHaveLength(1);
  });

  it('include a voice that throws', async () => {
    await stage.open({ ordinal: 2 });
    stage.voice.synthesize = () => {
      throw new TypeError('broken');
    };
    await stage.segment(0, 'Two.', { ordinal: 2 });
    expect(stage.failures).toMatchObject([{ ordinal: 2, failure: { kind: 'worker_lost' } }]);
  });
});
