import { EngineDriver } from './testing/engine-driver';

const WORDS = 'Your call is being recorded. Please hold.';

describe('what the agent is told to say', () => {
  it('[SY1][EN1][GE1] is spoken as a response without asking the model', () => {
    const talk = EngineDriver.attached().dictates(WORDS);
    expect(talk.order).toEqual([
      'parley.turn.accepted',
      'announce',
      'open-voice',
      'text',
      'speak-segment',
      'text',
      'speak-segment',
      'end',
      'end-voice',
      'parley.state',
    ]);
    expect(talk.output('text').map(({ text }) => text)).toEqual(['Your call is being recorded. ', 'Please hold.']);
    expect(talk.output('end')).toMatchObject([
      { segments: 2, spokenSegments: 2, status: 'completed', cutBy: null, error: null },
    ]);
    expect(talk.output('end')[0]?.usage).toEqual({ inputTokens: 0, outputTokens: 0 });
    expect(talk.floor).toEqual({ state: 'thinking', responseId: 'resp_1' });
  });

  it('[SY1][HE5] enters the history as the agent’s words, without a word of the user’s', () => {
    const talk = EngineDriver.attached().dictates(WORDS).binds();
    talk.hears({ segmentsMs: [1_000, 500], complete: true, playedMs: 1_500, closed: true });
    expect(talk.context()).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: WORDS },
    ]);
    expect(talk.phase).toBe('listening');
  });

  it('[SY1][HE1] that is interrupted counts as far as it was heard', () => {
    const talk = EngineDriver.attached().dictates(WORDS).binds();
    talk.hears({ segmentsMs: [1_000], complete: true, playedMs: 1_000 }).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardText: 'Your call is being recorded.' }]);
    expect(talk.effect('abort-generation')).toEqual([]);
    expect(talk.answersInContext()).toEqual(['Your call is being recorded. [interrupted by the user]']);
  });

  it('[SY1][GE9] has no first token, and was generated at once', () => {
    const talk = EngineDriver.attached().dictates(WORDS).interrupts();
    expect(talk.events('parley.turn.metrics')).toMatchObject([
      { first_token_ms: null, first_segment_ms: 0, first_audio_ms: null, generated_ms: 0 },
    ]);
    expect(
      talk.history.filter((effect) => effect.kind === 'observe' && effect.observation.name === 'first-token'),
    ).toEqual([]);
  });

  it('[SY1][TU2] is answered to a repetition of its input as any turn', () => {
    const talk = EngineDriver.attached().dictates(WORDS).interrupts().says('Hello', 'turn_1');
    expect(talk.errors).toMatchObject([{ code: 'turn_duplicate' }]);
  });

  it('[SY2] is refused beside a response under reject', () => {
    const talk = EngineDriver.attached().answers('It is sunny. ').dictates(WORDS);
    expect(talk.errors).toMatchObject([{ code: 'turn_in_progress', message: expect.stringContaining('resp_1') }]);
    expect(talk.order).toEqual(['error']);
  });

  it('[SY2] cuts the response under interrupt', () => {
    const talk = EngineDriver.attached({ busy: 'interrupt' }).answers('It is sunny. ').dictates(WORDS);
    expect(talk.output('interrupted')).toMatchObject([{ responseId: 'resp_1', reason: 'turn_detected' }]);
    expect(talk.output('announce')).toMatchObject([{ responseId: 'resp_2' }]);
  });

  it('[SY2][TU12] waits for the response under queue, and is spoken then', () => {
    const talk = EngineDriver.attached({ busy: 'queue' }).says('A question?').binds();
    expect(talk.dictates(WORDS).order).toEqual(['parley.turn.accepted']);
    talk.modelFails();
    expect(talk.output('announce')).toMatchObject([{ responseId: 'resp_2' }]);
    expect(
      talk
        .output('text')
        .map(({ text }) => text)
        .join(''),
    ).toBe(WORDS);
    expect(talk.effect('start-generation')).toEqual([]);
  });

  it('[SY3] of white space alone is refused', () => {
    const talk = EngineDriver.attached().dictates(' \n');
    expect(talk.errors).toMatchObject([{ code: 'invalid_value', param: 'text' }]);
    expect(talk.phase).toBe('listening');
  });

  it('[SY4][SU8] discards a speculation, which would not know of it', () => {
    const talk = EngineDriver.attached().guesses('Hello').dictates(WORDS);
    expect(talk.order.slice(1, 3)).toEqual(['observe speculation', 'abort-generation']);
    expect(talk.state.speculation.run).toBeNull();
  });

  it('[SY4] that is refused discards nothing', () => {
    const talk = EngineDriver.attached().guesses('Hello').dictates('');
    expect(talk.state.speculation.run).not.toBeNull();
  });
});
