import { createDemoLlm } from '@parley/adapter-llm-demo';
import { createOpenAiLlm } from '@parley/adapter-llm-openai';
import { systemPorts } from '@parley/adapter-system';
import { unreachable } from '@parley/model';
import type { LlmPort, LogPort } from '@parley/ports';
import type { LlmConfig } from '@parley/runtime';

/** The language model that the configuration names. */
export function createModel(config: LlmConfig, log: LogPort): LlmPort {
  const { timers } = systemPorts;
  switch (config.kind) {
    case 'demo':
      return createDemoLlm({ timers });
    case 'openai': {
      const { baseUrl, apiKey, model, prefill } = config;
      return createOpenAiLlm({ baseUrl, apiKey, model, prefill, log, timers });
    }
    default:
      return unreachable(config);
  }
}
