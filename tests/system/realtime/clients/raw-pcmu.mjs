// No client library at all, as behind a telephone: raw `ws`, and audio as G.711 µ-law.

import { WebSocket } from 'ws';
import { Conversation } from './conversation.mjs';
import { playScenarios, serverUrl } from './program.mjs';
import { SCENARIOS } from './scenarios.mjs';

const BYTES_PER_MS = 8;
const url = new URL('/v1/realtime?model=gpt-realtime', serverUrl());
url.protocol = url.protocol.replace('http', 'ws');

const scenarios = Object.entries(SCENARIOS).map(([scenario, play]) => [
  scenario,
  async (told, say) => {
    const socket = new WebSocket(url, { headers: { authorization: 'Bearer dev' } });
    const talk = new Conversation((event) => socket.send(JSON.stringify(event)), told, BYTES_PER_MS);
    socket.on('message', (data) => talk.take(JSON.parse(String(data))));
    try {
      await talk.next('session.created', 0);
      const session = { type: 'realtime', audio: { output: { format: { type: 'audio/pcmu' } } } };
      talk.send({ type: 'session.update', session });
      await talk.next('session.updated', 0);
      await play(talk, say);
    } finally {
      socket.close(1000);
    }
  },
]);
await playScenarios('raw-pcmu', Object.fromEntries(scenarios), WebSocket);
