export { createOpenAiTts } from './openai-tts';
export type { OpenAiTtsOptions } from './openai-tts';
