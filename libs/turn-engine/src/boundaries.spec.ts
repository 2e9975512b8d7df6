import { initialState } from './state';
import { EngineDriver, SESSION, type Heard } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';
const all: Heard = { segmentsMs: [2000], complete: true };

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds();
const draining = (): EngineDriver =>
  EngineDriver.attached()
    .answers(FIRST)
    .hears({ ...all, playedMs: 100, closed: true });

describe('at the bound of a wait', () => {
  it('[SU9] another deadline that passes leaves the speculation alone', () => {
    const talk = draining().guesses('And tomorrow').pass(2_400);
    expect(talk.effect('observe').map(({ observation }) => observation.name)).toEqual(['drain-timeout']);
    expect(talk.state.speculation.run).not.toBeNull();
    expect(talk.pass(7_599).state.speculation.run).not.toBeNull();
    expect(talk.pass(1).state.speculation.run).toBeNull();
  });

  it('[CL4] a look at the clock while a tail plays closes nothing, however long nobody spoke', () => {
    const talk = EngineDriver.attached({ idleTimeoutMs: 1_000 }).answers(FIRST);
    talk.hears({ segmentsMs: [9000], complete: true, closed: true });
    talk.nowMs += 2_000;
    talk.looks();
    expect(talk.effects).toEqual([]);
    expect(talk.floor.state).toBe('speaking');
  });

  it('[VO2] the end of generation gives a voice that is awaited no more time', () => {
    const talk = EngineDriver.attached().says('Hi').writes(FIRST).pass(3_000).finishes();
    expect(talk.pass(1_999).errors).toEqual([]);
    expect(talk.pass(1).errors.map(({ code }) => code)).toEqual(['tts_unavailable']);
  });

  it('[VO5] more text gives a voice that owes audio no more time', () => {
    const talk = asking().writes(FIRST).pass(3_000).writes(SECOND);
    expect(talk.pass(1_999).phase).toBe('thinking');
    expect(talk.pass(1).output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
  });
});

describe('the last words of an answer', () => {
  it('[GE1] only the first segment may be short: a later sentence waits for company', () => {
    const talk = asking().writes('Yes. ');
    expect(talk.output('text').map(({ text }) => text)).toEqual(['Yes. ']);
    expect(talk.writes('It is. ').output('text')).toEqual([]);
    expect(
      talk
        .finishes()
        .output('text')
        .map(({ text }) => text),
    ).toEqual(['It is. ']);
  });

  it('[HE1] are not heard where nothing of their segment was delivered', () => {
    const talk = asking().writes(FIRST).writes(SECOND);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900 }).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardMs: 900, heardText: FIRST.trim() }]);
  });

  it('[GE3][GE9] without a full stop leave at its end, as its first segment if they are all there is', () => {
    const talk = asking().writes('Yes').pass(40).finishes();
    expect(talk.output('text').map(({ text }) => text)).toEqual(['Yes']);
    expect(talk.output('end')).toMatchObject([{ status: 'completed', segments: 1 }]);
    talk.hears({ ...all, closed: true });
    expect(talk.events('parley.turn.metrics')).toMatchObject([
      { first_token_ms: 0, first_segment_ms: 40, first_audio_ms: 40, generated_ms: 40 },
    ]);
  });

  it('[HE10][CX4] that failed are marked as cut off, even if all that was sent of it was heard', () => {
    const heard = { segmentsMs: [2000], complete: true, playedMs: 2000, closed: true };
    const talk = asking()
      .writes(FIRST)
      .hears({ ...heard, closed: false })
      .modelFails();
    expect(talk.answersInContext()).toEqual([`${FIRST.trim()} [interrupted by the user]`]);
    const cut = asking()
      .writes(FIRST)
      .hears({ ...heard, playedMs: 500, closed: false })
      .modelFails();
    cut.interrupts({ delivery: [cut.delivery(1, heard)] });
    cut.truncates('answer_1', 5000);
    expect(cut.answersInContext()).toEqual([`${FIRST.trim()} [interrupted by the user]`]);
  });

  it('[IN8] of a tail that is truncated at its very end stay, without a mark', () => {
    const talk = draining().truncates('answer_1', 2000);
    expect(talk.output('interrupted')).toMatchObject([{ heardText: FIRST.trim() }]);
    expect(talk.answersInContext()).toEqual([FIRST.trim()]);
  });
});

