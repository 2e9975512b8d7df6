export { LOOK_AHEAD_MS } from './look-ahead';
export { createTtsWorker } from './tts-worker';
export type { TtsWorkerConfig, TtsWorkerPorts } from './tts-worker';
