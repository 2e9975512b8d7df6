import { type DEFAULT_POLICY, INTERRUPTION_MARK, samplesOfMs, type SessionInput, type WordTiming } from '@parley/model';
import { heardText } from '@parley/speech-text';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

const asking = (policy: Partial<typeof DEFAULT_POLICY> = {}): EngineDriver =>
  EngineDriver.attached(policy).says('How is the weather?').binds();

const created = (itemId: string, text: string, more: Partial<Extract<SessionInput, { kind: 'item-created' }>> = {}) =>
  ({ kind: 'item-created', itemId, item: { role: 'user', text }, ...more }) as const satisfies SessionInput;

const word = (text: string, charStart: number, startMs: number, endMs: number): WordTiming => ({
  word: text,
  charStart,
  charEnd: charStart + text.length,
  startMs,
  endMs,
});

describe('the history of an interrupted answer', () => {
  it('[HE1][SP10][CX4] keeps what was heard, with the mark, and the model sees it', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 2000 }).interrupts();
    const heard = `${FIRST}Tomorrow`;
    expect(talk.output('interrupted')).toMatchObject([{ heardMs: 2000, heardText: heard }]);
    expect(talk.context()).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'How is the weather?' },
      { role: 'assistant', content: heard + INTERRUPTION_MARK },
    ]);
  });

  it('[HE1] follows the rule of PROTOCOL.md at every position', () => {
    for (let playedMs = 0; playedMs <= 3200; playedMs += 160) {
      const talk = asking().writes(FIRST).writes(SECOND);
      const { segments } = talk.delivery(1, { segmentsMs: [900, 1500] });
      talk.hears({ segmentsMs: [900, 1500], playedMs });
      const rate = { samples: samplesOfMs(900), characters: FIRST.trimEnd().length };
      const spoken = [FIRST, SECOND].map((text, n) => ({ text, words: [], samples: 0, last: false, ...segments[n] }));
      const played = samplesOfMs(Math.min(playedMs, 2400));
      expect(talk.interrupts().output('interrupted')).toMatchObject([
        { heardMs: Math.min(playedMs, 2400), heardText: heardText(spoken, played, rate) },
      ]);
    }
  });

  it('[HE1] has no mark when the whole answer was heard', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900 }).interrupts();
    expect(talk.answersInContext()).toEqual([FIRST.trim()]);
  });

  it('[HE10] has the mark when the model still wrote, though all that was sent was heard', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true, playedMs: 900 })
      .interrupts();
    expect(talk.answersInContext()).toEqual([FIRST.trim() + INTERRUPTION_MARK]);
  });

  it('[HE2] shows the model nothing with too little heard, and keeps the item known', () => {
    const talk = asking({ minPartialChars: 6 }).writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 500 }).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardText: 'It is' }]);
    expect(talk.answersInContext()).toEqual([]);
    expect(talk.truncates('answer_1', 100).errors).toEqual([]);
    expect(talk.client(created('mine', 'x', { previousItemId: 'answer_1' })).errors).toEqual([]);
    expect(talk.says('Go on').events('conversation.item.added')).toMatchObject([{ previous_item_id: 'mine' }]);
    const enough = asking({ minPartialChars: 5 }).writes(FIRST).finishes();
    enough.hears({ segmentsMs: [900], complete: true, playedMs: 500 }).interrupts();
    expect(enough.answersInContext()).toEqual([`It is${INTERRUPTION_MARK}`]);
  });

  it('[HE3] has no item of an answer that never had any text', () => {
    for (const talk of [asking().interrupts(), asking().modelFails(), asking().writes('It i').interrupts()]) {
      expect(talk.state.history.map(({ id }) => id)).toEqual(['user_1']);
      expect(talk.says('Again').events('conversation.item.added')).toMatchObject([{ previous_item_id: 'user_1' }]);
    }
  });

  it('[HE4] is cut at the position that came with the interruption, below or above the last report', () => {
    for (const playedMs of [900, 3000]) {
      const talk = asking().writes(FIRST).writes(SECOND).finishes();
      talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 1500 });
      talk.interrupts({ delivery: [talk.delivery(1, { segmentsMs: [900, 2300], complete: true, playedMs })] });
      expect(talk.output('interrupted')).toMatchObject([{ heardMs: playedMs }]);
    }
  });

  it('[HE4] never claims more than was delivered', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [300], playedMs: 5_000 })
      .interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardMs: 300 }]);
  });

  it('[HE7] by word timings is the same whatever the order and repetition they come in', () => {
    const early = [word('It', 0, 0, 100), word('is', 3, 100, 700)];
    const late = [word('sunny', 6, 700, 850)];
    const heard = [
      [early, late],
      [late, early],
      [early, late, early],
      [late, late, early, early],
    ].map((stretches) => {
      const talk = asking()
        .writes(FIRST)
        .hears({ segmentsMs: [900], complete: true, playedMs: 720 });
      for (const words of stretches) talk.times(0, words);
      const timed = talk.state.phase.name === 'speaking' ? talk.state.phase.response.segments[0]?.words.length : 0;
      expect(timed).toBe(3);
      return talk.interrupts().output('interrupted')[0]?.heardText;
    });
    expect(heard).toEqual(['It is', 'It is', 'It is', 'It is']);
  });

  it('[HE7] by word timings that come during the tail', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 100, closed: true });
    talk.times(0, [word('It', 0, 0, 90), word('is', 3, 700, 800), word('sunny', 6, 800, 850)]).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardText: 'It' }]);
  });

  it('[HE8] is in proportion to how fast this voice has spoken, each segment counted once', () => {
    const talk = asking().writes(FIRST).writes(SECOND);
    const report = { segmentsMs: [1200, 100] };
    talk
      .hears(report)
      .hears(report)
      .hears({ segmentsMs: [1200, 200] });
    // 12 characters in 1200 ms: 100 ms each, so that "Tomorrow" ends at 800 ms.
    expect(talk.state.voiceRate).toEqual({ samples: samplesOfMs(1200), characters: 12 });
    talk.hears({ segmentsMs: [1200, 1000], playedMs: 1999 });
    const early = new EngineDriver();
    early.state = talk.state;
    expect(early.interrupts().output('interrupted')).toMatchObject([{ heardText: FIRST.trim() }]);
    talk.hears({ segmentsMs: [1200, 1000], playedMs: 2000 }).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardText: `${FIRST}Tomorrow` }]);
  });

  it('[HE8] is not measured by segments without a sample', () => {
    const talk = asking()
      .writes('🎉! ')
      .hears({ segmentsMs: [0], complete: true });
    expect(talk.state.voiceRate).toEqual({ samples: 0, characters: 0 });
  });

  it('[HE9] counts what was delivered, though an older report comes later', () => {
    const talk = asking().writes(FIRST).writes(SECOND);
    talk.hears({ segmentsMs: [900, 600], playedMs: 1200 }).hears({ segmentsMs: [400] });
    talk.interrupts({ delivery: [talk.delivery(1, { segmentsMs: [900, 300], playedMs: 1400 })] });
    expect(talk.output('interrupted')).toMatchObject([{ heardMs: 1400 }]);
  });
});

