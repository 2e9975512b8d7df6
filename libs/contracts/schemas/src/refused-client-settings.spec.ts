import { refusalOf, LONG_TEXT, session, type Refusal } from './client-event.fixture';

describe('client events that are refused', () => {
  const listening = (input: object): object => session({ type: 'realtime', audio: { input } });
  const tools = (value: unknown): object => session({ type: 'realtime', tools: value });
  const weather = { type: 'function', name: 'weather' };
  const policy = (value: object): object => ({ type: 'parley.policy.update', policy: value });

  const refused: Refusal[] = [
    ['session.update without a session', { type: 'session.update' }, 'missing_required_parameter', 'session'],
    ['a session that is an array', session([]), 'invalid_value', 'session'],
    ['a session without a type', session({ instructions: 'x' }), 'missing_required_parameter', 'session.type'],
    ['a session of another type', session({ type: 'transcription' }), 'invalid_value', 'session.type'],
    ['a gain of the microphone', listening({ gain: 2 }), 'unknown_parameter', 'session.audio.input.gain'],
    [
      'a format nobody knows',
      listening({ format: { type: 'audio/opus' } }),
      'invalid_value',
      'session.audio.input.format.type',
    ],
    [
      'PCM at another rate',
      listening({ format: { type: 'audio/pcm', rate: 16_000 } }),
      'invalid_value',
      'session.audio.input.format.rate',
    ],
    [
      'a threshold above 1',
      listening({ turn_detection: { threshold: 2 } }),
      'invalid_value',
      'session.audio.input.turn_detection.threshold',
    ],
    [
      'an unknown turn detection',
      listening({ turn_detection: { type: 'none' } }),
      'invalid_value',
      'session.audio.input.turn_detection.type',
    ],
    [
      'a voice that is too fast',
      session({ type: 'realtime', audio: { output: { speed: 1.6 } } }),
      'invalid_value',
      'session.audio.output.speed',
    ],
    [
      'text and audio at a time',
      session({ type: 'realtime', output_modalities: ['text', 'audio'] }),
      'invalid_value',
      'session.output_modalities',
    ],
    [
      'a limit of no tokens',
      session({ type: 'realtime', max_output_tokens: 0 }),
      'invalid_value',
      'session.max_output_tokens',
    ],
    ['tracing of another kind', session({ type: 'realtime', tracing: 'none' }), 'invalid_value', 'session.tracing'],
    [
      'a prompt of any size',
      session({ type: 'realtime', prompt: { id: 'p', variables: { all: 'x'.repeat(40_000) } } }),
      'invalid_value',
      'session.prompt',
    ],
    [
      'audio in a format of another API',
      session({ type: 'realtime', audio: { output: { format: { type: 'audio/opus' } } } }),
      'invalid_value',
      'session.audio.output.format.type',
    ],
    [
      'a voice of another type',
      session({ type: 'realtime', audio: { output: { voice: 3 } } }),
      'invalid_value',
      'session.audio.output.voice',
    ],
    [
      'long instructions',
      session({ type: 'realtime', instructions: LONG_TEXT }),
      'string_above_max_length',
      'session.instructions',
    ],
    ['a tool without a name', tools([{ type: 'function' }]), 'missing_required_parameter', 'session.tools[0].name'],
    ['a tool of another type', tools([{ type: 'mcp', name: 'f' }]), 'invalid_value', 'session.tools[0].type'],
    ['a tool with a bad name', tools([{ type: 'function', name: 'a b' }]), 'invalid_value', 'session.tools[0].name'],
    ['two tools of one name', tools([weather, weather]), 'invalid_value', 'session.tools'],
    [
      'more tools than 128',
      tools(Array.from({ length: 129 }, (_, n) => ({ ...weather, name: `f${n}` }))),
      'invalid_value',
      'session.tools',
    ],
    ['a choice nobody has', session({ type: 'realtime', tool_choice: 'any' }), 'invalid_value', 'session.tool_choice'],
    ['a policy nobody has', policy({ busy: 'drop' }), 'invalid_value', 'policy.busy'],
    ['a wait in microseconds', policy({ min_speech_ms: 500_000 }), 'invalid_value', 'policy.min_speech_ms'],
    ['a wait that is negative', policy({ cool_down_ms: -1 }), 'invalid_value', 'policy.cool_down_ms'],
    ['no time until the user is away', policy({ away_after_ms: 0 }), 'invalid_value', 'policy.away_after_ms'],
    [
      'a backchannel of sentences',
      policy({ backchannels: ['x'.repeat(65)] }),
      'string_above_max_length',
      'policy.backchannels[0]',
    ],
  ];
  it.each(refused)('%s', (_, event, code, param) =>
    expect(refusalOf(event)).toMatchObject({ type: 'invalid_request_error', code, param }),
  );
});
