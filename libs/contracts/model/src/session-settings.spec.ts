import { DEFAULT_SETTINGS, mergeSettings, type SettingsPatch } from './session-settings';

const merged = (...patches: SettingsPatch[]) => patches.reduce(mergeSettings, DEFAULT_SETTINGS);
const detectionOf = (...patches: NonNullable<NonNullable<SettingsPatch['audio']>['input']>[]) =>
  merged(...patches.map((input) => ({ audio: { input } }))).audio.input.turn_detection;

describe('settings of a session that an update names in part', () => {
  it('stay as they are where nothing is named, and nothing given is changed', () => {
    const before = structuredClone(DEFAULT_SETTINGS);
    expect(merged({}, { audio: {} }, { audio: { input: {}, output: {} } })).toEqual(before);
    merged({ tracing: 'auto', audio: { input: { transcription: { model: 'whisper-1' } } } });
    expect(DEFAULT_SETTINGS).toEqual(before);
  });

  it('keep what stands beside it, on every level', () => {
    const settings = merged(
      { audio: { input: { transcription: { model: 'whisper-1', language: 'de' } } } },
      { audio: { input: { transcription: { language: 'en' }, noise_reduction: { type: 'near_field' } } } },
    );
    expect(settings.audio.input).toMatchObject({
      format: { type: 'audio/pcm', rate: 24_000 },
      transcription: { model: 'whisper-1', language: 'en' },
      noise_reduction: { type: 'near_field' },
    });
    expect(settings.audio.output).toEqual(DEFAULT_SETTINGS.audio.output);
  });

  it.each<[string, SettingsPatch, SettingsPatch, SettingsPatch]>([
    [
      'tracing',
      { tracing: { workflow_name: 'w', group_id: 'g' } },
      { tracing: { group_id: 'h' } },
      { tracing: { workflow_name: 'w', group_id: 'h' } },
    ],
    ['tracing by a word', { tracing: { group_id: 'g' } }, { tracing: 'auto' }, { tracing: 'auto' }],
    ['tracing of a word', { tracing: 'auto' }, { tracing: { group_id: 'g' } }, { tracing: { group_id: 'g' } }],
    [
      'truncation',
      { truncation: { type: 'retention_ratio', retention_ratio: 0.5, token_limits: { post_instructions: 9 } } },
      { truncation: { type: 'retention_ratio', retention_ratio: 0.8 } },
      { truncation: { type: 'retention_ratio', retention_ratio: 0.8, token_limits: { post_instructions: 9 } } },
    ],
    [
      'a prompt',
      { prompt: { id: 'p', version: '2', variables: { a: 1 } } },
      { prompt: { id: 'p', version: '3' } },
      { prompt: { id: 'p', version: '3', variables: { a: 1 } } },
    ],
    ['a prompt by another', { prompt: { id: 'p', version: '2' } }, { prompt: { id: 'q' } }, { prompt: { id: 'q' } }],
    ['a prompt by none', { prompt: { id: 'p' } }, { prompt: null }, { prompt: null }],
  ])('change %s as far as it is named', (_, first, second, expected) => {
    expect(merged(first, second)).toEqual({ ...DEFAULT_SETTINGS, ...expected });
  });

  it('are cleared by null, and replaced as a whole where they are a list or a format', () => {
    const settings = merged(
      { include: ['a', 'b'], audio: { input: { transcription: { model: 'm' }, format: { type: 'audio/pcmu' } } } },
      { include: ['c'], audio: { input: { transcription: null, format: { type: 'audio/pcm', rate: 24_000 } } } },
    );
    expect(settings.include).toEqual(['c']);
    expect(settings.audio.input).toMatchObject({ transcription: null, format: { type: 'audio/pcm', rate: 24_000 } });
  });
});

describe('turn detection', () => {
  it('of which one field is named keeps its kind and the others', () => {
    expect(
      detectionOf({ turn_detection: { silence_duration_ms: 700 } }, { turn_detection: { threshold: 0.8 } }),
    ).toEqual({
      type: 'server_vad',
      threshold: 0.8,
      prefix_padding_ms: 300,
      silence_duration_ms: 700,
      idle_timeout_ms: null,
      create_response: true,
      interrupt_response: true,
    });
  });

  it('of another kind begins with its own defaults, and has none of the old fields', () => {
    const changed = detectionOf(
      { turn_detection: { threshold: 0.8, interrupt_response: false } },
      { turn_detection: { type: 'semantic_vad', threshold: 0.1 } },
    );
    expect(changed).toEqual({
      type: 'semantic_vad',
      eagerness: 'auto',
      create_response: true,
      interrupt_response: true,
    });
  });

  it('is switched off by null, and on again with its defaults', () => {
    expect(detectionOf({ turn_detection: {} }, { turn_detection: null })).toBeNull();
    expect(detectionOf({ turn_detection: null }, { turn_detection: {} })).toMatchObject({ type: 'server_vad' });
  });
});
