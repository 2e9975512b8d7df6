// The official client, unmodified, as a program of its own: what it trusts is in NODE_EXTRA_CA_CERTS, and where it connects and with
// which key in the client's own variables. It prints one line of JSON.
//
//   secret '{"session": …}'    makes a client secret, and prints what came
//   turn <text> <event>        opens a session, sends the event (JSON), has the text answered, prints the session and the answer

import OpenAI from 'openai';
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket';
import { WebSocket } from 'ws';

/** Node has none of its own before 22. */
globalThis.WebSocket ??= WebSocket;

const ANSWER_TIMEOUT_MS = 20_000;
const [command, ...args] = process.argv.slice(2);
const result = command === 'secret' ? await makeSecret(JSON.parse(args[0] ?? '{}')) : await takeTurn(...args);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

/** @param {object} body */
function makeSecret(body) {
  return new OpenAI().realtime.clientSecrets.create(body).catch(({ status, error }) => ({ status, error }));
}

/**
 * @param {string} text
 * @param {string} [event]
 */
function takeTurn(text, event) {
  return new Promise((resolve) => {
    const connection = new OpenAIRealtimeWebSocket({ model: 'gpt-realtime' });
    /** @type {Record<string, unknown>} */
    const seen = { audioBytes: 0 };
    setTimeout(() => resolve({ ...seen, failure: 'timeout' }), ANSWER_TIMEOUT_MS);
    connection.on('error', ({ message }) => resolve({ ...seen, failure: message }));
    connection.on('session.created', ({ session }) => {
      seen.created = session;
      if (event) connection.send(JSON.parse(event));
      const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
      connection.send({ type: 'conversation.item.create', item });
      connection.send({ type: 'response.create' });
    });
    connection.on('session.updated', ({ session }) => (seen.updated = session));
    connection.on('response.output_audio.delta', ({ delta }) => {
      seen.audioBytes += Buffer.from(delta, 'base64').length;
    });
    connection.on('response.done', ({ response }) => {
      resolve({ ...seen, status: response.status, output: response.output });
      connection.close();
    });
  });
}
