import { DEFAULT_SETTINGS } from '@parley/model';
import { z } from 'zod';
import { closed } from './closed';
import { sessionSettings, settingsPatch, settingsShape } from './session-settings-schemas';

const format = { type: 'audio/pcm', rate: 24_000 };

describe('settings with a field that only a newer process knows', () => {
  const transcription = { model: 'whisper-1', mood: 'low' };

  it('are taken without it between processes, and from the store: old and new work side by side', () => {
    const patch = { audio: { input: { transcription, format: { ...format, channels: 1 } } } };
    expect(settingsPatch.parse(patch)).toEqual({ audio: { input: { transcription: { model: 'whisper-1' }, format } } });
    const { audio } = DEFAULT_SETTINGS;
    const stored = { ...DEFAULT_SETTINGS, audio: { ...audio, input: { ...audio.input, transcription }, room: 'hall' } };
    expect(sessionSettings.parse(stored)).toEqual({
      ...DEFAULT_SETTINGS,
      audio: { ...audio, input: { ...audio.input, transcription: { model: 'whisper-1' } } },
    });
  });

  it('are refused of a client, which is told', () => {
    const parsed = closed(settingsShape.input).safeParse({ transcription });
    expect(parsed.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['mood'] }]);
    expect(z.object(settingsShape.input).safeParse({ transcription: { model: 'whisper-1' } }).success).toBe(true);
  });
});
