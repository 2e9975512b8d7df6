import type { SessionInput } from '@parley/model';
import type { EngineInput } from './inputs';
import { greetingOf, sessionObject } from './session';
import { EngineDriver } from './testing/engine-driver';

const welcome = { resumeToken: 'sess_1.secret', resumed: false, lastClientEventId: null };
const FIRST = 'It is sunny. ';
const updated = (patch: Extract<SessionInput, { kind: 'session-updated' }>['patch']): SessionInput => ({
  kind: 'session-updated',
  patch,
});

const audioOf = (talk: EngineDriver): { input: Record<string, unknown> } => {
  const [event] = talk.events('session.updated');
  return (event?.['session'] as { audio: { input: Record<string, unknown> } }).audio;
};

describe('the beginning of a session', () => {
  it('[CL1] says what the session is and what the server can do, once', () => {
    const talk = new EngineDriver({}, { voice: 'anna' }).step({ kind: 'attached' });
    expect(talk.order).toEqual([]);
    expect(greetingOf(talk.state, welcome)).toStrictEqual([
      {
        type: 'session.created',
        session: {
          type: 'realtime',
          object: 'realtime.session',
          id: 'sess_1',
          model: 'model-1',
          output_modalities: ['audio'],
          instructions: 'Be brief.',
          tools: [],
          tool_choice: 'auto',
          max_output_tokens: 'inf',
          tracing: null,
          truncation: 'auto',
          prompt: null,
          audio: {
            input: {
              format: { type: 'audio/pcm', rate: 24_000 },
              transcription: null,
              noise_reduction: null,
              turn_detection: null,
            },
            output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'anna', speed: 1 },
          },
          include: null,
        },
      },
      {
        type: 'parley.session',
        session_id: 'sess_1',
        resume_token: 'sess_1.secret',
        resumed: false,
        last_client_event_id: null,
        capabilities: ['text', 'audio'],
      },
      { type: 'parley.state', state: 'listening' },
    ]);
    const before = talk.state;
    expect(talk.step({ kind: 'attached' }).effects).toEqual([]);
    expect(talk.state).toEqual(before);
    expect(EngineDriver.attached().says('Hello').step({ kind: 'attached' }).phase).toBe('thinking');
  });

  it('[CL1] names the default voice where none was chosen', () => {
    expect(greetingOf(EngineDriver.attached().state, welcome)[0]).toMatchObject({
      session: { audio: { output: { voice: 'default' } } },
    });
  });

  it('[CL1][RS1] tells who comes back what runs, and what of its events was applied', () => {
    const talk = EngineDriver.attached({}, { resumable: true }).says('Hello').comesBack([]);
    const resumed = { resumeToken: 'sess_1.next', resumed: true, lastClientEventId: 'event_7' };
    expect(greetingOf(talk.state, resumed).slice(1)).toMatchObject([
      { type: 'parley.session', resume_token: 'sess_1.next', resumed: true, last_client_event_id: 'event_7' },
      { type: 'parley.state', state: 'thinking', response_id: 'resp_1' },
    ]);
  });

  it('[CL1] takes no client input before', () => {
    const talk = new EngineDriver();
    const before = talk.state;
    talk
      .says('Hello')
      .interrupts()
      .client(updated({ voice: 'anna' }));
    expect(talk.history).toEqual([]);
    expect(talk.state).toEqual(before);
  });
});

/** By a client of `parley.v1`. */
const RESUMABLE = { resumable: true };

