import { samplesOfMs } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

const resumable = (): EngineDriver => EngineDriver.attached({ reconnectGraceMs: 3_000 }, { resumable: true });
const answer = (talk: EngineDriver): unknown => talk.state.history.find(({ id }) => id === 'answer_1');
/** Two segments, the first delivered whole (900 ms), 600 ms of the second; 700 ms are played. */
const speaking = (): EngineDriver =>
  resumable()
    .says('How is the weather?')
    .binds()
    .writes(FIRST + SECOND)
    .hears({ segmentsMs: [900, 600], playedMs: 700 });
/** Generated, delivered whole (900 + 1,200 ms) and closed; 700 ms are played. */
const closed = (): EngineDriver =>
  resumable()
    .answers(FIRST + SECOND)
    .hears({ segmentsMs: [900, 1_200], complete: true, playedMs: 700, closed: true });
const over = (): EngineDriver =>
  closed().hears({ segmentsMs: [900, 1_200], complete: true, playedMs: 2_100, closed: true });

/** The same, and a second answer behind it, of which nothing is played. */
const bothPlay = (): EngineDriver => {
  const talk = closed().answers(FIRST);
  return talk.reports([
    talk.delivery(1, { segmentsMs: [900, 1_200], complete: true, playedMs: 700, closed: true }),
    talk.delivery(2, { segmentsMs: [900], complete: true, closed: true }),
  ]);
};

const asked = (talk: EngineDriver): unknown[] =>
  talk.effect('speak-segment').map(({ segment, from }) => [segment, from.sample / 24]);

