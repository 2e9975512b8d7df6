import { createEspeakTts } from '@parley/adapter-tts-espeak';
import { createOpenAiTts } from '@parley/adapter-tts-openai';
import { unreachable } from '@parley/model';
import type { LogPort, TtsPort } from '@parley/ports';
import type { TtsConfig } from '@parley/runtime';
import { systemPorts } from '@parley/adapter-system';

const OPENAI_URL = 'https://api.openai.com/v1';
const DEFAULT_OPENAI_VOICE = 'alloy';

/** The voice that the configuration names. */
export function createVoice(config: TtsConfig, espeakWorkerUrl: URL, log: LogPort): TtsPort {
  switch (config.kind) {
    case 'espeak':
      return createEspeakTts({ workerUrl: espeakWorkerUrl, voice: config.voice, system: systemPorts, log });
    case 'openai':
      return createOpenAiTts({
        baseUrl: config.baseUrl ?? OPENAI_URL,
        apiKey: config.apiKey,
        model: config.model,
        voice: config.voice ?? DEFAULT_OPENAI_VOICE,
        deterministic: config.deterministic,
        timers: systemPorts.timers,
      });
    default:
      return unreachable(config);
  }
}
