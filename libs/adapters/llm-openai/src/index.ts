export type { Prefill } from './continuation';
export { createOpenAiLlm, type OpenAiLlmOptions } from './openai-llm';