describe('a client that comes back', () => {
  it('[RS1] is connected, whether or not anybody had missed it', () => {
    for (const talk of [speaking().losesGateway(), speaking()]) {
      talk.comesBack([talk.has(1, [900, 600], { playedMs: 800 })]);
      expect(talk.state.connection).toEqual({ stage: 'connected' });
      expect(talk.events('parley.state')).toEqual([]);
    }
    expect(speaking().starts().comesBack([]).state.speech).toEqual({ stage: 'silent' });
    const early = new EngineDriver({}, { resumable: true });
    const { state } = early;
    expect(early.comesBack([]).state).toBe(state);
  });

  it('[RS2] knows what it has: more than was reported, or less', () => {
    const more = speaking();
    more.comesBack([more.has(1, [900, 1_000], { playedMs: 800 })]);
    expect(asked(more)).toEqual([[1, 1_000]]);
    const less = speaking();
    less.comesBack([less.has(1, [500], { playedMs: 400 })]);
    expect(asked(less)).toEqual([
      [0, 500],
      [1, 0],
    ]);
    expect(less.known()).toMatchObject([{ playedSamples: samplesOfMs(400) }]);
    const whole = speaking();
    whole.comesBack([whole.has(1, [900], { playedMs: 400 })]);
    expect(asked(whole)).toEqual([[1, 0]]);
  });

  it('[RS2] has no more than there is', () => {
    const talk = speaking();
    talk.comesBack([talk.has(1, [900, 1_200, 5_000], { playedMs: 9_000 })]);
    expect(talk.known()).toMatchObject([{ segments: [{}, { last: true }], playedSamples: samplesOfMs(2_100) }]);
  });

  it('[RS3] hears on from where it heard last when it remembers nothing', () => {
    const talk = speaking().comesBack();
    expect(asked(talk)).toEqual([
      [0, 700],
      [1, 0],
    ]);
    const later = speaking().hears({ segmentsMs: [900, 600], playedMs: 1_000 });
    expect(asked(later.comesBack())).toEqual([[1, 100]]);
    const between = speaking().hears({ segmentsMs: [900, 600], playedMs: 900 });
    expect(asked(between.comesBack())).toEqual([[1, 0]]);
  });

  it('[RS3] hears on what had been closed and not played, and not what was', () => {
    const talk = closed().comesBack();
    expect(asked(talk)).toEqual([
      [0, 700],
      [1, 0],
    ]);
    expect(over().comesBack().effects).toEqual([]);
  });

  it('[RS4] has nothing of a response that is newer than all it names', () => {
    for (const named of [[], ['resp_9']] as const) {
      const talk = speaking();
      talk.comesBack(named.map((responseId) => ({ responseId, samples: [24_000], playedSamples: 0, done: true })));
      expect(asked(talk)).toEqual([
        [0, 0],
        [1, 0],
      ]);
      expect(talk.phase).toBe('thinking');
    }
  });

  it('[RS4] has finished with an older one', () => {
    const talk = closed().says('And then?').binds().writes(FIRST);
    expect(talk.state.tails).toHaveLength(1);
    talk.comesBack([talk.has(2, [300])]);
    expect(talk.state.tails).toEqual([]);
    expect(answer(talk)).toMatchObject({ text: FIRST + SECOND, interrupted: false });
    expect(asked(talk)).toEqual([[0, 300]]);
  });

  it('[RS4] has finished with one that is older than a response it names that is over, too', () => {
    const interrupted = over()
      .says('And then?')
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [300] })
      .interrupts();
    interrupted.comesBack([interrupted.has(2, [300], { done: true })]);
    expect(interrupted.phase).toBe('listening');
    expect(interrupted.effects).toEqual([]);
    const failed = over().says('And then?').binds().modelFails();
    failed.comesBack([failed.has(2, [])]);
    expect(failed.phase).toBe('listening');
    expect(failed.effects).toEqual([]);
  });

  it('[RS5] is spoken to by another rendering, at its own position', () => {
    const talk = speaking();
    talk.comesBack([talk.has(1, [900, 600])]);
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, attempt: 2, segments: 2 }]);
    expect(talk.state.phase).toMatchObject({ response: { rendering: { barren: 0, fromSamples: samplesOfMs(1_500) } } });
    talk
      .binds()
      .finishes()
      .hears({ segmentsMs: [900, 1_200], complete: true, closed: true });
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[RS5] waits on where nothing is owed to it', () => {
    const talk = resumable()
      .says('How is the weather?')
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true });
    talk.comesBack([talk.has(1, [900, 0])]);
    expect(talk.effects).toEqual([]);
    expect(talk.writes(SECOND).order).toEqual(['text', 'speak-segment']);
  });

  it('[RS5] may be done with what the gateway never said was closed', () => {
    const talk = resumable()
      .answers(FIRST)
      .hears({ segmentsMs: [900] });
    talk.comesBack([talk.has(1, [950, 0], { playedMs: 500, done: true })]);
    expect(talk.phase).toBe('listening');
    expect(talk.state.tails).toMatchObject([{ ordinal: 1, delivery: { playedSamples: samplesOfMs(500) } }]);
    expect(talk.output('close')).toEqual([]);
  });

  it('[RS5] has a held voice again, also where all there was had come', () => {
    const talk = resumable()
      .says('How is the weather?')
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true });
    talk.losesGateway().pass(3_000);
    talk.comesBack([talk.has(1, [900, 0])]);
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
    expect(asked(talk)).toEqual([]);
  });

  it.each([
    ['plays', closed],
    ['is over', over],
  ])('[RS6] is told on what ended while it was away: an answer that %s', (_, story) => {
    const talk = story().losesGateway();
    talk.comesBack([talk.has(1, [900, 400], { playedMs: 700 })]);
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, attempt: 2 }]);
    expect(asked(talk)).toEqual([[1, 400]]);
    expect(talk.effect('end-voice')).toMatchObject([{ segments: 2 }]);
    expect(talk.state.tails).toEqual([]);
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
    talk.binds().hears({ segmentsMs: [900, 1_200], complete: true, playedMs: 700, closed: true });
    expect(talk.events('parley.turn.metrics')).toEqual([]);
    expect(talk.effect('observe')).toEqual([]);
    talk.hears({ segmentsMs: [900, 1_200], complete: true, playedMs: 2_100, closed: true });
    expect(talk.floor.state).toBe('listening');
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[RS6] gets the closing events that it lacks, and nothing else', () => {
    const talk = over();
    talk.comesBack([talk.has(1, [900, 1_200, 0], { playedMs: 2_100 })]);
    expect(talk.effects).toEqual([]);
    expect(talk.phase).toBe('speaking');
    talk.hears({ segmentsMs: [900, 1_200], complete: true, playedMs: 2_100, closed: true });
    expect(talk.phase).toBe('listening');
  });

  it('[RS6] hears nothing of a guess beside it', () => {
    const talk = over().guesses('And then');
    talk.comesBack([talk.has(1, [900, 400])]);
    expect(talk.effect('abort-generation')).toMatchObject([{ ordinal: 2 }]);
    expect(talk.effect('observe')).toMatchObject([{ observation: { name: 'speculation', outcome: 'interrupted' } }]);
    expect(talk.state.speculation.run).toBeNull();
  });

  it('[RS6] hears again what failed it only in the end', () => {
    const talk = closed();
    talk
      .comesBack([talk.has(1, [900, 400])])
      .binds()
      .voiceFails();
    expect(talk.output('end')).toMatchObject([{ status: 'failed' }]);
    expect(talk.events('parley.turn.metrics')).toEqual([]);
  });

  it('[RS6] is not told on what it has', () => {
    for (const [story, tails] of [
      [closed, 1],
      [over, 0],
    ] as const) {
      const talk = story();
      talk.comesBack([talk.has(1, [900, 1_200, 0], { playedMs: 900, done: true })]);
      expect(talk.effects).toEqual([]);
      expect(talk.state.tails).toHaveLength(tails);
    }
  });

  it('[RS7] loses the end of an answer where another has the floor', () => {
    const talk = closed().says('And then?').binds().writes(FIRST);
    talk.comesBack([talk.has(1, [900, 400], { playedMs: 700 }), talk.has(2, [])]);
    expect(talk.output('close')).toMatchObject([{ ordinal: 1 }]);
    expect(talk.state.tails).toEqual([]);
    expect(answer(talk)).toMatchObject({ text: FIRST.trim(), interrupted: true });
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 2 }]);
  });

  it('[RS7] cuts a failed answer to what it received', () => {
    const talk = speaking().modelFails();
    talk.comesBack([talk.has(1, [900], { playedMs: 700 })]);
    expect(talk.effects).toEqual([]);
    expect(talk.answersInContext()).toEqual([`${FIRST.trim()} [interrupted by the user]`]);
    expect(talk.state.tails).toHaveLength(1);
  });

  it('[RS8] is owed nothing of what was interrupted or truncated', () => {
    const interrupted = closed().interrupts();
    interrupted.comesBack([interrupted.has(1, [900, 400])]);
    expect(interrupted.effects).toEqual([]);
    const truncated = over().truncates('answer_1', 700);
    truncated.comesBack([truncated.has(1, [900, 400])]);
    expect(truncated.effects).toEqual([]);
  });

  it('[RS8] is owed nothing where it cannot come back', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.state.finished).toBeNull();
  });

  it('[RS2][RS4] has its own numbers of each of two that play', () => {
    const talk = bothPlay();
    expect(talk.state.tails).toHaveLength(2);
    const [first, second] = [
      talk.has(1, [900, 1_200, 0], { playedMs: 900, done: true }),
      talk.has(2, [900, 0], { done: true }),
    ];
    talk.comesBack([first, second]);
    expect(talk.known()).toMatchObject([
      { ordinal: 1, playedSamples: samplesOfMs(900), closed: true },
      { ordinal: 2, playedSamples: 0, closed: true },
    ]);
  });

  it('[RS7] loses the end of the older of two that play', () => {
    const talk = bothPlay();
    talk.comesBack([talk.has(1, [900, 400], { playedMs: 900 }), talk.has(2, [900, 0], { done: true })]);
    expect(talk.output('close')).toMatchObject([{ ordinal: 1 }]);
    expect(talk.effect('open-voice')).toEqual([]);
    expect(talk.state.tails).toMatchObject([{ ordinal: 2 }]);
  });

  it('[RS7] that names nothing has nothing of what plays, beside a live one', () => {
    const talk = closed().says('And then?').binds().writes(FIRST).comesBack([]);
    expect(talk.output('close')).toMatchObject([{ ordinal: 1 }]);
    expect(talk.known()).toMatchObject([{ ordinal: 2, segments: [] }]);
    expect(talk.known()[0]?.segments).toEqual([]);
  });

  it('[RS2] has of a segment that nobody had reported the first rendering', () => {
    const talk = resumable()
      .says('How is the weather?')
      .binds()
      .writes(FIRST + SECOND)
      .hears({ segmentsMs: [900] });
    talk.comesBack([talk.has(1, [900, 100])]);
    expect(talk.known()[0]?.segments.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it('[RS6] may come back twice to what is live again', () => {
    const talk = over();
    for (const heardMs of [400, 600]) {
      talk.comesBack([talk.has(1, [900, heardMs])]);
      expect(talk.output('close')).toEqual([]);
      expect(asked(talk)).toEqual([[1, heardMs]]);
    }
  });

  it('[RS8] is owed the rest of one answer though another was interrupted since', () => {
    const talk = over().says('And then?').binds().interrupts();
    expect(talk.state.finished).toMatchObject({ itemId: 'answer_1' });
  });
});