describe('the end of a session', () => {
  const ends: [string, EngineInput][] = [
    ['gateway-lost', { kind: 'gateway-lost' }],
    ...(['client', 'lost', 'shutdown'] as const).map((reason): [string, EngineInput] => [
      `disconnected: ${reason}`,
      { kind: 'client', number: { attachment: 1, seq: 99 }, closedOrdinal: 0, input: { kind: 'disconnected', reason } },
    ]),
  ];
  const leads: ((talk: EngineDriver) => EngineDriver)[] = [
    (talk) => talk,
    (talk) => talk.says('Hi'),
    (talk) =>
      talk
        .says('Hi')
        .binds()
        .writes(FIRST)
        .hears({ segmentsMs: [100] }),
    (talk) => talk.answers(FIRST),
    (talk) =>
      talk
        .answers(FIRST)
        .hears({ segmentsMs: [900], complete: true, closed: true })
        .says('And then?'),
  ];

  it.each(ends)('[CL2][SP11] stops what runs and releases once: %s', (_how, input) => {
    for (const lead of leads) {
      const talk = lead(EngineDriver.attached());
      const running = talk.phase === 'thinking' || talk.phase === 'speaking';
      const generating = talk.state.phase.name !== 'listening' && talk.history.at(-1)?.kind !== 'end-voice';
      talk.step(input);
      expect(talk.effect('close-session')).toHaveLength(1);
      expect(talk.effect('abort-generation')).toHaveLength(running && generating ? 1 : 0);
      expect(talk.effect('cancel-voice')).toHaveLength(running ? 1 : 0);
      expect(talk.outputs).toEqual([]);
      expect(talk.phase).toBe('closed');
    }
  });

  it('[CL3][SP11] is final: nothing starts, nothing is said', () => {
    const talk = EngineDriver.attached()
      .answers(FIRST)
      .hears({ segmentsMs: [900] })
      .step({ kind: 'gateway-lost' });
    const before = talk.state;
    const count = talk.history.length;
    talk.says('Hello').asks().interrupts().cancels().truncates('answer_1', 0).client(updated({}));
    talk.writes('More. ').finishes().modelFails().binds().voiceFails().refusesVoice().hears({ closed: true });
    talk.step({ kind: 'attached' }).changesOwner().step({ kind: 'gateway-lost' });
    talk.client({ kind: 'disconnected', reason: 'client' });
    talk.nowMs += 10_000_000;
    talk.looks();
    expect(talk.history).toHaveLength(count);
    expect(talk.state).toBe(before);
  });

  it('[CL4] comes after idleTimeoutMs without input, with a close code', () => {
    const talk = EngineDriver.attached({}, RESUMABLE).pass(599_999);
    expect(talk.effects).toEqual([]);
    talk.pass(1);
    expect(talk.effects).toEqual([
      { kind: 'emit', output: { kind: 'disconnect', closeCode: 1000, reason: 'session idle' } },
      { kind: 'close-session', reason: 'idle' },
    ]);
  });

  it('[CL4] is put off by any input, a refused one too', () => {
    const talk = EngineDriver.attached({}, RESUMABLE).pass(599_999).interrupts().pass(599_999);
    expect(talk.errors).toEqual([]);
    expect(talk.phase).toBe('listening');
    talk.pass(1);
    expect(talk.phase).toBe('closed');
  });

  it('[CL4] does not come while an answer is spoken or drains; the time counts from its end', () => {
    const talk = EngineDriver.attached({ idleTimeoutMs: 1_000 }, RESUMABLE).answers(FIRST);
    talk.pass(3_000).hears({ segmentsMs: [9000], complete: true, playedMs: 0 });
    talk.pass(3_000).hears({ segmentsMs: [9000], complete: true, playedMs: 3_000, closed: true });
    talk.pass(6_000).hears({ segmentsMs: [9000], complete: true, playedMs: 9_000, closed: true });
    expect(talk.phase).toBe('listening');
    talk.pass(999);
    expect(talk.phase).toBe('listening');
    // Another deadline that passes meanwhile closes nothing either.
    expect(EngineDriver.attached({ idleTimeoutMs: 1_000 }, RESUMABLE).says('Hi').pass(5_000).phase).toBe('thinking');
    talk.pass(1);
    expect(talk.phase).toBe('closed');
  });
});

describe('a session that cannot be resumed', () => {
  it('[CL4] is never idle: its client was told one end, and gets that', () => {
    const talk = EngineDriver.attached({ sessionMaxMs: 3_600_000 });
    expect(talk.deadlineMs).toBe(talk.nowMs + 3_600_000);
    talk.pass(3_599_999);
    expect(talk.phase).toBe('listening');
    expect(talk.pass(1).effect('close-session')).toEqual([{ kind: 'close-session', reason: 'expired' }]);
  });
});

