import { EngineDriver, outputsOf } from './testing/engine-driver';

const GUESS = 'What is the weather';
const FINAL = 'What is the weather?';
const ANSWER = 'It is sunny. ';

/** A speculative answer of which `texts` were written. */
const guessing = (...texts: string[]): EngineDriver => {
  const talk = EngineDriver.attached().guesses(GUESS);
  for (const text of texts) talk.writes(text);
  return talk;
};
const outcomes = (talk: EngineDriver): string[] =>
  talk.history.flatMap((effect) =>
    effect.kind === 'observe' && effect.observation.name === 'speculation' ? [effect.observation.outcome] : [],
  );
const generations = (talk: EngineDriver): number =>
  talk.history.filter((effect) => effect.kind === 'start-generation').length;
const written = (talk: EngineDriver): string =>
  outputsOf(talk.history)
    .flatMap((output) => (output.kind === 'text' ? [output.text] : []))
    .join('');

describe('a speculative transcript', () => {
  it('[SU1] starts the model on the conversation so far, and nothing else', () => {
    const talk = guessing();
    expect(talk.order).toEqual(['start-generation']);
    expect(talk.effect('start-generation')[0]?.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: GUESS },
    ]);
    expect(talk.state.history).toEqual([]);
    expect(talk.floor.state).toBe('listening');
  });

  it('[SU1] starts it beside a tail too', () => {
    const talk = EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [2000], complete: true, closed: true })
      .guesses('And tomorrow');
    expect(talk.order).toEqual(['start-generation']);
    expect(talk.state.tails).toHaveLength(1);
  });

  it.each([
    ['while a response is live', () => EngineDriver.attached().says('Hello')],
    ['while another one is answered', () => guessing('It ')],
  ])('[SU2][SP8] is ignored %s', (_when, lead) => {
    const talk = lead();
    const before = talk.state;
    talk.guesses('Something else', 'turn_9');
    expect(talk.effects).toEqual([]);
    expect(talk.state).toEqual(before);
  });

  it('[SU2] is ignored for a turn that was accepted, and without words', () => {
    const talk = EngineDriver.attached().says('Hello').interrupts();
    expect(talk.guesses('Hello there', 'turn_1').effects).toEqual([]);
    expect(talk.guesses(' \n').effects).toEqual([]);
  });

  it('[SU2][SU6] starts three answers for one turn at most, and again for the next', () => {
    const talk = EngineDriver.attached();
    for (let n = 0; n < 5; n++) talk.guesses(`Attempt ${n}`, 'turn_a').resumes('turn_a');
    expect(generations(talk)).toBe(3);
    expect(outcomes(talk)).toEqual(['resumed', 'resumed', 'resumed']);
    expect(talk.guesses('Next', 'turn_b').order).toEqual(['start-generation']);
  });

  it('[SU3] changes nothing outside, whatever the model writes', () => {
    for (const talk of [guessing('It '), guessing('It ').finishes(), guessing('It is sunny. Very sunny. ')]) {
      expect(talk.effects).toEqual([]);
      expect(outputsOf(talk.history).filter(({ kind }) => kind === 'text')).toEqual([]);
    }
  });
});

