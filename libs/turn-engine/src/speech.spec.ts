import type { TurnPolicy } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';
import { later, LONG, speaking, tailing } from './testing/speaking';

describe('interruption by speech', () => {
  it('[BI1] comes with the word that is missing when it has lasted long enough', () => {
    const talk = later(speaking().starts(), 700).utters('');
    expect(talk.output('interrupted')).toEqual([]);
    talk.utters('wait');
    expect(talk.order).toEqual([
      'abort-generation',
      'cancel-voice',
      'parley.turn.metrics',
      'interrupted',
      'observe interrupted',
      'observe response-ended',
      'parley.state',
    ]);
    expect(talk.output('interrupted')).toMatchObject([
      { responseId: 'resp_1', reason: 'turn_detected', heardMs: 1_000, heardText: 'It is sunny' },
    ]);
    expect(talk.effect('observe')[0]?.observation).toMatchObject({ name: 'interrupted', cause: 'speech' });
    expect(talk.floor.state).toBe('listening');
  });

  it('[BI1] comes at the millisecond at which speech with words has lasted long enough', () => {
    const talk = speaking({ minSpeechMs: 500 }).starts().utters('wait a moment');
    expect(talk.pass(499).output('interrupted')).toEqual([]);
    expect(talk.pass(1).output('interrupted')).toHaveLength(1);
  });

  it('[BI1] cuts a tail, and the response beside it, oldest first', () => {
    const talk = tailing().says('And tomorrow?');
    later(talk.starts(), 600).utters('no wait');
    expect(talk.output('interrupted').map(({ responseId }) => responseId)).toEqual(['resp_1', 'resp_2']);
  });

  it('[BI1] cuts a response of which nothing is audible yet', () => {
    const talk = EngineDriver.attached().says('A question?');
    later(talk.starts(), 600).utters('and one more');
    expect(talk.output('interrupted')).toMatchObject([{ responseId: 'resp_1', heardText: '' }]);
  });

  it('[BI1][TU14] drops the turns that wait', () => {
    const talk = speaking({ busy: 'queue' }).says('Second');
    later(talk.starts(), 600).utters('stop it');
    expect(talk.events('parley.response.interrupted')).toMatchObject([{ response_id: 'resp_2' }]);
    expect(talk.phase).toBe('listening');
  });

  it('[BI1] of nothing changes nothing', () => {
    const talk = EngineDriver.attached().starts();
    expect(later(talk, 600).utters('hello there').effects).toEqual([]);
  });

  it('[BI1][IN12] lets the turn begin that it becomes', () => {
    const talk = later(speaking().starts(), 600).utters('wait');
    expect(talk.says('Wait, what about Friday?').errors).toEqual([]);
    expect(talk.phase).toBe('thinking');
  });

  it('[BI1] counts what was spoken when the words come after its end', () => {
    const talk = later(speaking().starts(), 600).stops();
    expect(talk.output('interrupted')).toEqual([]);
    expect(later(talk, 300).utters('wait').output('interrupted')).toHaveLength(1);
  });

  it('[BI1] takes words without a word on speech for its beginning', () => {
    const talk = speaking().utters('wait a moment');
    expect(talk.output('interrupted')).toEqual([]);
    expect(talk.pass(500).output('interrupted')).toHaveLength(1);
  });

  it.each([
    ['too short', 400, 'wait a moment'],
    ['without a word', 2_000, ''],
    ['of punctuation alone', 2_000, '… ?!'],
    ['of a backchannel alone', 2_000, 'Mm-hmm, mhm.'],
  ])('[BI2] does not come from speech %s', (_what, ms, text) => {
    const talk = later(speaking().starts(), ms).utters(text).stops();
    expect(talk.pass(1_000).output('interrupted')).toEqual([]);
    expect(talk.phase).toBe('speaking');
  });

  it('[BI2] needs as many words as the policy says', () => {
    const talk = later(speaking({ minWords: 3 }).starts(), 600).utters('no wait');
    expect(talk.output('interrupted')).toEqual([]);
    expect(talk.utters('no wait please').output('interrupted')).toHaveLength(1);
  });

  it('[BI2] comes when more than a backchannel is said', () => {
    expect(later(speaking().starts(), 600).utters('mhm but').output('interrupted')).toHaveLength(1);
  });

  it('[BI3] needs no words where the policy says so', () => {
    const talk = speaking({ minWords: 0, minSpeechMs: 300 }).starts();
    expect(talk.pass(299).output('interrupted')).toEqual([]);
    expect(talk.pass(1).output('interrupted')).toHaveLength(1);
    expect(speaking({ minWords: 0, minSpeechMs: 0 }).starts().output('interrupted')).toHaveLength(1);
  });

  it('[BI3] still spares a backchannel that is known', () => {
    const talk = speaking({ minWords: 0 }).starts().utters('mhm');
    expect(talk.pass(1_000).output('interrupted')).toEqual([]);
  });

  it('[BI6] takes nothing from words of a turn that was accepted, a second start, or an end without a start', () => {
    expect(later(speaking().starts(), 600).utters('A question?', 'turn_1').output('interrupted')).toEqual([]);
    const again = later(speaking().starts(), 400).starts();
    expect(later(again, 100).utters('wait').output('interrupted')).toHaveLength(1);
    const talk = speaking();
    const before = talk.state.speech;
    expect(talk.stops().effects).toEqual([]);
    expect(talk.state.speech).toBe(before);
  });

  it('[BI6] goes on with the words of an utterance that paused for breath', () => {
    const talk = later(speaking({ minWords: 2 }).starts(), 600)
      .utters('no wait', 'turn_1')
      .stops();
    expect(later(later(talk, 300).utters('no').starts(), 600).utters('no wait').output('interrupted')).toHaveLength(1);
  });

  it('[BI7] forgets an utterance that has become a turn', () => {
    const talk = later(EngineDriver.attached().starts(), 600).utters('what is');
    talk
      .says('What is the weather?')
      .binds()
      .writes(LONG)
      .hears({ segmentsMs: [4_000], playedMs: 500 });
    expect(talk.state.speech).toEqual({ stage: 'silent' });
    expect(talk.pass(1_000).output('interrupted')).toEqual([]);
  });

  it('[BI7] keeps an utterance whose transcript was refused', () => {
    const talk = speaking({ minSpeechMs: 5_000 }).starts().utters('what');
    const { speech } = talk.state;
    talk.says('What?');
    expect(talk.errors).toMatchObject([{ code: 'turn_in_progress' }]);
    expect(talk.state.speech).toEqual(speech);
  });

  it.each(['reject', 'interrupt', 'queue'] as const)(
    '[BI8] refuses a backchannel as a turn while the agent speaks, under %s',
    (busy) => {
      const talk = speaking({ busy }).says('Mhm.');
      expect(talk.errors).toMatchObject([{ code: 'turn_in_progress', message: expect.stringContaining('listens') }]);
      expect(talk.order).toEqual(['error']);
      expect(tailing({ busy }).says('Mhm.').errors).toMatchObject([{ code: 'turn_in_progress' }]);
    },
  );

  it('[BI8][SU10] refuses a backchannel that was speculated on, and leaves the speculation as it is', () => {
    const talk = tailing().guesses('mhm', 'next').writes('Yes? ', 2);
    const { speculation } = talk.state;
    expect(talk.says('Mhm.', 'next').order).toEqual(['error']);
    expect(talk.state.speculation).toEqual(speculation);
  });

  it('[BI8] takes a backchannel for a turn when nobody speaks', () => {
    expect(EngineDriver.attached().says('Mhm.').errors).toEqual([]);
    expect(speaking({ busy: 'interrupt', backchannels: [] }).says('Mhm.').errors).toEqual([]);
  });

  it('[BI9][LI1] takes speech without an end for noise after a while', () => {
    const talk = EngineDriver.attached().starts();
    talk.pass(59_999);
    expect(talk.state.speech.stage).toBe('speaking');
    talk.pass(1);
    expect(talk.state.speech).toEqual({ stage: 'silent' });
  });

  it('[BI9] forgets speech that nothing followed', () => {
    const talk = later(EngineDriver.attached().starts(), 600).stops();
    talk.pass(1_999);
    expect(talk.state.speech.stage).toBe('stopped');
    talk.pass(1);
    expect(talk.state.speech).toEqual({ stage: 'silent' });
  });
});

