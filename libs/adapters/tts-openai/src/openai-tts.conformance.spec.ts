import { startFakeProviders } from '@parley/fakes';
import { describeTtsConformance } from '@parley/harness';
import { systemPorts } from '@parley/adapter-system';
import { createOpenAiTts } from './openai-tts';

describeTtsConformance('tts-openai', async () => {
  const fakes = await startFakeProviders();
  return {
    tts: createOpenAiTts({
      baseUrl: fakes.url,
      apiKey: 'sk-test',
      model: 'tts-1',
      voice: 'alloy',
      // The fake is; its suite then looks whether it is true.
      deterministic: true,
      timers: systemPorts.timers,
    }),
    system: systemPorts,
    dispose: () => fakes.close(),
  };
});
