import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';
const tail = { segmentsMs: [9_000], complete: true, playedMs: 1_000, closed: true };

const avatars = (): EngineDriver => EngineDriver.attached({}, { avatar: 'stream' });
/** The avatar speaks response 1. */
const streaming = (): EngineDriver => avatars().says('A question?').binds().writes(FIRST).avatarStarts();
const draining = (): EngineDriver => streaming().finishes().hears(tail);
/** Response 1 was played to its end; the avatar has not said so. */
const played = (): EngineDriver =>
  streaming()
    .finishes()
    .hears({ ...tail, playedMs: 9_000 });

describe('an avatar at the edges of its stream', () => {
  it('[AV1] says nothing to the client with its done', () => {
    expect(streaming().avatarEnds().effects).toEqual([]);
  });

  it('[AV1] takes no word of another lane for one on its response', () => {
    const talk = streaming();
    const before = talk.state;
    talk.step({ kind: 'avatar-done', lane: 1, ordinal: 1 });
    talk.step({ kind: 'avatar-failed', lane: 1, ordinal: 1, message: '' });
    expect(talk.state).toEqual(before);
    const starting = avatars().says('A question?');
    starting.step({ kind: 'avatar-started', lane: 1, ordinal: 1 });
    expect(starting.state.avatar.stage).toBe('starting');
  });

  it('[AV3] speaks on when a response that only waits for it is interrupted', () => {
    const talk = draining().says('And tomorrow?').interrupts({ responseId: 'resp_2' });
    expect(talk.effect('cancel-avatar')).toEqual([]);
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', turn: { ordinal: 1 }, next: null });
  });

  it('[AV5] speaks a tail to its end while the next response waits', () => {
    const talk = draining().says('And tomorrow?');
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', deadlineMs: null, next: { ordinal: 2 } });
  });

  /** An answer, what goes wrong with the avatar after its first segment was heard for a second, and the turn after it. */
  const story = (talk: EngineDriver, goesWrong: (talk: EngineDriver) => unknown): EngineDriver => {
    talk.says('A question?').binds().writes(FIRST);
    goesWrong(talk);
    talk.hears({ segmentsMs: [1_200], complete: true, playedMs: 1_000, closed: false });
    goesWrong(talk);
    talk
      .writes('Tomorrow it will rain. ')
      .finishes()
      .hears({ ...tail, segmentsMs: [1_200, 1_500] })
      .pass(6_000);
    return talk.says('And then?').binds().writes(FIRST);
  };
  const ofAvatar = (kind: string): boolean => kind === 'start-avatar' || kind === 'cancel-avatar';

  it.each<[string, (talk: EngineDriver) => unknown, string[]]>([
    ['breaks in mid-answer', (talk) => talk.avatarStarts(1).avatarFails(1), ['1', 'error', '2']],
    ['never begins', () => {}, ['1', '2']],
    ['stalls, and never says done', (talk) => talk.avatarStarts(1), ['1', '2']],
  ])('[AV6][AV8] that %s: the answer goes on as it does without one, and the next is given to it', (_, bad, of) => {
    const { history } = story(avatars(), bad);
    const withoutAvatar = story(EngineDriver.attached(), () => {}).history;
    const rest = history.filter(({ kind }) => !ofAvatar(kind) && kind !== 'observe');
    const isTrouble = (effect: (typeof rest)[number]): boolean =>
      effect.kind === 'emit' && effect.output.kind === 'error' && effect.output.error.code === 'avatar_unavailable';
    expect(rest.filter((effect) => !isTrouble(effect))).toEqual(withoutAvatar.filter(({ kind }) => kind !== 'observe'));
    const told = history.flatMap((effect) => {
      if (effect.kind === 'start-avatar') return [String(effect.ordinal)];
      return isTrouble(effect) ? ['error'] : [];
    });
    expect(told).toEqual(of);
  });

  it('[AV8] has 2 s for its done from the end of its response on, whatever comes meanwhile', () => {
    const talk = played().pass(1_500);
    talk.mutes().says('And tomorrow?');
    expect(talk.pass(499).state.avatar.stage).toBe('streaming');
    expect(talk.pass(1).state.avatar).toMatchObject({ stage: 'starting', turn: { ordinal: 2 } });
  });

  it('[AV8][LI2] loses nothing to a look that comes too early, or that another deadline asked for', () => {
    for (const talk of [avatars().says('A question?'), streaming(), draining(), played()]) {
      const { avatar } = talk.state;
      talk.nowMs += 100;
      talk.looks();
      expect(talk.state.avatar).toEqual(avatar);
    }
  });

  it('[AV8] that did not begin is told in words', () => {
    const talk = avatars().says('A question?').binds().pass(5_000);
    expect(talk.errors.map(({ message }) => message)).toEqual(['The avatar did not begin to speak in time.']);
    expect(avatars().says('A question?').interrupts().pass(5_000).errors).toEqual([]);
  });

  it('[LI5] is given no deadline by a takeover where it had none', () => {
    expect(avatars().changesOwner().state.avatar).toEqual({ stage: 'empty' });
    expect(draining().changesOwner().state.avatar).toMatchObject({
      stage: 'streaming',
      deadlineMs: null,
    });
  });
});