describe('the settings of a session', () => {
  it('[CL5] change what is named and hold from the next response on', () => {
    const talk = EngineDriver.attached()
      .says('One')
      .client(updated({ instructions: 'Be kind.', voice: 'ben' }));
    expect(talk.order).toEqual(['session.updated']);
    expect(talk.events('session.updated')).toMatchObject([
      { session: { instructions: 'Be kind.', audio: { output: { voice: 'ben' } } } },
    ]);
    talk.client(updated({}));
    expect(talk.events('session.updated')).toMatchObject([
      { session: { instructions: 'Be kind.', audio: { output: { voice: 'ben' } } } },
    ]);
    talk.interrupts().says('Two');
    expect(talk.effect('start-generation')[0]?.messages[0]).toEqual({ role: 'system', content: 'Be kind.' });
    expect(talk.effect('open-voice')).toMatchObject([{ voice: 'ben' }]);
  });

  it('[CL5] change the format of the audio from the next response on', () => {
    const talk = EngineDriver.attached().says('One');
    expect(talk.output('announce')).toMatchObject([{ format: { type: 'audio/pcm', rate: 24_000 } }]);
    talk.client(updated({ settings: { audio: { output: { format: { type: 'audio/pcmu' } } } } }));
    expect(talk.order).toEqual(['session.updated']);
    expect(talk.events('session.updated')).toMatchObject([
      { session: { audio: { output: { format: { type: 'audio/pcmu' }, speed: 1 } } } },
    ]);
    talk.interrupts().says('Two');
    expect(talk.output('announce')).toMatchObject([{ format: { type: 'audio/pcmu' } }]);
  });

  it('[CL5] keep what an object does not name, and lose what null or another kind replaces', () => {
    const listening = (input: object): SessionInput => updated({ settings: { audio: { input } } });
    const talk = EngineDriver.attached().client(
      listening({ transcription: { model: 'whisper-1' }, turn_detection: { threshold: 0.8 } }),
    );
    talk.client(listening({ transcription: { language: 'en' }, turn_detection: { silence_duration_ms: 700 } }));
    const { input } = audioOf(talk);
    expect(input).toMatchObject({
      transcription: { model: 'whisper-1', language: 'en' },
      turn_detection: { type: 'server_vad', threshold: 0.8, silence_duration_ms: 700 },
    });
    talk.client(listening({ transcription: null, turn_detection: { type: 'semantic_vad' } }));
    expect(audioOf(talk).input).toMatchObject({ transcription: null });
    expect(audioOf(talk).input['turn_detection']).toEqual({
      ...{ type: 'semantic_vad', eagerness: 'auto', create_response: true, interrupt_response: true },
    });
  });

  it.each([null, ''])("[CL5] instructions %j put the server's back", (instructions) => {
    const talk = EngineDriver.attached().client(updated({ instructions: 'Be kind.' }));
    talk.client(updated({ instructions }));
    expect(talk.events('session.updated')).toMatchObject([{ session: { instructions: 'Be brief.' } }]);
  });

  it("[CL6] a message the gateway refused comes out as its error, with the client's event id", () => {
    const error = { type: 'invalid_request_error', code: 'invalid_json', message: 'Not JSON.', param: null } as const;
    const talk = EngineDriver.attached().client({ kind: 'message-refused', error }, 'event_7');
    expect(talk.outputs).toEqual([{ kind: 'error', error, clientEventId: 'event_7' }]);
    talk.client({ kind: 'message-refused', error });
    expect(talk.outputs).toEqual([{ kind: 'error', error }]);
  });

  it('[CL6][TU2] and nothing of it is accepted: the id of a turn that was refused there is free', () => {
    const error = { type: 'server_error', code: 'internal_error', message: 'Not processed.', param: null } as const;
    const talk = EngineDriver.attached().client({ kind: 'message-refused', error }, 'event_7');
    expect(talk.phase).toBe('listening');
    expect(talk.says('Hello', 'turn_7').errors).toEqual([]);
    expect(talk.phase).toBe('thinking');
    // In mid-answer it ends nothing.
    const before = talk.state;
    expect(talk.client({ kind: 'message-refused', error }).order).toEqual(['error']);
    expect(talk.state).toEqual(before);
  });
});

