import type { LlmRequest } from '@parley/ports';
import { ask, textOf, type LlmCase, type LlmKit } from './llm-kit';
import { answered, BOTH, call, namesOf, TOOLS } from './llm-tool-cases';

const STORY = 'Please tell me a long story.';

/** White space between the beginning and the rest may be on either side, or on none. */
const folded = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The first words and the white space after them. */
const firstWords = (text: string, words: number): string => (text.match(/\S+\s*/g) ?? []).slice(0, words).join('');

/** The answer as its beginning and what comes for that. */
async function continued(kit: LlmKit, request: LlmRequest, given: string): Promise<string> {
  const events = await kit.all({ ...request, continues: given });
  expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
  return folded(`${given} ${textOf(events)}`);
}

/** What was given to the user before the process that asked for it was lost. */
export const continuationCases: LlmCase[] = [
  {
    title: 'and its beginning are the answer, wherever it was cut',
    async check(kit) {
      const whole = textOf(await kit.all(ask(STORY)));
      const cut = [1, 17, 80].map((words) => firstWords(whole, words));
      const beginnings = [...cut, ...cut.map((given) => given.trimEnd())];
      const answers = await Promise.all(beginnings.map((given) => continued(kit, ask(STORY), given)));
      expect(answers).toEqual(beginnings.map(() => folded(whole)));
    },
  },
  {
    title: 'of which all was given has nothing more, which is no failure',
    async check(kit) {
      const whole = textOf(await kit.all(ask('Hello!')));
      for (const continues of [whole, `${whole}\n`]) {
        expect(await kit.all({ ...ask('Hello!'), continues })).toMatchObject([{ kind: 'finished', reason: 'stop' }]);
      }
    },
  },
  {
    title: 'of which nothing but white space was given is a new one',
    async check(kit) {
      const whole = textOf(await kit.all(ask('Hello!')));
      for (const continues of ['', ' \n']) expect(textOf(await kit.all({ ...ask('Hello!'), continues }))).toBe(whole);
    },
  },
  {
    title: 'may tell what tools have answered',
    async check(kit) {
      const calls = [call('1', 'get_weather'), call('2', 'lights-off')];
      const request = answered('', calls, ['It rains in all of Paris.', 'It is dark.']);
      const whole = textOf(await kit.all(request));
      expect(await continued(kit, request, firstWords(whole, 4))).toBe(folded(whole));
    },
  },
  {
    title: 'may call a tool after what was given',
    async check(kit) {
      const events = await kit.all({ ...ask(BOTH), tools: TOOLS, continues: 'One moment. ' });
      expect(namesOf(events)).toEqual(['get_weather', 'lights-off']);
      expect(textOf(events)).toBe('');
    },
  },
  {
    title: 'is aborted as any other: it ends without `finished`, and the provider is freed',
    async check(kit) {
      const abort = new AbortController();
      const continues = firstWords(textOf(await kit.all(ask(STORY))), 9);
      const stream = kit.stream({ ...ask(STORY), continues }, abort.signal);
      expect((await stream.next()).value).toMatchObject({ kind: 'text' });
      abort.abort();
      expect((await kit.rest(stream)).events).toEqual([]);
      await kit.providerIsFree();
    },
  },
];