describe('the history of an answer that was not interrupted', () => {
  it('[HE5] is the whole text, from its closing on', () => {
    const talk = asking().writes(FIRST).writes(SECOND).finishes();
    talk.hears({ segmentsMs: [900, 2300], complete: true, playedMs: 100, closed: true });
    expect(talk.state.tails).toHaveLength(1);
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[HE5] is the whole text after a tail that timed out', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 100, closed: true }).pass(10_000);
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[HE6][CX4] is the delivered text of one that failed, and follows later reports', () => {
    const talk = asking()
      .writes(FIRST)
      .writes(SECOND)
      .hears({ segmentsMs: [450] })
      .modelFails();
    // Half of it, so whole words of 6 characters.
    expect(talk.answersInContext()).toEqual([`It is${INTERRUPTION_MARK}`]);
    const tail = (complete: boolean, playedMs: number) => ({ segmentsMs: [900], complete, playedMs, closed: true });
    talk.hears(tail(true, 200));
    expect(talk.answersInContext()).toEqual([FIRST.trim() + INTERRUPTION_MARK]);
    talk.hears(tail(true, 900));
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual([FIRST.trim() + INTERRUPTION_MARK]);
  });

  it('[HE6] is nothing of one that failed before it was heard', () => {
    const talk = asking().writes(FIRST).voiceFails().hears({ closed: true });
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual([]);
  });

  it('[HE11] the last four answers can be cut later, older ones stay as they are', () => {
    const talk = EngineDriver.attached();
    for (let n = 1; n <= 5; n++) {
      talk.says('Go on').binds().writes(FIRST).finishes();
      talk.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    }
    talk.asks();
    talk.truncates('answer_1', 0);
    expect(talk.order).toEqual(['conversation.item.truncated']);
    talk.truncates('answer_2', 0).interrupts();
    expect(talk.answersInContext()).toEqual([FIRST, FIRST, FIRST, FIRST]);
  });
});

