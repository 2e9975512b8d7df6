import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';

const avatars = (policy = {}): EngineDriver => EngineDriver.attached(policy, { avatar: 'stream' });
/** The avatar speaks response 1. */
const streaming = (policy = {}): EngineDriver =>
  avatars(policy).says('A question?').binds().writes(FIRST).avatarStarts();
/** Response 1 was played to its end; the avatar has not said so. */
const played = (): EngineDriver =>
  streaming()
    .finishes()
    .hears({ segmentsMs: [1_000], complete: true, playedMs: 1_000, closed: true });
const orders = (talk: EngineDriver): string[] =>
  talk.effects.flatMap((effect) =>
    effect.kind === 'start-avatar' || effect.kind === 'cancel-avatar' ? [`${effect.kind} ${effect.ordinal}`] : [],
  );

describe('the stream of an avatar', () => {
  it('[AV4] is given a response at once when nothing streams', () => {
    const talk = avatars().says('A question?');
    expect(talk.effect('start-avatar')).toEqual([{ kind: 'start-avatar', lane: 0, ordinal: 1, responseId: 'resp_1' }]);
    expect(talk.state.avatar.stage).toBe('starting');
    expect(talk.avatarStarts().state.avatar.stage).toBe('streaming');
  });

  it('[AV4] is none in a session without an avatar', () => {
    const talk = EngineDriver.attached().says('A question?');
    expect([orders(talk), talk.state.avatar]).toEqual([[], { stage: 'empty' }]);
    expect(talk.avatarStarts().avatarEnds().avatarFails().effects).toEqual([]);
  });

  it('[AV1] is empty with its done, and whoever waits has it in that step', () => {
    const talk = played().says('And tomorrow?');
    expect(orders(talk)).toEqual([]);
    expect(orders(talk.avatarEnds(1))).toEqual(['start-avatar 2']);
    expect(talk.state.avatar).toMatchObject({ stage: 'starting', turn: { ordinal: 2 }, next: null });
  });

  it('[AV1] is empty with a done that comes early, before it began or while the answer is still written', () => {
    expect(avatars().says('A question?').avatarEnds().state.avatar).toEqual({ stage: 'empty' });
    const talk = streaming().avatarEnds();
    expect(talk.state.avatar).toEqual({ stage: 'empty' });
    expect(talk.writes('And warm. ').effect('start-avatar')).toEqual([]);
    expect(talk.phase).toBe('thinking');
  });

  it('[AV1] takes no done of another response, or told again, for that of the one it speaks', () => {
    const talk = played().avatarEnds(1).says('And tomorrow?').avatarStarts(2);
    for (const ordinal of [1, 3, 7]) talk.avatarEnds(ordinal);
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', turn: { ordinal: 2 } });
    talk.interrupts().avatarEnds(2).says('Next').avatarEnds(2).avatarEnds(1);
    expect(talk.state.avatar).toMatchObject({ stage: 'starting', turn: { ordinal: 3 } });
  });

  it('[AV2] that is done is not cancelled by an interruption, and the next text goes to it at once', () => {
    const talk = streaming().avatarEnds().interrupts();
    expect(orders(talk)).toEqual([]);
    expect(orders(talk.says('And tomorrow?'))).toEqual(['start-avatar 2']);
  });

  it('[AV3] is cancelled by an interruption, and begins the next text only after its done', () => {
    const talk = streaming().interrupts();
    expect(talk.order.slice(0, 2)).toEqual(['abort-generation', 'cancel-voice']);
    expect(orders(talk)).toEqual(['cancel-avatar 1']);
    expect(talk.state.avatar.stage).toBe('cancelling');
    expect(orders(talk.says('And tomorrow?'))).toEqual([]);
    expect(orders(talk.avatarStarts(1))).toEqual([]);
    expect(orders(talk.avatarEnds(1))).toEqual(['start-avatar 2']);
  });

  it('[AV3] is cancelled in its tail too', () => {
    const talk = streaming()
      .finishes()
      .hears({ segmentsMs: [1_000], complete: true, playedMs: 300, closed: true });
    expect(orders(talk.interrupts())).toEqual(['cancel-avatar 1']);
  });

  it('[AV3] that has not begun is cancelled when it begins', () => {
    const talk = avatars().says('A question?').interrupts();
    expect(orders(talk)).toEqual([]);
    talk.says('And tomorrow?');
    expect(orders(talk.avatarStarts(1))).toEqual(['cancel-avatar 1']);
    expect(orders(talk.avatarEnds(1))).toEqual(['start-avatar 2']);
  });

  it('[AV5] is given nothing while it streams or falls silent', () => {
    const talk = played();
    expect(orders(talk.says('Second'))).toEqual([]);
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', turn: { ordinal: 1 }, next: { ordinal: 2 } });
    expect(orders(talk.interrupts().says('Third'))).toEqual([]);
    expect(talk.state.avatar).toMatchObject({ next: { ordinal: 3 } });
  });

  it('[AV5] is not given a response that was interrupted, or failed, while it waited', () => {
    const interrupted = played().says('Second').interrupts();
    expect(orders(interrupted.avatarEnds(1))).toEqual([]);
    const failed = played().says('Second').modelFails();
    expect(failed.state.avatar).toMatchObject({ next: null });
    expect(orders(failed.avatarEnds(1))).toEqual([]);
  });

  it('[AV6] is empty when it fails, the client is told, and whoever waits has it', () => {
    const talk = played().says('And tomorrow?').avatarFails(1);
    expect(talk.errors).toEqual([
      { type: 'server_error', code: 'avatar_unavailable', message: 'The stream broke.', param: null },
    ]);
    expect(orders(talk)).toEqual(['start-avatar 2']);
    expect(talk.avatarFails(1).effects).toEqual([]);
    expect(streaming().avatarFails().phase).toBe('thinking');
  });

  it('[AV7] is cancelled once by two interruptions, and not at all when nothing streams', () => {
    const talk = streaming().interrupts();
    expect(orders(talk)).toEqual(['cancel-avatar 1']);
    expect(orders(talk.says('Second').interrupts())).toEqual([]);
    expect(orders(avatars().interrupts())).toEqual([]);
  });

  it('[AV8][LI1] that never says done is taken for empty 2 s after its cancellation', () => {
    const talk = streaming().interrupts().says('And tomorrow?');
    expect(orders(talk.pass(1_999))).toEqual([]);
    expect(orders(talk.pass(1))).toEqual(['start-avatar 2']);
    expect(talk.effect('observe')).toMatchObject([
      { observation: { name: 'avatar-timeout', stage: 'cancelling', responseId: 'resp_1' } },
    ]);
  });

  it('[AV8] that never says done is taken for empty 2 s after the end of its response, and not before', () => {
    const talk = streaming();
    talk.pass(4_000);
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', deadlineMs: null });
    talk.finishes().hears({ segmentsMs: [1_000], complete: true, playedMs: 1_000, closed: true });
    expect(talk.pass(1_999).effects).toEqual([]);
    expect(talk.pass(1).effect('observe')).toMatchObject([
      { observation: { name: 'avatar-timeout', stage: 'streaming' } },
    ]);
    expect(talk.state.avatar).toEqual({ stage: 'empty' });
  });

  it('[AV8] is waited for from the step in which its response and the one that waits are both over', () => {
    const talk = streaming()
      .finishes()
      .hears({ segmentsMs: [1_000], complete: true, playedMs: 300, closed: true });
    talk.says('Second').refusesVoice().writes('Yes.').finishes();
    talk.reports([], 2);
    expect(talk.state.avatar).toMatchObject({ stage: 'streaming', next: null, deadlineMs: talk.nowMs + 2_000 });
  });

  it('[AV8] that does not begin is given up after 5 s: the client is told, and the response goes on', () => {
    const talk = avatars().says('A question?').binds();
    talk.pass(4_999);
    expect(talk.pass(1).errors).toMatchObject([{ code: 'avatar_unavailable' }]);
    expect(talk.phase).toBe('thinking');
    const cancelled = avatars().says('A question?').interrupts();
    expect(cancelled.pass(5_000).errors).toEqual([]);
    expect(cancelled.state.avatar).toEqual({ stage: 'empty' });
  });

  it('[AV8][LI5] is waited for in full after a takeover', () => {
    const talk = streaming().interrupts();
    talk.pass(1_500);
    talk.nowMs = 7;
    talk.changesOwner();
    talk.pass(1_999);
    expect(talk.state.avatar.stage).toBe('cancelling');
    talk.pass(1);
    expect(talk.state.avatar.stage).toBe('empty');
    const starting = avatars().says('A question?');
    starting.nowMs = 7;
    starting.changesOwner().pass(4_999);
    expect(starting.state.avatar.stage).toBe('starting');
  });

  it('[AV9][CL2] is cancelled at the end of the session, and waited for by nobody', () => {
    const end = { kind: 'disconnected', reason: 'lost' } as const;
    expect(orders(streaming().client(end))).toEqual(['cancel-avatar 1']);
    expect(orders(avatars().says('A question?').client(end))).toEqual(['cancel-avatar 1']);
    expect(orders(streaming().interrupts().client(end))).toEqual([]);
    expect(streaming().client(end).state.avatar).toEqual({ stage: 'empty' });
  });
});
