// The scenarios with clients that speak in events.

import questions from './questions.json' with { type: 'json' };

/**
 * @typedef {import('./conversation.mjs').Conversation} Conversation
 * @typedef {(question: string) => string} Say
 */

/** Of audio: the first sentence has come by then, and the story goes on for much longer. */
const INTERRUPTED_AFTER_MS = 1_000;
const HEARD_MS = 300;
const WEATHER = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const userItem = (/** @type {string} */ text) => ({
  ...{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

/** Pipelined: neither event waits for an answer to the one before. */
async function ask(/** @type {Conversation} */ talk, /** @type {string} */ text) {
  const from = talk.here;
  talk.send({ type: 'conversation.item.create', item: userItem(text) });
  talk.send({ type: 'response.create' });
  return begun(talk, from);
}

async function begun(/** @type {Conversation} */ talk, /** @type {number} */ from) {
  const { response } = await talk.next('response.created', from);
  return { id: response.id, from };
}

/** @param {Conversation} talk @param {{ id: string, from: number }} asked */
async function end(talk, { id, from }) {
  const { response } = await talk.next('response.done', from, (event) => event.response.id === id);
  return response;
}

async function turn(/** @type {Conversation} */ talk, /** @type {string} */ text) {
  const response = await end(talk, await ask(talk, text));
  if (response.status !== 'completed') throw new Error(`${text} ended as ${response.status}`);
}

async function update(/** @type {Conversation} */ talk, /** @type {Record<string, unknown>} */ session) {
  const from = talk.here;
  talk.send({ type: 'session.update', session: { type: 'realtime', ...session } });
  await talk.next('session.updated', from);
}

/** @type {Record<string, (talk: Conversation, say: Say) => Promise<void>>} */
export const SCENARIOS = {
  'text turn': (talk, say) => turn(talk, say(questions.garden)),

  'several turns': async (talk, say) => {
    for (const question of [questions.garden, questions.pond, questions.attic]) await turn(talk, say(question));
  },

  'interruption, truncate, retrieve': async (talk, say) => {
    const story = await ask(talk, say(questions.story));
    const { item } = await talk.next('response.output_item.added', story.from);
    await talk.until('audio', () => talk.heardMs >= INTERRUPTED_AFTER_MS);
    talk.send({ type: 'response.cancel' });
    talk.send({ type: 'conversation.item.truncate', item_id: item.id, content_index: 0, audio_end_ms: HEARD_MS });
    await Promise.all([end(talk, story), talk.next('conversation.item.truncated', story.from)]);
    talk.send({ type: 'conversation.item.retrieve', item_id: item.id });
    await talk.next('conversation.item.retrieved', story.from);
    await turn(talk, say(questions.where));
  },

  'function call': async (talk, say) => {
    await update(talk, { tools: [WEATHER], tool_choice: 'auto' });
    const asked = await ask(talk, say(questions.weather));
    const call = await talk.next('response.function_call_arguments.done', asked.from);
    // At once: the response that made the call goes on.
    const output = { type: 'function_call_output', call_id: call.call_id, output: '22' };
    talk.send({ type: 'conversation.item.create', item: output });
    await end(talk, asked);
    const from = talk.here;
    talk.send({ type: 'response.create' });
    await end(talk, await begun(talk, from));
  },

  'out of band': async (talk, say) => {
    const story = await ask(talk, say(questions.story));
    await talk.until('audio', () => talk.heardMs > 0);
    const from = talk.here;
    const beside = {
      ...{ conversation: 'none', output_modalities: ['text'], metadata: { purpose: 'title' } },
      input: [userItem(say(questions.title))],
    };
    talk.send({ type: 'response.create', response: beside });
    await end(talk, await begun(talk, from));
    talk.send({ type: 'response.cancel', response_id: story.id });
    await end(talk, story);
    await turn(talk, say(questions.where));
  },

  'error and recovery': async (talk, say) => {
    const from = talk.here;
    talk.send({ type: 'response.cancel', event_id: 'nothing_runs' });
    await talk.next('error', from, ({ error }) => error.event_id === 'nothing_runs');
    talk.send({ type: 'response.create', event_id: 'unknown_field', response: { volume: 11 } });
    await talk.next('error', from, ({ error }) => error.event_id === 'unknown_field');
    await turn(talk, say(questions.garden));
  },

  'session update': async (talk, say) => {
    await turn(talk, say(questions.garden));
    await update(talk, { instructions: questions.instructions });
    await turn(talk, say(questions.pond));
  },
};
