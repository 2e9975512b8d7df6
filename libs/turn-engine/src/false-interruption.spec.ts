import { EngineDriver } from './testing/engine-driver';
import { later, speaking, tailing } from './testing/speaking';

describe('a false interruption', () => {
  const PAUSE = { falseInterruption: 'pause' } as const;
  const held = { responseId: 'resp_1', fromMs: 1_000 };

  it('[PA1] holds the voice where the client heard it, and nothing else', () => {
    const talk = speaking(PAUSE);
    talk.starts([talk.delivery(1, { segmentsMs: [4_000], playedMs: 1_200 })]);
    expect(talk.order).toEqual(['paused']);
    expect(talk.output('paused')).toMatchObject([{ ...held, lane: 0, ordinal: 1, fromMs: 1_200 }]);
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
  });

  it('[PA1] holds a tail', () => {
    expect(tailing(PAUSE).starts().output('paused')).toMatchObject([held]);
  });

  it.each([
    ['of a response that must be heard', () => speaking({ ...PAUSE, interruptible: false })],
    ['when nothing is heard', () => EngineDriver.attached(PAUSE).says('A question?')],
    ['for a client that cannot', () => speaking()],
  ])('[PA1][PA5] holds nothing %s', (_what, talk) => {
    expect(talk().starts().effects).toEqual([]);
  });

  it('[PA1] holds once', () => {
    expect(later(speaking(PAUSE).starts().stops(), 100).starts().output('paused')).toEqual([]);
  });

  it('[PA1] holds nothing where nothing was heard when speech began', () => {
    const talk = EngineDriver.attached().chooses({ falseInterruption: 'pause' }).starts().stops();
    expect(talk.state.pause).toBeNull();
    expect(talk.pass(5_000).output('resumed')).toEqual([]);
  });

  it('[PA2] lets the voice go on at the same sample when no words followed the end of speech', () => {
    const talk = later(speaking(PAUSE).starts(), 700).stops();
    expect(talk.pass(1_999).outputs).toEqual([]);
    expect(talk.pass(1).order).toEqual(['resumed']);
    expect(talk.output('resumed')).toMatchObject([held]);
    expect([talk.state.pause, talk.state.speech]).toEqual([null, { stage: 'silent' }]);
  });

  it('[PA2] lets the voice go on beside a noise that does not end, and interrupts when words come of it', () => {
    const talk = speaking(PAUSE).starts();
    expect(talk.pass(2_000).output('resumed')).toHaveLength(1);
    expect(talk.utters('wait').output('interrupted')).toHaveLength(1);
  });

  it('[PA2] lets the voice go on when the words were too few', () => {
    const talk = later(speaking(PAUSE).starts(), 200).utters('mhm').stops();
    expect(talk.pass(2_000).output('resumed')).toHaveLength(1);
  });

  it('[PA2] lets the voice go on when the utterance has become a turn that waits', () => {
    const talk = speaking({ ...PAUSE, busy: 'queue' })
      .starts()
      .says('And Friday?');
    expect(talk.order).toEqual(['parley.turn.accepted', 'resumed']);
  });

  it('[PA2] tells the end of a pause whose response has ended otherwise', () => {
    const talk = tailing(PAUSE).starts();
    talk.reports([], 1);
    expect(talk.order).toEqual(['resumed', 'parley.state']);
    expect(talk.output('resumed')).toMatchObject([{ responseId: 'resp_1' }]);
  });

  it('[PA2][TK5] lets the voice go on at a takeover', () => {
    const talk = tailing(PAUSE).starts();
    expect(talk.changesOwner().output('resumed')).toHaveLength(1);
  });

  it.each([
    ['an explicit interrupt', (talk: EngineDriver) => talk.interrupts()],
    ['words', (talk: EngineDriver) => later(talk, 600).utters('wait a moment')],
    ['a turn', (talk: EngineDriver) => talk.says('And Friday?')],
  ])('[PA3] ends with %s, without a word beside the interruption', (_what, cut) => {
    const talk = cut(speaking({ ...PAUSE, busy: 'interrupt' }).starts());
    expect(talk.output('interrupted')).toMatchObject([{ responseId: 'resp_1', heardMs: 1_000 }]);
    expect(talk.output('resumed')).toEqual([]);
    expect(talk.state.pause).toBeNull();
  });

  it('[PA4][VO5] blames no voice that has nothing to deliver meanwhile, and gives it its whole time afterwards', () => {
    const talk = speaking({ ...PAUSE, falseInterruptionMs: 10_000 }).starts();
    talk.pass(4_900);
    talk.writes('More.');
    talk.pass(4_900);
    talk.writes('More.');
    expect(talk.pass(200).output('resumed')).toHaveLength(1);
    expect(talk.phase).toBe('speaking');
    talk.finishes();
    expect(talk.pass(4_999).effect('open-voice')).toEqual([]);
    expect(talk.pass(1).effect('open-voice')).toMatchObject([{ attempt: 2 }]);
  });

  it('[PA4][DR9] drops no tail that stands still, and gives it its whole time afterwards', () => {
    const talk = tailing({ ...PAUSE, falseInterruptionMs: 10_000 }).starts();
    expect(talk.pass(10_000).output('resumed')).toHaveLength(1);
    expect(talk.floor.state).toBe('speaking');
    talk.pass(3_499);
    expect(talk.state.tails).toHaveLength(1);
    talk.pass(1);
    expect(talk.state.tails).toEqual([]);
  });

  it('[PA4] waits for the model, and for a worker, as ever', () => {
    const talk = speaking({ ...PAUSE, falseInterruptionMs: 10_000 }).starts();
    expect(talk.pass(5_000).output('end')).toMatchObject([{ error: { code: 'llm_unavailable' } }]);
    const opening = tailing({ ...PAUSE, falseInterruptionMs: 10_000 })
      .says('And Friday?')
      .starts();
    expect(opening.pass(5_000).errors).toMatchObject([{ code: 'tts_unavailable' }]);
  });
});

describe('mute', () => {
  it('[MU1] lets speech and words that may change count for nothing', () => {
    const talk = speaking({ falseInterruption: 'pause' }).mutes();
    expect(talk.starts().effects).toEqual([]);
    expect(later(talk, 600).utters('wait a moment').effects).toEqual([]);
    expect(talk.stops().effects).toEqual([]);
    expect(EngineDriver.attached().mutes().guesses('Hello').effects).toEqual([]);
  });

  it('[MU1] stops no turn, no interrupt and nothing the agent does', () => {
    const talk = EngineDriver.attached().mutes();
    expect(talk.says('Typed.').errors).toEqual([]);
    expect(talk.interrupts().output('interrupted')).toHaveLength(1);
  });

  it('[MU1] ends with its opposite', () => {
    const talk = speaking().mutes().mutes(false);
    expect(later(talk.starts(), 600).utters('wait').output('interrupted')).toHaveLength(1);
  });

  it('[MU2] while the user speaks ends the utterance, and the voice that was held goes on', () => {
    const talk = later(speaking({ falseInterruption: 'pause' }).starts(), 600).mutes();
    expect(talk.order).toEqual(['resumed']);
    expect(talk.state.speech).toEqual({ stage: 'silent' });
  });

  it('[MU2][SP9] leaves a speculation waiting for its final transcript', () => {
    const talk = EngineDriver.attached().guesses('Hello').writes('Hi there. ').mutes().says('Hello');
    expect(talk.effect('start-generation')).toEqual([]);
    expect(talk.output('text')).toMatchObject([{ text: 'Hi there. ' }]);
  });
});
