import type { Effect } from './effects';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds();
const completed: Effect = {
  kind: 'observe',
  observation: { name: 'response-ended', status: 'completed', responseId: 'resp_1' },
};

describe('the end of a response', () => {
  it('[EN1] nothing of a response precedes its announcement', () => {
    const talk = asking().writes(FIRST).finishes();
    const own = talk.history.filter(
      (effect) => 'ordinal' in effect || (effect.kind === 'emit' && 'ordinal' in effect.output),
    );
    expect(own[0]).toMatchObject({ kind: 'emit', output: { kind: 'announce' } });
    expect(own.length).toBeGreaterThan(5);
  });

  it('[EN2] is announced with its numbers, and no text follows', () => {
    const talk = asking().writes(`${FIRST}And warm`).finishes();
    expect(talk.output('end')).toMatchObject([{ segments: 2, spokenSegments: 2, error: null }]);
    expect(talk.effect('end-voice')).toEqual([{ kind: 'end-voice', lane: 0, ordinal: 1, segments: 2 }]);
    talk.writes('More. ').finishes();
    expect(talk.effects).toEqual([]);
  });

  it('[EN3] is the report that says closed', () => {
    const talk = asking()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [900], complete: true, playedMs: 100 });
    expect(talk.phase).toBe('speaking');
    talk.hears({ segmentsMs: [900], complete: true, playedMs: 200, closed: true });
    expect(talk.phase).toBe('listening');
    expect(talk.effects).toContainEqual(completed);
  });

  it('[EN3] is the report that no longer lists it, when the one that said closed was lost', () => {
    const talk = asking()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [400], playedMs: 100 })
      .reports([], 1);
    expect(talk.phase).toBe('listening');
    expect(talk.state.tails).toEqual([]);
    expect(talk.floor.state).toBe('listening');
    expect(talk.effects).toContainEqual(completed);
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[EN3] is not a report from before its announcement', () => {
    const talk = asking().writes(FIRST).finishes().reports([], 0);
    expect(talk.phase).toBe('thinking');
    expect(talk.effects).toEqual([]);
  });

  it('[EN4] is applied before the input that follows it', () => {
    const talk = asking().writes(FIRST).finishes();
    talk.closedOrdinal = 1;
    talk.says('And tomorrow?');
    expect(talk.errors).toEqual([]);
    expect(talk.effects[0]).toMatchObject({
      output: { event: { type: 'parley.turn.metrics', response_id: 'resp_1' } },
    });
    expect(talk.effects).toContainEqual(completed);
    expect(talk.effect('start-generation')).toMatchObject([{ ordinal: 2 }]);
    expect(talk.effect('start-generation')[0]?.messages.map(({ content }) => content)).toContain(FIRST);
    talk.finishes('stop', 1).interrupts({ responseId: 'resp_1', delivery: [talk.delivery(1, { closed: true })] });
    expect(talk.phase).toBe('thinking');
  });

  it('[EN5] cannot be before the end of generation', () => {
    const talk = asking()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    talk.reports([], 1);
    talk.closedOrdinal = 1;
    talk.says('And tomorrow?');
    expect(talk.errors.map(({ code }) => code)).toEqual(['turn_in_progress']);
    expect(talk.phase).toBe('speaking');
    talk.finishes().hears({ segmentsMs: [900], complete: true, playedMs: 900, closed: true });
    expect(talk.phase).toBe('listening');
  });

  it('[EN6] by a failure comes in that step and stops whatever runs', () => {
    const talk = asking().writes(FIRST).modelFails();
    expect(talk.order).toEqual([
      'abort-generation',
      'cancel-voice',
      'end',
      'observe provider-failed',
      'parley.turn.metrics',
      'observe response-ended',
      'parley.state',
    ]);
    expect(talk.effect('observe').map(({ observation }) => observation)).toEqual([
      { name: 'provider-failed', provider: 'llm', failure: 'cut', responseId: 'resp_1' },
      { name: 'response-ended', status: 'failed', responseId: 'resp_1' },
    ]);
  });

  it('[EN7] is ordered when everything is delivered and no word on the closing comes', () => {
    const talk = asking()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [900], complete: true, playedMs: 900 });
    talk.pass(4_999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.output('close')).toEqual([{ kind: 'close', lane: 0, ordinal: 1 }]);
    expect(talk.effects).toContainEqual(completed);
    expect(talk.says('And tomorrow?').errors).toEqual([]);
  });

  it('[EN7] is ordered for an answer without a voice too', () => {
    const talk = EngineDriver.attached().says('Hello').refusesVoice().writes(FIRST).finishes().pass(5_000);
    expect(talk.output('close')).toHaveLength(1);
    expect(talk.state.tails).toEqual([]);
    expect(talk.floor.state).toBe('listening');
  });

  it('[EN8] is one: after each kind of end no other comes', () => {
    const all = { segmentsMs: [900], complete: true, playedMs: 900 };
    const ends: ((talk: EngineDriver) => EngineDriver)[] = [
      (talk) => talk.finishes().hears({ ...all, closed: true }),
      (talk) => talk.finishes().hears(all).pass(5_000),
      (talk) => talk.interrupts(),
      (talk) => talk.cancels(),
      (talk) => talk.truncates('answer_1', 0),
      (talk) => talk.modelFails(),
      (talk) => talk.voiceFails(),
      (talk) => talk.finishes().hears(all).changesOwner(),
    ];
    for (const end of ends) {
      const talk = end(asking().writes(FIRST));
      const count = talk.history.length;
      talk.finishes().modelFails().voiceFails().cancels().changesOwner();
      talk
        .hears({ ...all, closed: true })
        .reports([], 1)
        .pass(30_000);
      const later = talk.history.slice(count);
      const ended = talk.history.filter(
        (effect) => effect.kind === 'observe' && effect.observation.name === 'response-ended',
      );
      expect(ended).toHaveLength(1);
      expect(later.flatMap((effect) => (effect.kind === 'emit' ? [effect.output.kind] : []))).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(end|close|interrupted)$/)]),
      );
    }
  });
});
