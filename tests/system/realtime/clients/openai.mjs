import OpenAI from 'openai';
import { WebSocket } from 'ws';
import { Conversation } from './conversation.mjs';
import { playScenarios, serverUrl } from './program.mjs';
import { SCENARIOS } from './scenarios.mjs';

const BYTES_PER_MS = 48;

/**
 * Plays the scenarios with one of the two WebSocket classes of `openai`.
 *
 * @param {string} name
 * @param {new (props: { model: string }, client: OpenAI) => import('openai/realtime/ws').OpenAIRealtimeWS
 *   | import('openai/realtime/websocket').OpenAIRealtimeWebSocket} Realtime
 */
export function playWithOpenai(name, Realtime) {
  const client = new OpenAI({ apiKey: 'dev', baseURL: new URL('/v1', serverUrl()).href });
  const scenarios = Object.entries(SCENARIOS).map(([scenario, play]) => [
    scenario,
    async (told, say) => {
      const realtime = new Realtime({ model: 'gpt-realtime' }, client);
      const talk = new Conversation((event) => realtime.send(event), told, BYTES_PER_MS);
      realtime.on('event', (event) => talk.take(event));
      // Without a listener an error of the server's ends the process.
      realtime.on('error', (error) => {
        if (error.error === undefined) throw error;
      });
      try {
        await talk.next('session.created', 0);
        await play(talk, say);
      } finally {
        realtime.close();
      }
    },
  ]);
  return playScenarios(name, Object.fromEntries(scenarios), WebSocket);
}
