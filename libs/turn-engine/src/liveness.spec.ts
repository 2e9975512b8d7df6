import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny. ';
const all = { segmentsMs: [2000], complete: true, playedMs: 100 };

type Lead = (talk: EngineDriver) => EngineDriver;

/** Every phase and region that waits, with the most it may wait for until the floor is free (default policy). */
const WAITS: [string, Lead, number][] = [
  ['listening', (talk) => talk, 0],
  ['for a first token', (talk) => talk.says('Hi').binds(), 20_000],
  ['for the next token', (talk) => talk.says('Hi').binds().writes('It'), 5_000],
  ['for a voice while the model writes', (talk) => talk.says('Hi').writes(FIRST), 5_500],
  ['for a voice, then for the closing', (talk) => talk.says('Hi').writes(FIRST).finishes(), 10_000],
  ['for the closing without a voice', (talk) => talk.says('Hi').refusesVoice().writes(FIRST).finishes(), 5_000],
  ['for audio', (talk) => talk.answers(FIRST), 5_500],
  ['for the rest of the audio', (talk) => talk.answers(FIRST).hears({ segmentsMs: [800] }), 15_000],
  ['for the closing', (talk) => talk.answers(FIRST).hears(all), 5_000 + 1_900 + 500],
  ['for the end of a tail', (talk) => talk.answers(FIRST).hears({ ...all, closed: true }), 2_400],
  [
    'with a tail beside a turn',
    (talk) =>
      talk
        .answers(FIRST)
        .hears({ ...all, closed: true })
        .says('Hi'),
    25_000,
  ],
  ['after a failure', (talk) => talk.answers(FIRST).hears(all).voiceFails(), 5_000 + 1_900 + 500],
];

describe('deadlines', () => {
  it.each(WAITS)('[LI1][LI3][G2] waiting %s ends in time, and the next turn is taken', (_what, lead, boundMs) => {
    const talk = lead(EngineDriver.attached());
    expect(talk.deadlineMs).toBeDefined();
    talk.pass(boundMs);
    expect(talk.floor).toEqual({ state: 'listening', responseId: undefined });
    expect(talk.says('Next', 'next').errors).toEqual([]);
    expect(talk.phase).toBe('thinking');
  });

  it('[LI1] there is none before the client is attached and none after closing', () => {
    const talk = new EngineDriver();
    expect(talk.deadlineMs).toBeUndefined();
    talk.step({ kind: 'attached' }).answers(FIRST).step({ kind: 'gateway-lost' });
    expect(talk.deadlineMs).toBeUndefined();
  });

  it('[LI2] looking too early changes nothing', () => {
    for (const [, lead] of WAITS) {
      const talk = lead(EngineDriver.attached());
      const before = talk.state;
      talk.nowMs = (talk.deadlineMs ?? 0) - 1;
      talk.looks();
      expect(talk.effects).toEqual([]);
      expect(talk.state).toEqual(before);
    }
  });

  it('[LI2] looking late, when several have passed, leaves none in the past', () => {
    for (const [, lead] of WAITS) {
      const talk = lead(EngineDriver.attached());
      talk.nowMs += 300_000;
      talk.looks();
      expect(talk.deadlineMs).toBeGreaterThan(talk.nowMs);
    }
  });
});

describe('a takeover', () => {
  it('[LI5] starts every deadline again, by the clock of the new owner', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ ...all, closed: true });
    talk.nowMs = 5;
    talk.changesOwner();
    expect(talk.deadlineMs).toBe(5 + 1_900 + 500);
    talk.pass(2_399);
    expect(talk.floor.state).toBe('speaking');
    talk.pass(1);
    expect(talk.effect('observe')[0]?.observation).toMatchObject({ name: 'drain-timeout', elapsedMs: 2_400 });
    const idle = EngineDriver.attached({}, { resumable: true });
    idle.nowMs = 5;
    expect(idle.changesOwner().deadlineMs).toBe(600_005);
  });
});
