import { SEGMENT_START, samplesOfMs } from '@parley/model';
import { asking, FIRST, SECOND } from './testing/asking';
import { EngineDriver } from './testing/engine-driver';

describe('a voice whose worker is lost', () => {
  const speaking = (): EngineDriver =>
    asking()
      .binds()
      .writes(FIRST + SECOND)
      .hears({ segmentsMs: [900], playedMs: 300 });

  it('[VO9] in mid-answer is bound anew, and told of everything that was not delivered to its end', () => {
    const talk = asking()
      .binds()
      .writes(FIRST + SECOND)
      .finishes()
      .hears({ segmentsMs: [900, 0] })
      .losesVoice();
    expect(talk.order).toEqual(['observe voice-rebound', 'open-voice', 'speak-segment', 'end-voice']);
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, attempt: 2, responseId: 'resp_1' }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ segment: 1, text: SECOND, from: SEGMENT_START }]);
    expect(talk.effect('end-voice')).toMatchObject([{ segments: 2 }]);
    talk.binds().hears({ segmentsMs: [900, 1_200], complete: true, closed: true });
    expect(talk.phase).toBe('listening');
    expect(talk.answersInContext()).toEqual([FIRST + SECOND]);
  });

  it('[VO9] goes on being told of what the model writes', () => {
    const talk = speaking().losesVoice().writes('And then a storm will come. Per');
    expect(talk.order).toEqual(['text', 'speak-segment']);
    expect(talk.binds().finishes().effect('end-voice')).toMatchObject([{ segments: 4 }]);
  });

  it('[VO9] speaks on in the voice the answer began with', () => {
    const talk = EngineDriver.attached({}, { voice: 'anna' }).says('One').binds().writes(FIRST);
    talk.client({ kind: 'session-updated', patch: { voice: 'ben' } }).losesVoice();
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2, voice: 'anna' }]);
  });

  it('[VO10] begins where delivery ended: after the last whole word, by the pace of the voice', () => {
    // 13 characters without the space at the end: 1,440 samples each, so 780 ms in all.
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [400] })
      .losesVoice();
    // Character 6 of 'It is sunny.': 'It is'.
    expect(talk.effect('speak-segment')).toMatchObject([
      { segment: 0, text: FIRST, from: { sample: samplesOfMs(400), character: 'It is'.length } },
    ]);
  });

  it('[VO10] begins where delivery ended: after the last whole word, by its timings', () => {
    const word = (text: string, charStart: number, startMs: number, endMs: number) => ({
      ...{ word: text, charStart, charEnd: charStart + text.length, startMs, endMs },
    });
    const talk = asking()
      .binds()
      .writes(FIRST)
      .times(0, [word('It', 0, 0, 100), word('is', 3, 100, 500), word('sunny', 6, 500, 800)]);
    talk.hears({ segmentsMs: [400] }).losesVoice();
    expect(talk.effect('speak-segment')).toMatchObject([{ from: { sample: samplesOfMs(400), character: 2 } }]);
  });

  it('[VO13] of which audio was lost on its way speaks again from there on', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [200], holedAttempt: 1 });
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ segment: 0, from: { sample: samplesOfMs(200) } }]);
    talk.binds().hears({ segmentsMs: [200], holedAttempt: 1 });
    expect(talk.effects).toEqual([]);
    talk.finishes().hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[VO13] is not asked again for what was delivered, or while another one is looked for', () => {
    const delivered = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true, holedAttempt: 1 });
    expect(delivered.effect('open-voice')).toEqual([]);
    const opening = asking().writes(FIRST).hears({ holedAttempt: 1 });
    expect(opening.effect('open-voice')).toEqual([]);
  });

  it('[VO13][VO11] of which everything is lost three times fails the response', () => {
    const talk = asking().binds().writes(FIRST);
    for (const holedAttempt of [1, 2]) talk.hears({ holedAttempt }).binds();
    expect(talk.phase).toBe('thinking');
    talk.hears({ holedAttempt: 3 });
    const message = 'The audio of this answer was lost on its way, again and again.';
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable', message } }]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'provider-failed', provider: 'tts', failure: 'cut', responseId: 'resp_1' },
    });
  });

  const unheard = (): EngineDriver =>
    EngineDriver.attached({ reconnectGraceMs: 3_000 }, { resumable: true })
      .says('How is the weather?')
      .binds()
      .writes(FIRST)
      .losesGateway();

  it('[VO14] speaks again from where delivery stands when the link of the gateway was away, once for each loss', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [200] });
    talk.losesLink().hears({ segmentsMs: [400] });
    expect(talk.order.at(0)).toBe('observe voice-rebound');
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ segment: 0, from: { sample: samplesOfMs(400) } }]);
    talk.binds().hears({ segmentsMs: [400] });
    expect(talk.effects).toEqual([]);
    talk.losesLink().hears({ segmentsMs: [400] });
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 3 }]);
    talk
      .binds()
      .finishes()
      .hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[VO14][VO11] may be lost with the link ever again: no text is to blame for that', () => {
    const talk = asking().binds().writes(FIRST);
    for (let loss = 1; loss <= 5; loss++) talk.losesLink().hears({}).binds();
    expect(talk.phase).toBe('thinking');
    for (const attempt of [6, 7]) talk.losesVoice(attempt).binds();
    expect(talk.phase).toBe('thinking');
    talk.losesVoice(8);
    expect(talk.output('end')).toMatchObject([{ status: 'failed' }]);
  });

  it.each<[string, () => EngineDriver]>([
    [
      'that was delivered',
      () =>
        asking()
          .binds()
          .writes(FIRST)
          .hears({ segmentsMs: [900], complete: true }),
    ],
    ['that nobody has yet', () => asking().writes(FIRST)],
    ['without a word to say', () => asking().binds()],
    ['of a lost connection', () => unheard()],
    ['that is held', () => unheard().pass(3_000)],
  ])('[VO14] %s is not asked for when the link of the gateway was away', (_, talkOf) => {
    const talk = talkOf();
    talk.losesLink().reports(talk.known());
    expect(talk.effect('open-voice')).toEqual([]);
    talk.reports(talk.known());
    expect(talk.effect('open-voice')).toEqual([]);
  });

  it('[VO14] counts from 0 with a new connection, and from the takeover with a new owner', () => {
    const resumed = asking().binds().writes(FIRST).losesLink().losesLink().hears({});
    resumed.binds().comesBack([]).binds();
    resumed.step({ kind: 'reported', linkLosses: 1, announcedOrdinal: 1, responses: resumed.known() });
    expect(resumed.effect('open-voice')).toHaveLength(1);
    const taken = asking().binds().writes(FIRST).losesLink().changesOwner();
    taken.binds().hears({});
    expect(taken.effect('open-voice')).toEqual([]);
  });

  it('[VO11] three times without a sample between fails the response', () => {
    const talk = speaking();
    for (const attempt of [1, 2, 3, 4]) {
      talk.losesVoice(attempt);
      expect(talk.order.at(0)).toBe('observe voice-rebound');
      talk.binds();
      if (attempt === 1) talk.hears({ segmentsMs: [950], playedMs: 300 });
    }
    talk.losesVoice(5);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
  });

  it('[VO11] may be lost ever again while the answer gets on', () => {
    const talk = speaking();
    for (let attempt = 1; attempt <= 8; attempt++) {
      talk
        .losesVoice(attempt)
        .binds()
        .hears({ segmentsMs: [900 + attempt], playedMs: 300 });
      expect(talk.phase).toBe('speaking');
    }
  });

  it('[VO12] is not heard any more: what it still says of itself has no effect', () => {
    const talk = speaking().losesVoice();
    const before = talk.state;
    talk.losesVoice(1);
    expect(talk.effects).toEqual([]);
    const failure = { kind: 'missing', message: '' } as const;
    for (const kind of ['voice-refused', 'voice-failed'] as const) {
      talk.step({ kind, lane: 0, ordinal: 1, attempt: 1, failure });
    }
    talk.step({ kind: 'voice-bound', lane: 0, ordinal: 1, attempt: 1 });
    expect(talk.state).toEqual(before);
  });

  it('[VO9][VO2] and for which no other is found leaves the text to go on alone', () => {
    const talk = speaking().losesVoice().refusesVoice();
    expect(talk.errors).toMatchObject([{ code: 'tts_unavailable' }]);
    talk.finishes();
    expect(talk.output('end')).toMatchObject([{ segments: 2, spokenSegments: 0, status: 'completed' }]);
  });

  it('[VO9][LI3] has voiceTimeoutMs for another one', () => {
    const talk = speaking().losesVoice();
    talk.finishes().pass(4_999);
    expect(talk.errors).toEqual([]);
    talk.pass(1);
    expect(talk.errors).toMatchObject([{ code: 'tts_unavailable' }]);
  });
});