describe('the heard position of an answer that is over', () => {
  it('[IN9] is what was delivered after its closing events too', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 100], closed: true });
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 3200, closed: true });
    expect(talk.state.tails).toEqual([]);
    talk.truncates('answer_1', 2000);
    expect(talk.answersInContext()).toEqual(['It is sunny. Tomorrow [interrupted by the user]']);
  });

  it('[IN9] at which it stands already cuts nothing', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 400], playedMs: 900 }).reports([], 1);
    expect(talk.truncates('answer_1', 1300).answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[IN9] that falls into the silence behind the last word cuts nothing', () => {
    const talk = asking().writes(FIRST);
    const word = (text: string, charStart: number, endMs: number) =>
      ({ word: text, charStart, charEnd: charStart + text.length, startMs: endMs - 100, endMs }) as const;
    talk.times(0, [word('It', 0, 200), word('is', 3, 400), word('sunny', 6, 800)]).finishes();
    talk.hears({ segmentsMs: [1000], complete: true, playedMs: 1000, closed: true });
    expect(talk.truncates('answer_1', 900).answersInContext()).toEqual([FIRST]);
    expect(talk.truncates('answer_1', 500).answersInContext()).toEqual(['It is [interrupted by the user]']);
  });

  it('[HE11] counts the answers that were spoken, not those a client brought', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 3200, closed: true });
    for (const itemId of ['a', 'b', 'c', 'd', 'e']) {
      talk.client({ kind: 'item-created', itemId, item: { role: 'assistant', text: 'Brought.' } });
    }
    expect(talk.truncates('answer_1', 900).answersInContext()[0]).toBe(`${FIRST.trim()} [interrupted by the user]`);
  });
});

describe('the bound of the context', () => {
  /** A question of 21 and an answer of 39 characters that count, which grew after both were stored. */
  const spoken = (maxContextChars: number): EngineDriver =>
    EngineDriver.attached({ maxContextChars })
      .says('Rain?')
      .binds()
      .writes(SECOND)
      .finishes()
      .hears({
        ...all,
        playedMs: 2000,
        closed: true,
      });
  const asked = (talk: EngineDriver): (string | undefined)[] =>
    talk
      .asks()
      .effect('start-generation')[0]
      ?.messages.flatMap((message) => ('content' in message && message.role !== 'system' ? [message.content] : [])) ??
    [];

  it('[CX2] is met to the character, counting 16 more for each item', () => {
    expect(asked(spoken(21 + 39))).toEqual(['Rain?', SECOND]);
    expect(asked(spoken(21 + 38))).toEqual([SECOND]);
    expect(asked(spoken(1))).toEqual([SECOND]);
  });

  it('[CX2] counts the name, the arguments and the result of a call', () => {
    const called = (maxContextChars: number): EngineDriver =>
      EngineDriver.attached({ maxContextChars })
        .says('Rain?')
        .binds()
        .writes(SECOND)
        .calls()
        .finishes()
        .hears({
          ...all,
          playedMs: 2000,
          closed: true,
        });
    const roles = (talk: EngineDriver): (string | undefined)[] =>
      talk
        .returns('22 °C')
        .asks()
        .effect('start-generation')[0]
        ?.messages.map(({ role }) => role) ?? [];
    const callChars = 'weather'.length + '{"city":"Ulm"}'.length + '22 °C'.length + 16;
    expect(roles(called(21 + 39 + callChars))).toEqual(['system', 'user', 'assistant', 'tool']);
    expect(roles(called(21 + 38 + callChars))).toEqual(['system', 'assistant', 'tool']);
  });

  it('[IT4] is met by the stored history too', () => {
    const typed = (maxContextChars: number): string[] => {
      const talk = EngineDriver.attached({ maxContextChars });
      for (const itemId of ['a', 'b', 'c']) {
        talk.client({ kind: 'item-created', itemId, item: { role: 'user', text: 'four' } });
      }
      return talk.state.history.map(({ id }) => id);
    };
    expect(typed(15)).toEqual(['a', 'b', 'c']);
    expect(typed(14)).toEqual(['b', 'c']);
    expect(typed(1)).toEqual(['c']);
  });
});

