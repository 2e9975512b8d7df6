// The processes of Parley as peers of the harness: the entry points of `npm run cluster`, with its default settings.
import { resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname ?? '.', '../../..');
const FAKES_URL = 'http://127.0.0.1:27080/v1';

/** What every process gets beside what the harness sets (NATS_URL, REDIS_URL). */
const COMMON = { PARLEY_LOG_LEVEL: 'warn', PARLEY_HOST: '127.0.0.1' };

/**
 * @param {(name: string, fallback: number) => number} setting a number of the harness's environment (`TTS_MS=…`)
 * @returns {Record<string, {procs: [string, string, string[], Record<string, string>][], adapter: string, infra?: string[]}>}
 */
export function parleyPeers(setting) {
  const model = `fake;ttft=${setting('LLM_TTFT', 0)};tok=${setting('LLM_TOK', 0)};sent=${setting('LLM_SENT', 1)};words=${setting('LLM_WORDS', 8)}`;
  const voice = `fake;ttfb=${setting('TTS_TTFB', 0)};pace=${setting('TTS_PACE', 1)};ms=${setting('TTS_MS', 1000)}`;
  const llm = { PARLEY_LLM: 'openai', PARLEY_LLM_MODEL: model, OPENAI_BASE_URL: FAKES_URL };
  const tts = { PARLEY_TTS: 'openai', PARLEY_TTS_VOICE: voice, PARLEY_TTS_BASE_URL: FAKES_URL };
  const avatar = { PARLEY_AVATAR: process.env.PARLEY_AVATAR ?? 'local' };
  const app = (name, app, env) => [name, REPOSITORY, [`dist/apps/${app}/main.cjs`], { ...COMMON, ...avatar, ...env }];
  const workers = (n) => [
    app(`orch${n}`, 'turn-orchestrator', llm),
    app(`tts${n}`, 'tts-worker', tts),
    ...(avatar.PARLEY_AVATAR === 'none' ? [] : [app(`avatar${n}`, 'avatar-bridge', {})]),
  ];
  const gateway = app('gateway', 'gateway', { PARLEY_PORT: '27001', PARLEY_API_KEYS: 'dev' });
  const infra = ['nats', 'redis'];
  return {
    parley: { procs: [...workers(1), gateway], adapter: 'parley', infra },
    parley2: { procs: [...workers(1), ...workers(2), gateway], adapter: 'parley', infra },
    standalone: {
      procs: [app('standalone', 'standalone', { ...llm, ...tts, PARLEY_PORT: '27001' })],
      adapter: 'parley',
    },
  };
}
