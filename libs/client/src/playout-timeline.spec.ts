import { PlayoutTimeline } from './playout-timeline';

const A = 'resp_a';
const B = 'resp_b';

describe('PlayoutTimeline', () => {
  it('places the first piece one lead after now and the next ones without a gap', () => {
    const timeline = new PlayoutTimeline(600);
    expect(timeline.append(A, 480, 1000)).toMatchObject({ startSample: 1600, firstSample: 0 });
    expect(timeline.append(A, 480, 1010)).toMatchObject({ startSample: 2080, firstSample: 480 });
  });

  it('says which sample of which response sounds at a time', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 100);
    timeline.append(B, 480, 100);
    expect(timeline.heardAt(99)).toBeUndefined();
    expect(timeline.heardAt(100)).toEqual({ responseId: A, sample: 0 });
    expect(timeline.heardAt(579)).toEqual({ responseId: A, sample: 479 });
    expect(timeline.heardAt(580)).toEqual({ responseId: B, sample: 0 });
    expect(timeline.heardAt(1060)).toBeUndefined();
  });

  it('counts what was played of each response', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 0);
    timeline.append(A, 480, 0);
    timeline.append(B, 480, 0);
    expect([0, 100, 480, 900, 960, 5000].map((at) => timeline.playedSamples(A, at))).toEqual([
      0, 100, 480, 900, 960, 960,
    ]);
    expect([960, 1000, 5000].map((at) => timeline.playedSamples(B, at))).toEqual([0, 40, 480]);
    expect(timeline.playedSamples('resp_unknown', 5000)).toBe(0);
  });

  it('stalls on underrun and goes on at the next piece', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 0);
    expect(timeline.append(A, 480, 1000)).toMatchObject({ startSample: 1000, firstSample: 480 });
    expect(timeline.heardAt(700)).toBeUndefined();
    expect(timeline.playedSamples(A, 700)).toBe(480);
    expect(timeline.playedSamples(A, 1100)).toBe(580);
  });

  it('is finished when the end was announced and all of it was heard', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 0);
    expect(timeline.finished(A, 480)).toBe(false);
    timeline.end(A);
    expect(timeline.finished(A, 479)).toBe(false);
    expect(timeline.finished(A, 480)).toBe(true);
    expect(timeline.finished(B, 480)).toBe(false);
  });

  it('is finished at once when a response ends without audio', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.end(A);
    expect(timeline.finished(A, 0)).toBe(true);
  });

  it('drops the unheard rest and keeps the heard position, latency taken off', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 4800, 0);
    timeline.drop([A], 1000, 900);
    expect(timeline.playedSamples(A, 4000)).toBe(900);
    expect(timeline.heardAt(950)).toBeUndefined();
    expect(timeline.finished(A, 950)).toBe(true);
  });

  it('[G1] places nothing more of a dropped response', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 0);
    timeline.drop([A], 100, 100);
    expect(timeline.append(A, 480, 100)).toBeUndefined();
    expect(timeline.append(B, 480, 100)).toMatchObject({ responseId: B, startSample: 100 });
  });

  it('moves up what stands behind a dropped response, as one stretch', () => {
    const timeline = new PlayoutTimeline(60);
    timeline.append(A, 4800, 0);
    timeline.append(B, 480, 0);
    timeline.append(B, 240, 0);
    const moved = timeline.drop([A], 1000, 1000);
    expect(moved).toMatchObject([
      { responseId: B, firstSample: 0, startSample: 1060 },
      { responseId: B, firstSample: 480, startSample: 1540 },
    ]);
    expect(timeline.append(B, 10, 1000)).toMatchObject({ startSample: 1780 });
  });

  it('does not move what sounds already when a response behind it is dropped', () => {
    const timeline = new PlayoutTimeline(60);
    timeline.append(A, 4800, 0);
    timeline.append(B, 480, 0);
    expect(timeline.drop([B], 1000, 1000)).toEqual([]);
    expect(timeline.heardAt(1060)).toEqual({ responseId: A, sample: 1000 });
    expect(timeline.append('resp_c', 10, 1000)).toMatchObject({ startSample: 4860 });
  });

  it('tells how long a response still sounds, pauses included', () => {
    const timeline = new PlayoutTimeline(0);
    timeline.append(A, 480, 0);
    timeline.append(B, 480, 0);
    expect(timeline.remainingSamples(B, 100)).toBe(860);
    expect(timeline.remainingSamples(A, 2000)).toBe(0);
  });
});