describe('the model of a session', () => {
  const names = (talk: EngineDriver, model: string): EngineDriver =>
    talk.client({ kind: 'session-updated', patch: { instructions: 'Sing.' }, model }, 'event_1');
  const chosen = { otherModels: ['gpt-realtime-mini'] };

  it('[CL9] stays: an update that names another one is refused whole', () => {
    const talk = EngineDriver.attached({}, chosen).says('Hi').guesses('Else');
    const before = talk.state;
    names(talk, 'gpt-realtime-mini');
    expect(talk.output('error')).toEqual([
      {
        kind: 'error',
        clientEventId: 'event_1',
        error: {
          ...{ type: 'invalid_request_error', code: 'invalid_value', param: 'session.model' },
          message: "A session keeps its model; this one's is model-1. Open another one.",
        },
      },
    ]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.state).toEqual(before);
  });

  it('[CL9] may be named by any name that is no other one here, as libraries do that send their default', () => {
    const talk = names(EngineDriver.attached({}, chosen), 'gpt-realtime');
    expect(talk.errors).toEqual([]);
    expect(talk.events('session.updated')).toMatchObject([{ session: { model: 'model-1', instructions: 'Sing.' } }]);
  });
});

describe('the voice of a session', () => {
  const names = (talk: EngineDriver, voice: string): EngineDriver =>
    talk.client({ kind: 'session-updated', patch: { voice, instructions: 'Sing.' } }, 'event_1');

  it('[CL7] changes until audio of an answer was delivered', () => {
    const talk = EngineDriver.attached().says('Hi').binds().writes('Hello you. ');
    expect(names(talk, 'anna').errors).toEqual([]);
    expect(names(talk, 'bert').events('session.updated')).toMatchObject([
      { session: { audio: { output: { voice: 'bert' } } } },
    ]);
  });

  it('[CL7] stays from then on: an update that names another one is refused whole', () => {
    const talk = EngineDriver.attached().says('Hi').binds().writes('Hello you. ').guesses('Else');
    talk.hears({ segmentsMs: [10] });
    const { session } = talk.state;
    names(talk, 'anna');
    expect(talk.output('error')).toEqual([
      {
        kind: 'error',
        clientEventId: 'event_1',
        error: {
          ...{ type: 'invalid_request_error', code: 'cannot_update_voice', param: 'session.audio.output.voice' },
          message: "Cannot update a conversation's voice if assistant audio is present.",
        },
      },
    ]);
    expect(talk.effects).toHaveLength(1);
    expect(talk.state.session).toEqual(session);
    expect(names(talk, 'default').errors).toEqual([]);
  });

  it('[CL7] may be named again, as clients do that send all they have', () => {
    const talk = EngineDriver.attached({}, { voice: 'anna' }).says('Hi').binds().writes('Hello you. ');
    talk.hears({ segmentsMs: [10] });
    expect(names(talk, 'anna').errors).toEqual([]);
    expect(talk.client({ kind: 'session-updated', patch: { instructions: 'Sing.' } }).errors).toEqual([]);
    expect(names(talk, 'default').errors).toMatchObject([{ code: 'cannot_update_voice' }]);
  });

  it('[CL7] is not fixed by a word of no audio', () => {
    const talk = EngineDriver.attached()
      .says('Hi')
      .binds()
      .writes('Hello you. ')
      .hears({ segmentsMs: [0] });
    expect(names(talk, 'anna').errors).toEqual([]);
  });
});

