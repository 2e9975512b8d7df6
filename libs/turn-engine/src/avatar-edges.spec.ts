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
