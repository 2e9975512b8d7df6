export { createOpenAiLlm, type OpenAiLlmOptions } from './openai-llm';