describe('a response that must be heard', () => {
  const uninterruptible = (policy: Partial<TurnPolicy> = {}): EngineDriver =>
    EngineDriver.attached(policy)
      .dictates(LONG, false)
      .binds()
      .hears({ segmentsMs: [4_000], playedMs: 1_000 });

  it('[BI4] is cut by no speech', () => {
    const talk = later(uninterruptible().starts(), 600).utters('wait a moment');
    expect([talk.effects, talk.phase]).toEqual([[], 'speaking']);
    talk.hears({ segmentsMs: [4_000], complete: true, playedMs: 1_000, closed: true });
    expect(later(talk.stops().starts(), 600).utters('wait a moment').output('interrupted')).toEqual([]);
    expect(talk.floor.state).toBe('speaking');
  });

  it('[BI4][TU11] lets a turn under interrupt wait, which is not lost', () => {
    const talk = uninterruptible({ busy: 'interrupt' }).says('And Friday?');
    expect(talk.order).toEqual(['parley.turn.accepted']);
    talk.hears({ segmentsMs: [4_000], complete: true, playedMs: 1_000, closed: true });
    expect(talk.output('announce')).toMatchObject([{ responseId: 'resp_2' }]);
    expect(talk.floor).toEqual({ state: 'speaking', responseId: 'resp_1' });
  });

  it('[BI4] keeps its tail when a turn takes the floor', () => {
    const talk = uninterruptible({ busy: 'interrupt' });
    talk.hears({ segmentsMs: [4_000], complete: true, playedMs: 1_000, closed: true }).says('And Friday?');
    expect(talk.output('interrupted')).toEqual([]);
    expect(talk.output('announce')).toHaveLength(1);
    expect(talk.floor.responseId).toBe('resp_1');
  });

  it('[BI4] keeps what waits behind it when speech cuts an older tail', () => {
    const talk = tailing({ busy: 'queue' }).dictates('This must be heard.', false).says('Second');
    later(talk.starts(), 600).utters('wait a moment');
    expect(talk.output('interrupted').map(({ responseId }) => responseId)).toEqual(['resp_1']);
    expect(talk.state.queue).toHaveLength(1);
    expect(talk.phase).toBe('thinking');
  });

  it('[BI4] follows the policy of the moment at which it began', () => {
    const talk = speaking({ interruptible: false }).chooses({ interruptible: true });
    expect(later(talk.starts(), 600).utters('wait a moment').output('interrupted')).toEqual([]);
    const changed = speaking().chooses({ interruptible: false });
    expect(later(changed.starts(), 600).utters('wait a moment').output('interrupted')).toHaveLength(1);
    expect(EngineDriver.attached({ interruptible: false }).dictates('Hello.').state.phase).toMatchObject({
      response: { interruptible: false },
    });
  });

  it.each([
    ['parley.interrupt', (talk: EngineDriver) => talk.interrupts()],
    ['response.cancel', (talk: EngineDriver) => talk.cancels()],
    ['a truncation', (talk: EngineDriver) => talk.truncates('answer_1', 500, talk.known())],
  ])('[BI4] is cut by %s', (_what, cut) => {
    expect(cut(uninterruptible()).output('interrupted')).toHaveLength(1);
  });
});

describe('the cool-down of a response', () => {
  it('[BI5] keeps speech from cutting what has hardly been heard, until enough was played', () => {
    const talk = later(speaking({ coolDownMs: 1_500 }).starts(), 600).utters('wait a moment');
    expect(talk.output('interrupted')).toEqual([]);
    expect(talk.hears({ segmentsMs: [4_000], playedMs: 1_499 }).output('interrupted')).toEqual([]);
    expect(talk.hears({ segmentsMs: [4_000], playedMs: 1_500 }).output('interrupted')).toMatchObject([
      { heardMs: 1_500 },
    ]);
  });

  it('[BI5] is none for a response that nobody hears yet, and none for an explicit interrupt', () => {
    const talk = EngineDriver.attached({ coolDownMs: 1_500 }).says('A question?');
    expect(later(talk.starts(), 600).utters('wait').output('interrupted')).toHaveLength(1);
    expect(speaking({ coolDownMs: 1_500 }).interrupts().output('interrupted')).toHaveLength(1);
  });

  it('[BI5][PA1] holds no voice either', () => {
    expect(speaking({ coolDownMs: 1_500, falseInterruption: 'pause' }).starts().effects).toEqual([]);
  });
});
