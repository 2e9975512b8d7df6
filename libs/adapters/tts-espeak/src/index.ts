export { createEspeakTts } from './espeak-tts';
export type { EspeakTtsOptions } from './espeak-tts';
