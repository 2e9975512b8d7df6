// What the programs beside it share: each plays the scenarios with one client, on a connection of its own for each, and
// prints a line of JSON for each. They know the server by its URL alone.

const SCENARIO_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Told what a client handed to its application
 * @property {number} audioBytes
 * @property {string[]} answers
 * @property {string[]} errors codes
 *
 * @typedef {{ sent: unknown } | { received: unknown }} Passed
 */

/**
 * @param {string} client its name, which stands in everything it says
 * @param {Record<string, (told: Told, say: (question: string) => string) => Promise<void>>} scenarios
 * @param {typeof import('ws').WebSocket} WebSocket the class that the client connects with
 */
export async function playScenarios(client, scenarios, WebSocket) {
  for (const [scenario, play] of Object.entries(scenarios)) {
    const told = { audioBytes: 0, answers: [], errors: [] };
    const wire = recordSockets(WebSocket);
    const say = (/** @type {string} */ question) => `${question} (${client}, ${scenario})`;
    const failure = await failureOf(play(told, say));
    process.stdout.write(`${JSON.stringify({ scenario, failure, told, wire: wire.stop() })}\n`);
  }
}

/** The address of the server, from the command line. */
export const serverUrl = () => new URL(process.argv[2] ?? '');

/** @param {Promise<void>} playing */
async function failureOf(playing) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it did not end')), SCENARIO_TIMEOUT_MS);
  });
  try {
    await Promise.race([playing, late]);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whatever passes the sockets of a class, in order. The client knows nothing of it.
 *
 * @param {typeof import('ws').WebSocket} WebSocket
 */
function recordSockets(WebSocket) {
  const { send, emit } = WebSocket.prototype;
  /** @type {Passed[]} */
  const passed = [];
  WebSocket.prototype.send = function (/** @type {string} */ data, ...rest) {
    passed.push({ sent: JSON.parse(data) });
    return send.call(this, data, ...rest);
  };
  WebSocket.prototype.emit = function (name, ...args) {
    if (name === 'message') passed.push({ received: JSON.parse(String(args[0])) });
    return emit.call(this, name, ...args);
  };
  return {
    stop: () => {
      Object.assign(WebSocket.prototype, { send, emit });
      return passed;
    },
  };
}
