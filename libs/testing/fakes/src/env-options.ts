import type { ChatAnswer } from './chat-behaviour';
import { defaultChatText } from './default-answer';
import type { SpeechVoice } from './speech-behaviour';

/** What the environment says about a server of its own. */
export interface EnvOptions {
  readonly port: number;
  readonly chat: ChatAnswer;
  readonly speech: SpeechVoice;
}

/**
 * Reads FAKES_PORT (default 0, any free one), FAKES_CHAT_TEXT (default: the built-in answer), FAKES_TOKEN_DELAY_MS (default
 * 0) and FAKES_SPEECH_PACE ('unpaced', the default, or a multiple of real time). Throws on what is not a number: a bench that
 * silently runs at another pace measures nothing.
 */
export function readEnvOptions(env: Readonly<Record<string, string | undefined>>): EnvOptions {
  const text = env['FAKES_CHAT_TEXT'];
  const pace = env['FAKES_SPEECH_PACE'];
  const isUnpaced = pace === undefined || pace === '' || pace === 'unpaced';
  const speechPace = isUnpaced ? 'unpaced' : numberOf(env, 'FAKES_SPEECH_PACE', 1);
  if (speechPace === 0) throw new Error("FAKES_SPEECH_PACE must be 'unpaced' or above 0");
  return {
    port: numberOf(env, 'FAKES_PORT', 0),
    chat: {
      kind: 'answer',
      text: text === undefined || text === '' ? defaultChatText : text,
      tokenDelayMs: numberOf(env, 'FAKES_TOKEN_DELAY_MS', 0),
    },
    speech: { kind: 'voice', pace: speechPace },
  };
}

function numberOf(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number of at least 0, not '${text}'`);
  return value;
}