describe('what is stored', () => {
  it('[CL1] of a new session is nothing but its configuration', () => {
    expect(initialState(SESSION)).toMatchObject({
      session: SESSION,
      phase: { name: 'idle' },
      tails: [],
      history: [],
      recentTurnIds: [],
      policy: {},
      queue: [],
      speculation: { turnId: null, starts: 0, run: null },
      calls: [],
      speech: { stage: 'silent' },
      pause: null,
      presence: { stage: 'present', deadlineMs: null },
      avatar: { stage: 'empty' },
    });
  });

  it('[CL2] of a session that is over is nothing that waits', () => {
    const talk = EngineDriver.attached({ falseInterruption: 'pause' }, { avatar: 'stream' }).answers(FIRST);
    talk
      .hears({ segmentsMs: [4_000], playedMs: 1_000 })
      .starts()
      .step({ kind: 'gateway-lost' });
    expect(talk.state).toMatchObject({
      tails: [],
      queue: [],
      calls: [],
      speech: { stage: 'silent' },
      pause: null,
      avatar: { stage: 'empty' },
    });
  });

  it("[IT1] of a client's item is what it is and no more", () => {
    const talk = EngineDriver.attached();
    talk.client({ kind: 'item-created', itemId: 'mine', item: { role: 'user', text: 'Hi' } });
    expect(talk.state.history).toStrictEqual([{ id: 'mine', role: 'user', text: 'Hi' }]);
  });

  it('[HE3] of an answer that has said nothing yet is an item without text', () => {
    const talk = asking();
    expect(talk.state.history.at(-1)).toStrictEqual({
      id: 'answer_1',
      role: 'assistant',
      text: '',
      interrupted: false,
      modality: 'audio',
      spoken: null,
    });
  });

  it('[FL4] the floor that is told names no response where there is none', () => {
    expect(EngineDriver.attached().says('Hi').interrupts().events('parley.state')).toStrictEqual([
      { type: 'parley.state', state: 'listening' },
    ]);
  });
});

describe('what belongs to another run', () => {
  it('[SU3][GE7] neither grows, nor ends, nor fails the one under way', () => {
    const talk = EngineDriver.attached().guesses('A').resumes().guesses('A question').writes('It ');
    const before = talk.state;
    talk.writes('Never. ', 1).finishes('stop', 1).modelFails(1);
    expect(talk.effects).toEqual([]);
    expect(talk.state).toEqual(before);
    talk.says('A question?');
    expect(talk.state.speculation.run).toBeNull();
    talk.writes('is sunny. ');
    expect(talk.output('text')).toMatchObject([{ text: FIRST }]);
  });
});

describe('a new session', () => {
  it('[TU2] has accepted no turn, and begun no response', () => {
    expect(initialState(SESSION)).toMatchObject({ recentTurnIds: [], recentResponses: [], nextOrdinal: 1 });
  });

  it('[RS4] remembers the last 16 responses that it has begun', () => {
    const talk = EngineDriver.attached();
    for (let n = 0; n < 20; n++) talk.says('Hi').modelFails();
    expect(talk.state.recentResponses.map(({ ordinal }) => ordinal)).toEqual(
      Array.from({ length: 16 }, (_, index) => index + 5),
    );
  });
});
