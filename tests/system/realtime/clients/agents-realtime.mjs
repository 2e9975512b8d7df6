// `@openai/agents-realtime`: the session does for itself what other clients do in events.

import { createRequire } from 'node:module';
import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import { z } from 'zod';
import { playScenarios, serverUrl } from './program.mjs';
import questions from './questions.json' with { type: 'json' };

/** It brings a `ws` of its own version. */
const { WebSocket: ItsWebSocket } = createRequire(import.meta.resolve('@openai/agents-realtime'))('ws');
const BYTES_PER_MS = 48;
const INTERRUPTED_AFTER_MS = 1_000;
const PATIENCE_MS = 20_000;
const url = new URL('/v1/realtime?model=gpt-realtime', serverUrl());
url.protocol = url.protocol.replace('http', 'ws');

const weather = tool({
  name: 'weather',
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: async () => '22',
});
const agentWith = (more = {}) =>
  new RealtimeAgent({ name: 'host', instructions: 'Be brief.', tools: [weather], ...more });

/** @typedef {(question: string) => string} Say @typedef {import('./program.mjs').Told} Told */

/**
 * The first event of the session, or of its transport, for which the predicate holds, from now on.
 *
 * @param {RealtimeSession} session
 * @param {string} name
 * @param {(...args: any[]) => boolean} [isIt]
 */
function next(session, name, isIt = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`did not come: ${name}`)), PATIENCE_MS);
    const take = (/** @type {any[]} */ ...args) => {
      if (!isIt(...args)) return;
      clearTimeout(timer);
      session.off(name, take);
      resolve(args);
    };
    session.on(name, take);
  });
}

const nextOnWire = (/** @type {RealtimeSession} */ session, /** @type {(event: any) => boolean} */ isIt) =>
  next(session, 'transport_event', isIt);

async function turn(/** @type {RealtimeSession} */ session, /** @type {string} */ text) {
  const ended = next(session, 'agent_end');
  session.sendMessage(text);
  await ended;
}

/** Resolves when the story is heard; the promise within, when it has ended. */
async function beginStory(/** @type {RealtimeSession} */ session, /** @type {Say} */ say, /** @type {Told} */ told) {
  const before = told.audioBytes;
  const ended = next(session, 'agent_end');
  const heard = next(session, 'audio', () => told.audioBytes - before >= INTERRUPTED_AFTER_MS * BYTES_PER_MS);
  session.sendMessage(say(questions.story));
  await heard;
  return { ended };
}

/** @type {Record<string, (session: RealtimeSession, say: Say, told: Told) => Promise<void>>} */
const SCENARIOS = {
  'text turn': (session, say) => turn(session, say(questions.garden)),

  'several turns': async (session, say) => {
    for (const question of [questions.garden, questions.pond, questions.attic]) await turn(session, say(question));
  },

  'interruption, truncate, retrieve': async (session, say, told) => {
    const { ended } = await beginStory(session, say, told);
    const retrieved = nextOnWire(session, ({ type }) => type === 'conversation.item.retrieved');
    // It cancels and truncates, and asks for the item when it is cut.
    session.interrupt();
    await Promise.all([ended, retrieved]);
    await turn(session, say(questions.where));
  },

  'function call': async (session, say) => {
    const answered = next(session, 'agent_end', (_context, _agent, text) => text.includes('22'));
    session.sendMessage(say(questions.weather));
    await answered;
  },

  'out of band': async (session, say, told) => {
    const { ended } = await beginStory(session, say, told);
    const beside = {
      ...{ conversation: 'none', output_modalities: ['text'], metadata: { purpose: 'title' } },
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: say(questions.title) }] }],
    };
    const isTitle = (/** @type {any} */ { type, response }) =>
      type === 'response.done' && response.metadata?.purpose === 'title';
    const done = nextOnWire(session, isTitle);
    // It waits with this until the story has ended, whatever conversation it is for.
    session.transport.sendEvent({ type: 'response.create', response: beside });
    session.interrupt();
    await Promise.all([ended, done]);
    await turn(session, say(questions.where));
  },

  'error and recovery': async (session, say) => {
    const refused = (/** @type {string} */ id) =>
      nextOnWire(session, ({ type, error }) => type === 'error' && error.event_id === id);
    const nothing = refused('nothing_runs');
    session.transport.sendEvent({ type: 'response.cancel', event_id: 'nothing_runs' });
    await nothing;
    const unknown = refused('unknown_field');
    session.transport.sendEvent({ type: 'response.create', event_id: 'unknown_field', response: { volume: 11 } });
    await unknown;
    await turn(session, say(questions.garden));
  },

  'session update': async (session, say) => {
    await turn(session, say(questions.garden));
    const updated = nextOnWire(session, ({ type }) => type === 'session.updated');
    await session.updateAgent(agentWith({ instructions: questions.instructions }));
    await updated;
    await turn(session, say(questions.pond));
  },
};

const scenarios = Object.entries(SCENARIOS).map(([scenario, play]) => [
  scenario,
  async (/** @type {Told} */ told, /** @type {Say} */ say) => {
    const session = new RealtimeSession(agentWith(), { transport: 'websocket', model: 'gpt-realtime' });
    session.on('audio', ({ data }) => (told.audioBytes += data.byteLength));
    session.on('agent_end', (_context, _agent, text) => told.answers.push(text));
    session.on('error', ({ error }) => told.errors.push(error?.error?.code ?? String(error)));
    const ready = nextOnWire(session, ({ type }) => type === 'session.updated');
    try {
      await session.connect({ apiKey: 'dev', url: url.href });
      await ready;
      await play(session, say, told);
    } finally {
      session.close();
    }
  },
]);
await playScenarios('agents-realtime', Object.fromEntries(scenarios), ItsWebSocket);
