export { createTtsWorker } from './tts-worker';
export type { TtsWorkerConfig, TtsWorkerPorts } from './tts-worker';