describe('a final transcript', () => {
  it('[SU4][SP3] that says the same commits: what was kept leaves at once, then what comes', () => {
    const talk = guessing('It is sunny. ', 'Tomor').says(FINAL);
    expect(talk.order).toEqual([
      'observe speculation',
      'parley.turn.accepted',
      'conversation.item.added',
      'conversation.item.done',
      'announce',
      'open-voice',
      'observe first-token',
      'text',
      'speak-segment',
      'parley.state',
    ]);
    expect(talk.state.history[0]).toMatchObject({ role: 'user', text: FINAL });
    talk.binds().writes('row it rains. ').finishes();
    expect(written(talk)).toBe('It is sunny. Tomorrow it rains. ');
    expect(talk.output('end')).toMatchObject([{ status: 'completed' }]);
    expect([generations(talk), outcomes(talk)]).toEqual([1, ['committed']]);
  });

  it('[SU4][SP9] may come after the answer has ended: it is sent whole, with its end', () => {
    const talk = guessing(ANSWER).finishes().says(FINAL);
    expect(written(talk)).toBe(ANSWER);
    expect(talk.output('end')).toMatchObject([{ segments: 1, usage: { inputTokens: 7, outputTokens: 3 } }]);
    expect(talk.effect('end-voice')).toHaveLength(1);
  });

  it.each([
    ['more text', (talk: EngineDriver) => talk.writes('And more. ')],
    ['a call', (talk: EngineDriver) => talk.calls()],
    ['a second end', (talk: EngineDriver) => talk.finishes('length')],
    ['a failure', (talk: EngineDriver) => talk.modelFails()],
  ])('[SU4][GE7] sends nothing of what the model said behind its end: %s', (_what, late) => {
    const talk = guessing(ANSWER).finishes();
    late(talk);
    talk.says(FINAL);
    expect(written(talk)).toBe(ANSWER);
    expect(talk.output('call')).toEqual([]);
    expect(talk.output('end')).toMatchObject([{ segments: 1, status: 'completed' }]);
    expect(generations(talk)).toBe(1);
  });

  it.each([
    ['prefix', 'what is THE weather', true],
    ['prefix', 'What is the weather, tomorrow?', true],
    ['prefix', 'What is the weatherman', false],
    ['prefix', 'What is', false],
    ['prefix', 'And what is the weather', false],
    ['exact', '  what, is the   weather!', true],
    ['exact', 'What is the weather tomorrow', false],
  ] as const)('[SU4][SU5][SP4] by the policy %s, %j commits: %s', (commit, final, commits) => {
    const talk = EngineDriver.attached({ commit }).guesses(GUESS).writes(ANSWER).says(final);
    expect(outcomes(talk)).toEqual([commits ? 'committed' : 'mismatch']);
    expect(generations(talk)).toBe(commits ? 1 : 2);
    expect(written(talk)).toBe(commits ? ANSWER : '');
  });

  it('[SU5][SP4] that says something else discards the run, and nothing of it is ever sent', () => {
    const talk = guessing('It is sunny. ').says('Tell me a joke');
    expect(talk.order.slice(0, 2)).toEqual(['observe speculation', 'abort-generation']);
    expect(talk.effect('start-generation')[0]?.messages.at(-1)).toEqual({ role: 'user', content: 'Tell me a joke' });
    talk.writes('Sunny too. ', 1).finishes('stop', 1);
    expect(written(talk)).toBe('');
    expect(talk.binds().writes('A horse walks in. ').finishes().phase).toBe('thinking');
    expect(written(talk)).toBe('A horse walks in. ');
  });

  it('[SU5][SP5] that comes before the first token is run anew', () => {
    const talk = guessing().says(FINAL);
    expect([generations(talk), outcomes(talk)]).toEqual([2, ['empty']]);
  });

  it('[SU5][SP5] that comes when only white space was written is run anew, also when the model has ended', () => {
    const talk = guessing(' ').finishes().says(FINAL);
    expect([generations(talk), outcomes(talk)]).toEqual([2, ['empty']]);
    expect(talk.effect('abort-generation')).toEqual([]);
  });

  it('[SU5] of another turn, or empty, discards the run', () => {
    expect(outcomes(guessing(ANSWER).says(FINAL, 'another'))).toEqual(['mismatch']);
    const empty = guessing(ANSWER).says('  ');
    expect([outcomes(empty), empty.errors]).toMatchObject([['mismatch'], [{ code: 'invalid_value' }]]);
    expect(empty.phase).toBe('listening');
  });

  it('[SU5] after the model has failed is run anew', () => {
    const talk = guessing('It ').modelFails();
    expect(talk.order).toEqual(['observe speculation', 'abort-generation']);
    expect(talk.says(FINAL).effect('start-generation')).toHaveLength(1);
    expect(outcomes(talk)).toEqual(['empty']);
  });

  it('[SU4][TU2] that comes a second time for one utterance is refused', () => {
    const talk = guessing(ANSWER).says(FINAL).says(FINAL, 'turn_1');
    expect(talk.errors).toMatchObject([{ code: 'turn_duplicate' }]);
    expect(outcomes(talk)).toEqual(['committed']);
  });
});

describe('what comes between', () => {
  it('[SU6] speech that goes on discards the run of that turn only', () => {
    const talk = guessing(ANSWER);
    expect(talk.resumes('another').effects).toEqual([]);
    expect(talk.resumes().order).toEqual(['observe speculation', 'abort-generation']);
    expect(talk.guesses(FINAL).order).toEqual(['start-generation']);
  });

  it.each([
    ['parley.interrupt', (talk: EngineDriver) => talk.interrupts(), 'nothing_to_interrupt'],
    ['response.cancel', (talk: EngineDriver) => talk.cancels(), 'response_cancel_not_active'],
  ])('[SU7][SP2][SP9] %s forbids the commit, and is refused where nothing is heard', (_event, run, code) => {
    const talk = run(guessing(ANSWER));
    expect(talk.errors).toMatchObject([{ code }]);
    expect(outcomes(talk)).toEqual(['interrupted']);
    talk.says(FINAL);
    expect(generations(talk)).toBe(2);
    expect(written(talk)).toBe('');
  });

  it.each([
    [
      'an item',
      (talk: EngineDriver) => talk.client({ kind: 'item-created', itemId: 'i', item: { role: 'user', text: 'Hi' } }),
    ],
    [
      'new instructions',
      (talk: EngineDriver) => talk.client({ kind: 'session-updated', patch: { instructions: 'Sing.' } }),
    ],
    ['response.create', (talk: EngineDriver) => talk.asks()],
  ])('[SU8] %s discards the run, of which the model was told too little', (_what, run) => {
    expect(outcomes(run(guessing(ANSWER)))).toEqual(['mismatch']);
  });

  it('[SU8] a change of the policy does not, and holds for the commit', () => {
    const talk = guessing(ANSWER).chooses({ commit: 'exact' }).says('What is the weather tomorrow');
    expect(outcomes(talk)).toEqual(['mismatch']);
  });

  it('[SU9][LI1] a run that waits too long is discarded, and the final transcript is run anew', () => {
    const talk = guessing(ANSWER).pass(9_999);
    expect(outcomes(talk)).toEqual([]);
    expect(talk.pass(1).order).toEqual(['observe speculation', 'abort-generation']);
    expect(outcomes(talk.says(FINAL))).toEqual(['timeout']);
    expect(generations(talk)).toBe(2);
  });

  it('[SU10][SP11] the end of the session or of its owner ends the run', () => {
    expect(outcomes(guessing(ANSWER).client({ kind: 'disconnected', reason: 'client' }))).toEqual(['interrupted']);
    const lost = guessing(ANSWER).changesOwner();
    expect([outcomes(lost), generations(lost.says(FINAL))]).toEqual([['interrupted'], 2]);
  });
});
