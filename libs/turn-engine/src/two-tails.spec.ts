import { EngineDriver, type Heard } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';
const first: Heard = { segmentsMs: [2000], complete: true, playedMs: 500, closed: true };
const second: Heard = { segmentsMs: [1000], complete: true, closed: true };

/** What the gateway says of both answers. */
const told = (talk: EngineDriver, one: Heard, two: Heard): EngineDriver =>
  talk.reports([talk.delivery(1, one), talk.delivery(2, two)]);

/** Both answers were closed; 1,500 ms of the first and 1,000 ms of the second are queued. */
const draining = (): EngineDriver =>
  told(EngineDriver.attached().answers(FIRST).hears(first).answers(SECOND), first, second);

const ordinals = (talk: EngineDriver): number[] => talk.state.tails.map(({ ordinal }) => ordinal);
const playedMs = (talk: EngineDriver): number[] => talk.state.tails.map(({ delivery }) => delivery.playedSamples / 24);

describe('two tails', () => {
  it('[DR3][DR10] end each by its own report', () => {
    const newer = told(draining(), first, { ...second, playedMs: 1000 });
    expect(ordinals(newer)).toEqual([1]);
    const older = told(draining(), { ...first, playedMs: 2000 }, second);
    expect(ordinals(older)).toEqual([2]);
    // Not listed, though announced: played.
    const talk = draining();
    expect(ordinals(talk.reports([talk.delivery(2, second)], 2))).toEqual([2]);
  });

  it('[HE4] each have a playhead of their own', () => {
    expect(playedMs(told(draining(), { ...first, playedMs: 800 }, second))).toEqual([800, 0]);
    expect(playedMs(told(draining(), first, { ...second, playedMs: 300 }))).toEqual([500, 300]);
  });

  it('[DR9] each wait for what is queued of them and of those before, and no longer', () => {
    const talk = draining();
    const now = talk.nowMs;
    expect(talk.state.tails.map(({ deadlineMs }) => deadlineMs - now)).toEqual([1_500 + 500, 2_500 + 500]);
    told(talk, { ...first, playedMs: 600 }, second);
    expect(talk.state.tails.map(({ deadlineMs }) => deadlineMs - now)).toEqual([1_400 + 500, 2_400 + 500]);
  });

  it('[DR9] are not given more time by what a live response does', () => {
    const talk = EngineDriver.attached().answers(FIRST).hears(first).says('And then?').binds().writes(SECOND);
    const before = talk.state.tails[0]?.deadlineMs;
    talk.nowMs += 100;
    told(talk, first, { segmentsMs: [400] });
    expect(talk.state.tails[0]?.deadlineMs).toBe(before);
    told(talk, { ...first, playedMs: 600 }, { segmentsMs: [400] });
    expect(talk.state.tails[0]?.deadlineMs).toBe(talk.nowMs + 1_400 + 500);
  });

  it('[IN5] are cut one by one when one is named', () => {
    const talk = draining().interrupts({ responseId: 'resp_1' });
    expect(ordinals(talk)).toEqual([2]);
    expect(talk.output('interrupted').map(({ ordinal }) => ordinal)).toEqual([1]);
  });

  it('[IN9] are left alone by the truncation of an answer that is over', () => {
    const talk = draining();
    told(talk, { ...first, playedMs: 2000 }, second).truncates('answer_1', 10, [talk.delivery(2, second)]);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    expect(ordinals(talk)).toEqual([2]);
  });

  it('[HE7] take the timings of their own words only, and those of their own segment', () => {
    const words = [{ word: 'It', charStart: 0, charEnd: 2, startMs: 0, endMs: 90 }];
    const talk = draining().times(0, words, 1);
    const timings = (): unknown[] => talk.state.tails.map(({ segments }) => segments.map((segment) => segment.words));
    expect(timings()).toEqual([[words], [[]]]);
    expect(talk.times(1, words, 2).state.tails).toHaveLength(2);
    expect(timings()).toEqual([[words], [[]]]);
  });
});

describe('another lane', () => {
  const elsewhere = { lane: 1, ordinal: 1 };

  it('[GE7] has no part in this one, live or draining', () => {
    const usage = { inputTokens: 1, outputTokens: 1 };
    const failure = { kind: 'cut', message: '' } as const;
    const words = [{ word: 'It', charStart: 0, charEnd: 2, startMs: 0, endMs: 90 }];
    for (const talk of [
      EngineDriver.attached().says('Hi').binds().writes(FIRST),
      EngineDriver.attached().guesses('Hi').writes(FIRST),
      EngineDriver.attached().answers(FIRST).hears(first),
    ]) {
      const before = talk.state;
      talk.step({ kind: 'text-generated', ...elsewhere, text: SECOND });
      talk.step({ kind: 'generation-finished', ...elsewhere, reason: 'stop', usage });
      talk.step({ kind: 'generation-failed', ...elsewhere, failure });
      talk.step({ kind: 'voice-failed', ...elsewhere, attempt: 1, failure });
      talk.step({ kind: 'words-timed', ...elsewhere, segment: 0, words });
      expect(talk.state).toEqual(before);
    }
  });

  it('[DR10] is not what a report here is about', () => {
    for (const talk of [
      EngineDriver.attached()
        .answers(FIRST)
        .hears({ segmentsMs: [2000], complete: true }),
      EngineDriver.attached().answers(FIRST).hears(first),
    ]) {
      const before = talk.state;
      const over = { ...talk.delivery(1, { ...first, playedMs: 2000, ended: true }), lane: 1 };
      talk.reports([over], 0);
      expect(talk.state).toEqual(before);
    }
  });
});
