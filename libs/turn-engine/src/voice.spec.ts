import { samplesOfMs } from '@parley/model';
import { asking, FIRST, SECOND } from './testing/asking';
import { EngineDriver, outputsOf } from './testing/engine-driver';

describe('opening a voice', () => {
  it('[VO1] uses the voice of the session at that moment', () => {
    const talk = EngineDriver.attached({}, { voice: 'anna' }).says('One');
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 1, voice: 'anna' }]);
    talk
      .interrupts()
      .client({ kind: 'session-updated', patch: { voice: 'ben' } })
      .says('Two');
    expect(talk.effect('open-voice')).toMatchObject([{ ordinal: 2, voice: 'ben' }]);
  });

  it('[VO2] a refusal is told once, and the text goes on alone', () => {
    const talk = asking().writes(FIRST).refusesVoice();
    expect(talk.order).toEqual(['cancel-voice', 'error', 'observe provider-failed']);
    expect(talk.errors).toMatchObject([{ type: 'server_error', code: 'tts_unavailable', message: 'No voice here.' }]);
    talk.refusesVoice().binds().voiceFails();
    expect(talk.effects).toEqual([]);
    talk.writes(SECOND);
    expect(talk.order).toEqual(['text']);
    talk.finishes();
    expect(talk.order).toEqual(['end']);
    expect(talk.output('end')).toMatchObject([{ segments: 2, spokenSegments: 0, status: 'completed' }]);
  });

  it('[VO2] silence for voiceTimeoutMs is a refusal, and not 1 ms earlier', () => {
    const talk = asking().writes('It').pass(4_000).writes(' is').pass(999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.order).toEqual(['cancel-voice', 'error', 'observe provider-failed']);
    expect(talk.effect('observe')).toMatchObject([{ observation: { provider: 'tts', failure: 'timeout' } }]);
    expect(talk.phase).toBe('thinking');
  });

  it('[VO3] a refusal after the end was announced announces it again, without audio to wait for', () => {
    const talk = asking().writes(FIRST).finishes();
    expect(talk.output('end')).toMatchObject([{ segments: 1, spokenSegments: 1 }]);
    expect(talk.effect('end-voice')).toHaveLength(1);
    talk.refusesVoice();
    expect(talk.output('end')).toMatchObject([{ segments: 1, spokenSegments: 0, status: 'completed' }]);
    expect(talk.effect('end-voice')).toEqual([]);
    talk.hears({ closed: true });
    expect(talk.phase).toBe('listening');
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual([FIRST]);
  });
});

describe('a bound voice', () => {
  it('[VO4][EN6] that fails ends the response and stops the model', () => {
    const talk = asking().binds().writes(FIRST).voiceFails();
    expect(talk.order.slice(0, 3)).toEqual(['abort-generation', 'cancel-voice', 'end']);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
    expect(talk.phase).toBe('listening');
  });

  it('[VO4] that fails with everything delivered is still needed while the model writes', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true })
      .voiceFails();
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
    expect(talk.effect('abort-generation')).toHaveLength(1);
  });

  it('[VO4] that fails after generation but before its audio keeps the usage', () => {
    const talk = asking().binds().writes(FIRST).finishes().voiceFails();
    expect(talk.output('end')).toMatchObject([{ status: 'failed', usage: { inputTokens: 7, outputTokens: 3 } }]);
    expect(talk.effect('abort-generation')).toEqual([]);
  });

  it('[VO5] that stalls is replaced voiceTimeoutMs after the last progress, and behind what was delivered', () => {
    const talk = asking().binds().writes(FIRST).finishes();
    talk.pass(4_000).hears({ segmentsMs: [200] });
    talk.pass(4_000).hears({ segmentsMs: [200], playedMs: 100 });
    talk.pass(4_000).hears({ segmentsMs: [200], playedMs: 100 });
    talk.pass(999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.output('end')).toEqual([]);
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
    expect(talk.effect('speak-segment')).toMatchObject([{ segment: 0, from: { sample: samplesOfMs(200) } }]);
  });

  it('[VO5] that stalls again and again is replaced as long as the answer gets on', () => {
    const talk = asking().binds().writes(FIRST).finishes();
    for (const deliveredMs of [100, 200, 300, 400])
      talk
        .hears({ segmentsMs: [deliveredMs] })
        .pass(5_000)
        .binds();
    expect(talk.phase).toBe('speaking');
    expect(talk.state.phase).toMatchObject({ response: { rendering: { attempt: 5, barren: 0 } } });
  });

  it('[VO5] that delivers nothing at all, as the one that replaced another, fails the response', () => {
    expect(asking().binds().writes(FIRST).pass(5_000).output('end')).toMatchObject([{ status: 'failed' }]);
    const talk = asking()
      .binds()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [200] });
    talk.pass(5_000).binds().pass(4_999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.output('end')).toMatchObject([{ status: 'failed', error: { code: 'tts_unavailable' } }]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'provider-failed', provider: 'tts', failure: 'timeout', responseId: 'resp_1' },
    });
  });

  it('[VO5] is not late while the answer before it still plays', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [9000], complete: true, closed: true });
    talk.answers(SECOND);
    const older = (playedMs: number) =>
      talk.delivery(1, { segmentsMs: [9000], complete: true, playedMs, closed: true });
    for (const playedMs of [3_000, 6_000]) {
      talk.pass(4_000).reports([older(playedMs), talk.delivery(2, { segmentsMs: [100] })]);
      expect(talk.phase).toBe('speaking');
    }
  });

  it('[VO6] has no deadline while the model writes and everything ordered was delivered', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900] });
    // The end of the segment comes in a chunk of its own, without a sample.
    talk.hears({ segmentsMs: [900], complete: true });
    for (let n = 0; n < 4; n++) {
      talk.pass(3_000);
      expect(talk.effects).toEqual([]);
      talk.writes('and ');
    }
    expect(talk.phase).toBe('speaking');
  });

  it('[VO6] has a new deadline with the next segment', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .hears({ segmentsMs: [900], complete: true, playedMs: 900 });
    talk.pass(3_000).writes(SECOND).pass(4_000).writes('And').pass(999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2 }]);
  });

  it('[VO7] that is lost after everything was delivered is not missed', () => {
    const talk = asking()
      .binds()
      .writes(FIRST)
      .finishes()
      .hears({ segmentsMs: [900], complete: true });
    const before = talk.state;
    talk.voiceFails();
    expect(talk.effects).toEqual([]);
    expect(talk.state).toEqual(before);
    talk.hears({ segmentsMs: [900], complete: true, closed: true });
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'response-ended', status: 'completed', responseId: 'resp_1' },
    });
  });

  it('[VO8][FL3] may find nothing to say: the answer completes, and nobody spoke', () => {
    const talk = asking().binds().writes('🎉🎉! ').finishes();
    expect(talk.output('end')).toMatchObject([{ segments: 1, spokenSegments: 1 }]);
    talk.hears({ segmentsMs: [0], complete: true, closed: true });
    expect(talk.phase).toBe('listening');
    expect(talk.state.tails).toEqual([]);
    expect(talk.effect('observe')).toContainEqual({
      kind: 'observe',
      observation: { name: 'response-ended', status: 'completed', responseId: 'resp_1' },
    });
    const floors = outputsOf(talk.history).flatMap((output) =>
      output.kind === 'event' && output.event.type === 'parley.state' ? [output.event['state']] : [],
    );
    expect(floors).toEqual(['thinking', 'listening']);
  });
});
