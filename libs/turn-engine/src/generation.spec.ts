import { SEGMENT_START } from '@parley/model';
import { EngineDriver, outputsOf } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const SECOND = 'Tomorrow it will rain. ';

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds();

describe('the text of an answer', () => {
  it('[GE1] leaves segment by segment, to the client and then to the voice', () => {
    const talk = asking().writes('It is su');
    expect(talk.order).toEqual(['observe first-token']);
    talk.writes('nny. Tomorrow it w');
    expect(talk.effects).toEqual([
      { kind: 'emit', output: { kind: 'text', lane: 0, ordinal: 1, segment: 0, text: FIRST } },
      { kind: 'speak-segment', lane: 0, ordinal: 1, segment: 0, text: FIRST, from: SEGMENT_START },
    ]);
    talk.writes('ill rain. And then a storm will come. Per');
    expect(talk.order).toEqual(['text', 'speak-segment', 'text', 'speak-segment']);
    expect(talk.effect('speak-segment').map(({ segment, text }) => [segment, text])).toEqual([
      [1, SECOND],
      [2, 'And then a storm will come. '],
    ]);
  });

  it('[GE2] is whole in its segments, but for white space at its end', () => {
    const talk = asking();
    for (const token of ['It is', ' sunny', '. Tom', 'orrow it will', ' rain. \n', '\n', ' ']) talk.writes(token);
    talk.finishes();
    const texts = outputsOf(talk.history).flatMap((output) => (output.kind === 'text' ? [output.text] : []));
    expect(texts.join('')).toBe(`${FIRST}${SECOND}\n`);
    expect(talk.order).toEqual(['end', 'end-voice']);
  });

  it('[GE3][EN2] ends with what remains, then the announced end', () => {
    const talk = asking().writes(`${FIRST}Tomorrow`).finishes();
    expect(talk.effects).toEqual([
      { kind: 'emit', output: { kind: 'text', lane: 0, ordinal: 1, segment: 1, text: 'Tomorrow' } },
      { kind: 'speak-segment', lane: 0, ordinal: 1, segment: 1, text: 'Tomorrow', from: SEGMENT_START },
      {
        kind: 'emit',
        output: {
          kind: 'end',
          lane: 0,
          ordinal: 1,
          segments: 2,
          spokenSegments: 2,
          status: 'completed',
          cutBy: null,
          error: null,
          usage: { inputTokens: 7, outputTokens: 3 },
        },
      },
      { kind: 'end-voice', lane: 0, ordinal: 1, segments: 2 },
    ]);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ] as const)('[GE3] is incomplete when the model stops for %s, and says so', (reason, cutBy) => {
    const talk = asking().writes(FIRST).finishes(reason);
    expect(talk.output('end')).toMatchObject([{ status: 'incomplete', cutBy }]);
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'response-ended', status: 'incomplete', responseId: 'resp_1' },
    });
  });

  it('[GE8] the first text is observed once, with the time since the turn began', () => {
    const talk = asking();
    talk.nowMs += 250;
    talk.writes('It');
    expect(talk.effects).toEqual([{ kind: 'observe', observation: { name: 'first-token', ms: 250 } }]);
    talk.writes(' is');
    expect(talk.effects).toEqual([]);
  });
});