describe('items', () => {
  it('[IT1] go to the end, to the front or behind another, and say so', () => {
    const talk = EngineDriver.attached().client(created('a', 'A'));
    expect(talk.order).toEqual(['conversation.item.added', 'conversation.item.done']);
    const item = {
      id: 'a',
      type: 'message',
      status: 'completed',
      role: 'user',
      content: [{ type: 'input_text', text: 'A' }],
    };
    expect(talk.events('conversation.item.added')).toEqual([
      { type: 'conversation.item.added', previous_item_id: null, item },
    ]);
    talk.client(created('b', 'B'));
    expect(talk.events('conversation.item.done')).toMatchObject([{ previous_item_id: 'a' }]);
    talk.client(created('front', 'C', { previousItemId: null }));
    expect(talk.events('conversation.item.added')).toMatchObject([{ previous_item_id: null }]);
    const answer = { role: 'assistant', text: 'D' } as const;
    talk.client(created('mid', '', { previousItemId: 'a', item: answer }));
    expect(talk.events('conversation.item.added')).toMatchObject([
      { previous_item_id: 'a', item: { content: [{ type: 'output_text', text: 'D' }] } },
    ]);
    expect(talk.state.history.map(({ id }) => id)).toEqual(['front', 'a', 'mid', 'b']);
    expect(talk.state.history[2]).toEqual({
      id: 'mid',
      role: 'assistant',
      text: 'D',
      interrupted: false,
      modality: 'text',
      spoken: null,
    });
  });

  it('[IT2] with an id in use, or behind an unknown one, are refused', () => {
    const talk = asking();
    const before = talk.state;
    talk.client(created('user_1', 'A'), 'event_1');
    expect(talk.output('error')).toMatchObject([
      { error: { code: 'item_id_in_use', param: 'item.id' }, clientEventId: 'event_1' },
    ]);
    talk.client(created('answer_1', 'A'));
    expect(talk.errors.map(({ code }) => code)).toEqual(['item_id_in_use']);
    for (const previousItemId of ['nobody', '']) {
      talk.client(created('new', 'A', { previousItemId }));
      expect(talk.errors).toMatchObject([{ code: 'item_not_found', param: 'previous_item_id' }]);
      expect(talk.effects).toHaveLength(1);
    }
    expect(talk.state).toEqual(before);
  });

  it('[IT3][RT2] start nothing, and are taken while an answer is spoken', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [500] })
      .client(created('typed', 'By the way'));
    expect(talk.order).toEqual(['conversation.item.added', 'conversation.item.done']);
    expect(talk.phase).toBe('speaking');
    talk.finishes().hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    expect(talk.context().map(({ content }) => content)).toEqual([
      'Be brief.',
      'How is the weather?',
      FIRST,
      'By the way',
    ]);
  });

  it('[IT4] beyond what any context will reach leave the stored state, the newest never', () => {
    const talk = EngineDriver.attached({ maxContextChars: 25 });
    const text = 'x'.repeat(24);
    for (let n = 0; n < 5; n++) talk.client(created(`i${n}`, text));
    // 24 characters and 16 for the item each.
    expect(talk.state.history.map(({ id }) => id)).toEqual(['i3', 'i4']);
    talk.client(created('huge', 'x'.repeat(500)));
    expect(talk.state.history.map(({ id }) => id)).toEqual(['huge']);
    for (let n = 0; n < 50; n++) talk.asks().interrupts();
    expect(talk.state.history.length).toBeLessThanOrEqual(7);
  });
});

describe('the context of a response', () => {
  it('[CX1] is the instructions and the items in order', () => {
    const talk = EngineDriver.attached({}, { instructions: 'Be kind.' });
    talk.client(created('a', 'Note', { item: { role: 'system', text: 'Note' } })).says('Hello');
    expect(talk.effect('start-generation')).toEqual([
      {
        kind: 'start-generation',
        lane: 0,
        ordinal: 1,
        model: 'model-1',
        tools: [],
        toolChoice: 'auto',
        maxOutputTokens: 'inf',
        continues: null,
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'system', content: 'Note' },
          { role: 'user', content: 'Hello' },
        ],
      },
    ]);
  });

  it("[CX1] has a response's own instructions instead, for that response only", () => {
    const talk = EngineDriver.attached().asks({ instructions: 'Sing.' });
    expect(talk.effect('start-generation')[0]?.messages).toEqual([{ role: 'system', content: 'Sing.' }]);
    talk.interrupts().asks({ instructions: '' });
    expect(talk.effect('start-generation')[0]?.messages).toEqual([]);
    expect(talk.interrupts().context()).toEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  it('[CX2] is the newest that fits, without a gap, and the newest always', () => {
    const talk = EngineDriver.attached({ maxContextChars: 200 });
    talk
      .client(created('a', 'tiny'))
      .client(created('b', 'b'.repeat(80)))
      .client(created('c', 'c'.repeat(50)));
    const fitting = talk.context().map(({ content }) => content.length);
    expect(fitting).toEqual([9, 4, 80, 50]);
    talk.client(created('d', 'd'.repeat(61)));
    expect(talk.context().map(({ content }) => content.length)).toEqual([9, 50, 61]);
    talk.client(created('e', 'e'.repeat(500)));
    expect(talk.context().map(({ content }) => content.length)).toEqual([9, 500]);
  });

  it('[CX3] has no message without text', () => {
    const talk = EngineDriver.attached().client(created('a', '')).client(created('b', 'B'));
    expect(talk.context()).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'B' },
    ]);
  });
});
