import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const closed = { segmentsMs: [2000], complete: true, closed: true };

const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?').binds().writes(FIRST);
const draining = (): EngineDriver => EngineDriver.attached().answers(FIRST).hears(closed);
const seen = (talk: EngineDriver, name: string): unknown[] =>
  talk.effect('observe').flatMap(({ observation }) => (observation.name === name ? [observation] : []));

describe('what operators see', () => {
  it('[IN1][IN2] of an explicit interruption', () => {
    const observed = [{ name: 'interrupted', cause: 'explicit', responseId: 'resp_1' }];
    expect(seen(asking().interrupts(), 'interrupted')).toEqual(observed);
    expect(seen(draining().interrupts(), 'interrupted')).toEqual(observed);
  });

  it('[IN6] of a cancel', () => {
    expect(seen(asking().cancels(), 'interrupted')).toEqual([
      { name: 'interrupted', cause: 'cancel', responseId: 'resp_1' },
    ]);
  });

  it('[IN8] of a truncation', () => {
    const observed = [{ name: 'interrupted', cause: 'truncate', responseId: 'resp_1' }];
    expect(seen(asking().truncates('answer_1', 0), 'interrupted')).toEqual(observed);
    expect(seen(draining().truncates('answer_1', 0), 'interrupted')).toEqual(observed);
  });

  it('[TU10] of a turn that takes the floor', () => {
    const talk = draining().chooses({ busy: 'interrupt' }).says('No').says('Or rather');
    expect(talk.history.filter((effect) => effect.kind === 'observe').map(({ observation }) => observation)).toEqual(
      expect.arrayContaining([
        { name: 'interrupted', cause: 'turn', responseId: 'resp_1' },
        { name: 'interrupted', cause: 'turn', responseId: 'resp_2' },
      ]),
    );
  });

  it('[EN8] of the end of an interrupted answer', () => {
    expect(seen(asking().interrupts(), 'response-ended')).toEqual([
      { name: 'response-ended', status: 'cancelled', responseId: 'resp_1' },
    ]);
  });

  it('[EN6][VO4] of a voice that failed', () => {
    expect(seen(asking().voiceFails(), 'provider-failed')).toEqual([
      { name: 'provider-failed', provider: 'tts', failure: 'unavailable', responseId: 'resp_1' },
    ]);
  });

  it('[VO9] of a voice that was bound anew', () => {
    expect(seen(asking().losesVoice(), 'voice-rebound')).toEqual([{ name: 'voice-rebound', responseId: 'resp_1' }]);
  });
});

describe('what the client is told', () => {
  const errorOf = (talk: EngineDriver): string | undefined =>
    talk.output('end').flatMap(({ error }) => (error ? [error.message] : []))[0];

  it('[GE4] of an empty answer', () => {
    expect(errorOf(EngineDriver.attached().says('Hi').binds().finishes())).toBe(
      'The language model gave an empty answer.',
    );
  });

  it('[VO2] of a voice that nobody gave', () => {
    const talk = EngineDriver.attached().says('Hi').pass(3_000).writes(FIRST).pass(2_000);
    expect(talk.errors.map(({ message }) => message)).toEqual(['No voice worker answered in time.']);
  });

  it('[VO5] of a voice that stopped', () => {
    expect(errorOf(EngineDriver.attached().answers(FIRST).pass(5_000))).toBe(
      'The voice stopped in the middle of the answer.',
    );
  });

  it('[CL2] nothing, when its gateway is gone or it left; the log is', () => {
    expect(EngineDriver.attached().step({ kind: 'gateway-lost' }).effects).toEqual([
      { kind: 'close-session', reason: 'the gateway of its connection was lost' },
    ]);
    expect(EngineDriver.attached().client({ kind: 'disconnected', reason: 'client' }).effects).toEqual([
      { kind: 'close-session', reason: 'client' },
    ]);
  });
});