describe('an answer that fails', () => {
  it.each([
    ['nothing', []],
    ['white space', [' \n', '  ']],
  ])('[GE4][EN6] when the model says %s', (_what, tokens) => {
    const talk = asking();
    for (const token of tokens) talk.writes(token);
    talk.finishes();
    expect(talk.output('end')).toMatchObject([
      { status: 'failed', segments: 0, spokenSegments: 0, error: { type: 'server_error', code: 'llm_unavailable' } },
    ]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'provider-failed', provider: 'llm', failure: 'empty_answer', responseId: 'resp_1' },
    });
    expect(talk.phase).toBe('listening');
  });

  it('[GE5][EN6] when the model fails, whether it had begun or not', () => {
    for (const talk of [asking(), asking().writes(`${FIRST}Tomo`)]) {
      const segments = talk.effect('speak-segment').length;
      talk.modelFails();
      expect(talk.output('end')).toEqual([
        {
          kind: 'end',
          lane: 0,
          ordinal: 1,
          segments,
          spokenSegments: 0,
          status: 'failed',
          cutBy: null,
          error: { type: 'server_error', code: 'llm_unavailable', message: 'The stream broke.', param: null },
          usage: { inputTokens: 0, outputTokens: 0 },
        },
      ]);
      expect(talk.effect('cancel-voice')).toHaveLength(1);
      expect(talk.phase).toBe('listening');
      expect(talk.says('Again').errors).toEqual([]);
    }
  });

  it('[GE6] when no first token comes in time, and not 1 ms earlier', () => {
    const talk = asking().pass(19_999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.order.slice(0, 3)).toEqual(['abort-generation', 'cancel-voice', 'end']);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'llm_unavailable' } }]);
    expect(talk.output('end')[0]?.error?.message).toContain('did not begin');
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'provider-failed', provider: 'llm', failure: 'timeout', responseId: 'resp_1' },
    });
  });

  it('[GE6] when the model stalls in the middle; each token gives it the whole time again', () => {
    const talk = asking().writes('It ');
    for (const token of ['is ', 'a ', 'long ']) {
      talk.pass(4_999).writes(token);
      expect(talk.phase).toBe('thinking');
    }
    talk.pass(4_999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.output('end')).toMatchObject([{ status: 'failed' }]);
    expect(talk.output('end')[0]?.error?.message).toContain('in the middle');
    expect(talk.effect('abort-generation')).toEqual([{ kind: 'abort-generation', lane: 0, ordinal: 1 }]);
  });
});

describe('late results', () => {
  it('[GE7] of another response, another lane or an ended generation change nothing', () => {
    const talk = asking().interrupts().says('Again').writes(FIRST, 2).finishes('stop', 2);
    const before = talk.state;
    const failure = { kind: 'cut', message: '' } as const;
    const usage = { inputTokens: 0, outputTokens: 0 };
    talk.writes('Stale. ', 1).writes('Too late. ', 2).finishes('length', 1).finishes('length', 2);
    talk.modelFails(1).modelFails(2).binds(1).refusesVoice(1).voiceFails(1);
    talk.step({ kind: 'text-generated', lane: 1, ordinal: 2, text: 'Other lane. ' });
    talk.step({ kind: 'generation-finished', lane: 1, ordinal: 2, reason: 'stop', usage });
    talk.step({ kind: 'generation-failed', lane: 1, ordinal: 2, failure });
    talk.step({ kind: 'voice-bound', lane: 1, ordinal: 2, attempt: 1 });
    talk.step({ kind: 'voice-refused', lane: 1, ordinal: 2, attempt: 1, failure });
    talk.step({ kind: 'voice-failed', lane: 1, ordinal: 2, attempt: 1, failure });
    expect(talk.state).toEqual(before);
    const afterFinish = talk.history.slice(talk.history.findIndex((effect) => effect.kind === 'end-voice') + 1);
    expect(afterFinish).toEqual([]);
  });
});

describe('the times of a turn', () => {
  it('[GE9] are told once, when the response stops being live', () => {
    const talk = EngineDriver.attached().says('How is the weather?');
    const at = (ms: number): EngineDriver => {
      talk.nowMs = 1_000 + ms;
      return talk;
    };
    at(100).binds();
    at(200.4).writes('It is');
    at(300).writes(' sunny. ');
    at(400).hears({ segmentsMs: [100] });
    at(500).finishes();
    expect(talk.events('parley.turn.metrics')).toEqual([]);
    at(600).hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.events('parley.turn.metrics')).toEqual([
      {
        type: 'parley.turn.metrics',
        turn_id: 'turn_1',
        response_id: 'resp_1',
        first_token_ms: 200,
        first_segment_ms: 300,
        first_audio_ms: 400,
        generated_ms: 500,
      },
    ]);
    at(700).interrupts();
    expect(talk.events('parley.turn.metrics')).toEqual([]);
  });

  it('[GE9] are null for what was not reached', () => {
    const none = { first_token_ms: null, first_segment_ms: null, first_audio_ms: null, generated_ms: null };
    expect(asking().interrupts().events('parley.turn.metrics')).toMatchObject([none]);
    expect(asking().modelFails().events('parley.turn.metrics')).toMatchObject([none]);
  });
});
