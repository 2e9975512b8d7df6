import { INTERRUPTION_MARK } from '@parley/model';
import type { ChatMessage } from '@parley/ports';
import { toolResultsIn } from './demo-calls';
import { LONG_STORY } from './long-story';

const CONNECT =
  'I am a small built-in script, so I only know a few answers. To talk to a real language model, set OPENAI_API_KEY, or ' +
  'set OPENAI_BASE_URL to a server of your own, such as Ollama, and start Parley again.';
const NOTHING_SAID = 'Hello, I am Parley’s built-in demo. Say something, or ask me to tell you a long story.';
const ANYTHING_ELSE = 'That was all of it. What would you like to hear next?';

interface Topic {
  asks: RegExp;
  answer: (history: readonly ChatMessage[]) => string;
}

/** The first one that fits is the answer. */
const TOPICS: readonly Topic[] = [
  {
    asks: /\b(what('s| is)|do you (know|remember)|say) my name\b/i,
    answer: (history) => {
      const name = nameIn(history);
      return name === undefined
        ? 'You have not told me your name yet. Say: my name is, and then your name.'
        : `Your name is ${name}. I remember it from earlier in this conversation.`;
    },
  },
  {
    asks: /\b(my name is|my name's|call me)\s+\p{L}/iu,
    answer: (history) => `Nice to meet you, ${nameIn(history) ?? 'friend'}. I will remember that while we talk.`,
  },
  {
    asks: /\bstory\b|\b(tell|say|talk|speak|read)\b.*\b(long|longer|more)\b/i,
    answer: () => LONG_STORY,
  },
  {
    asks: /\b(connect|real model|language model|configure|set ?up|api key|openai|ollama)\b/i,
    answer: () => CONNECT,
  },
  {
    asks: /\b(who|what) are you\b|\bwhat can you do\b|\bwhat is parley\b|\bhelp\b/i,
    answer: () =>
      'I am the demo voice of Parley, a backbone for spoken conversations. I can greet you, remember your name, tell a ' +
      'long story, and stop the moment you interrupt me. Try it: ask for a story and talk over me.',
  },
  {
    asks: /\binterrupt/i,
    answer: () =>
      'Go ahead and interrupt me at any time. I stop at once, and I remember only the words that you have heard. Ask for ' +
      'a long story if you want to try.',
  },
  {
    asks: /\b(time|date|day|weather|news)\b/i,
    answer: () => 'I cannot look outside, so I do not know. A real language model with tools could. ' + CONNECT,
  },
  {
    asks: /\bjoke\b/i,
    answer: () =>
      'Two microphones meet in a bar. One says: I hear you have been listening to everybody. The other says: yes, but ' +
      'nobody ever lets me speak.',
  },
  { asks: /\bhow are you\b/i, answer: () => 'I am well, thank you. My answers are few but quick. And how are you?' },
  { asks: /\b(thanks|thank you)\b/i, answer: () => 'You are welcome. It was a pleasure to talk.' },
  { asks: /\b(good ?bye|bye|see you)\b/i, answer: () => 'Goodbye. Come back whenever you like.' },
  {
    asks: /\b(hello|hi|hey|good (morning|afternoon|evening))\b/i,
    answer: (history) => {
      const name = nameIn(history);
      return `Hello${name === undefined ? '' : `, ${name}`}. I am Parley’s built-in demo. What would you like to talk about?`;
    },
  },
];

/** The answer to the last thing the user said; when that has been answered, a question. */
export function demoAnswer(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1);
  const isAnswered = last?.role === 'assistant' && !last.content.endsWith(INTERRUPTION_MARK);
  return isAnswered ? ANYTHING_ELSE : answerTo(messages);
}

function answerTo(messages: readonly ChatMessage[]): string {
  const results = toolResultsIn(messages);
  if (results !== undefined) return results;
  const said = messages.filter(({ role }) => role === 'user').at(-1)?.content ?? '';
  if (said.trim() === '') return NOTHING_SAID;
  const topic = TOPICS.find(({ asks }) => asks.test(said));
  return (
    interruptionIn(messages) + (topic === undefined ? `You said: ${said.trim()} ${CONNECT}` : topic.answer(messages))
  );
}

/** The name the user gave last. Speech recognition often leaves it in lower case. */
function nameIn(messages: readonly ChatMessage[]): string | undefined {
  const names = messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => /\b(?:my name is|my name's|call me)\s+([\p{L}][\p{L}'’-]*)/iu.exec(content)?.[1]);
  const name = names.filter((each) => each !== undefined).at(-1);
  return name === undefined ? undefined : name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** Says what was heard of the previous answer if the user interrupted it. */
function interruptionIn(messages: readonly ChatMessage[]): string {
  const previous = messages.filter(({ role }) => role === 'assistant').at(-1)?.content ?? '';
  if (!previous.endsWith(INTERRUPTION_MARK)) return '';
  const heard = previous.slice(0, -INTERRUPTION_MARK.length).trim().split(/\s+/).slice(-5).join(' ');
  return `You interrupted me; the last you heard was: ${heard.replace(/[.!?,;:]+$/, '')}. `;
}
