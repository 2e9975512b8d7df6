import { defaultChatText } from './default-answer';
import { readEnvOptions } from './env-options';

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvOptions({})).toEqual({
      port: 0,
      chat: { kind: 'answer', text: defaultChatText, tokenDelayMs: 0 },
      speech: { kind: 'voice', pace: 'unpaced' },
    });
  });

  it('sets port, text, token delay and pace', () => {
    const env = { FAKES_PORT: '27080', FAKES_CHAT_TEXT: 'Hi.', FAKES_TOKEN_DELAY_MS: '5', FAKES_SPEECH_PACE: '1.5' };
    expect(readEnvOptions(env)).toEqual({
      port: 27_080,
      chat: { kind: 'answer', text: 'Hi.', tokenDelayMs: 5 },
      speech: { kind: 'voice', pace: 1.5 },
    });
    expect(readEnvOptions({ FAKES_SPEECH_PACE: 'unpaced' }).speech.pace).toBe('unpaced');
  });

  it.each([
    ['FAKES_PORT', 'high'],
    ['FAKES_TOKEN_DELAY_MS', '-1'],
    ['FAKES_SPEECH_PACE', 'fast'],
    ['FAKES_SPEECH_PACE', '0'],
  ])('is refused when %s is %s', (name, value) => {
    expect(() => readEnvOptions({ [name]: value })).toThrow(name);
  });
});