describe('a session that would be too large for those that hear of it', () => {
  const MAX_BYTES = 262_144;
  const toolOf = (chars: number) => [{ name: 'long', parameters: { text: 'x'.repeat(chars) } }];
  const bytesOf = (talk: EngineDriver): number => Buffer.byteLength(JSON.stringify(sessionObject(talk.state.session)));

  it('[CL10] is refused by a byte, whole, and says what its largest part is', () => {
    const talk = EngineDriver.attached();
    const room = MAX_BYTES - bytesOf(talk.client(updated({ instructions: '語', tools: toolOf(0) })));
    expect(bytesOf(talk.client(updated({ tools: toolOf(room) })))).toBe(MAX_BYTES);
    const before = talk.state.session;
    talk.client(updated({ instructions: '語.' }), 'mine');
    const message = `Invalid value for 'session.tools': the largest part of a session that would be more than ${MAX_BYTES} bytes of JSON.`;
    expect(talk.outputs).toEqual([
      {
        kind: 'error',
        error: { type: 'invalid_request_error', code: 'invalid_value', message, param: 'session.tools' },
        clientEventId: 'mine',
      },
    ]);
    expect(talk.state.session).toBe(before);
  });

  it('[CL10] also where it is too large by what came before, and can be made smaller', () => {
    const talk = EngineDriver.attached();
    for (const prompt of ['a', '語'.repeat(30_000)])
      talk.client(updated({ settings: { audio: { input: { transcription: { prompt } } } } }));
    talk.client(updated({ tools: toolOf(200_000) }));
    expect(talk.state.session.tools).toEqual([]);
    talk.client(updated({ tools: toolOf(200_000), settings: { audio: { input: { transcription: null } } } }));
    expect(talk.state.session.tools).toHaveLength(1);
  });

  it('[CL10] leaves a speculative answer as it is when it is refused', () => {
    const talk = EngineDriver.attached().guesses('Hi');
    talk.client(updated({ tools: toolOf(MAX_BYTES) }));
    expect(talk.order).toEqual(['error']);
  });
});

describe('a session that has lasted long enough', () => {
  /** Answers again and again: it is never idle. */
  const talking = (sessionMaxMs: number): EngineDriver => EngineDriver.attached({ sessionMaxMs }, { resumable: true });

  it.each([
    [3_600_000, '60 minutes'],
    [60_000, '1 minute'],
    [90_000, '90 seconds'],
    [1_000, '1 second'],
  ])('[CL8] of %i ms ends whatever goes on, and says why', (maxMs, words) => {
    const talk = talking(maxMs);
    talk.nowMs += maxMs - 1;
    talk.says('Hi').binds().writes('Hello you. ');
    expect(talk.deadlineMs).toBe(talk.nowMs + 1);
    talk.pass(1);
    const message = `Your session hit the maximum duration of ${words}.`;
    expect(talk.outputs).toEqual([
      { kind: 'error', error: { type: 'invalid_request_error', code: 'session_expired', message, param: null } },
      { kind: 'disconnect', closeCode: 1001, reason: message },
    ]);
    expect(talk.order).toEqual(['error', 'disconnect', 'abort-generation', 'cancel-voice', 'close-session']);
    expect(talk.effect('close-session')).toEqual([{ kind: 'close-session', reason: 'expired' }]);
    expect(talk.phase).toBe('closed');
  });

  it('[CL8] has with a new owner what was left of its time, by whatever clock that one has', () => {
    const talk = talking(60_000);
    talk.nowMs += 20_000;
    talk.says('Hi').modelFails();
    talk.nowMs = 7;
    talk.changesOwner();
    talk.nowMs = 40_006;
    talk.looks();
    expect(talk.phase).toBe('listening');
    talk.nowMs = 40_007;
    talk.looks();
    expect(talk.phase).toBe('closed');
  });

  it('[CL8] of a release that knew no end has none with a new owner either', () => {
    const talk = new EngineDriver();
    talk.state = { ...talk.state, phase: { name: 'listening' } };
    talk.changesOwner();
    expect(talk.state.lifetimeDeadlineMs).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('[CL8] ends once where it ends as idle at the same time', () => {
    const talk = EngineDriver.attached({ sessionMaxMs: 5_000, idleTimeoutMs: 5_000 }, { resumable: true }).pass(5_000);
    expect(talk.effect('close-session')).toEqual([{ kind: 'close-session', reason: 'idle' }]);
  });

  it('[CL8] has told when, as far as it is known', () => {
    const expiring = new EngineDriver({}, { expiresAtS: 1_785_217_650 });
    expect(sessionObject(expiring.state.session)).toMatchObject({ expires_at: 1_785_217_650 });
    expect(sessionObject(new EngineDriver().state.session)).not.toHaveProperty('expires_at');
  });
});
