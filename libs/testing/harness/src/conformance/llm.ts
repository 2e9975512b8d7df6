import { INTERRUPTION_MARK } from '@parley/model';
import { continuationCases } from './llm-continuation-cases';
import { ABORT_LIMIT_MS, ask, LlmKit, textOf, type LlmCase, type LlmSubject } from './llm-kit';
import { toolCases } from './llm-tool-cases';

export type { LlmSubject } from './llm-kit';

const STORY = 'Please tell me a long story.';
const sentencesIn = (text: string): number => text.match(/[.!?]+(?=\s|$)/g)?.length ?? 0;

const answerCases: LlmCase[] = [
  {
    title: 'comes in more than one piece, ends with `finished` exactly once, and nothing follows it',
    async check(kit) {
      // Pieces that come in one packet are one: a short answer can be there whole before a busy reader looks.
      const events = await kit.all(ask(STORY));
      expect(events.filter((event) => event.kind === 'text').length).toBeGreaterThan(1);
      expect(events.filter((event) => event.kind !== 'text')).toEqual([events.at(-1)]);
      expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
    },
  },
  {
    title: 'never has an empty piece of text',
    async check(kit) {
      const events = [...(await kit.all(ask('Hello!'))), ...(await kit.all(ask(STORY)))];
      expect(events.filter((event) => event.kind === 'text' && event.text === '')).toEqual([]);
    },
  },
  {
    title: 'is the same text for the same messages',
    async check(kit) {
      const first = textOf(await kit.all(ask('What can you do?')));
      expect(textOf(await kit.all(ask('What can you do?')))).toBe(first);
      expect(first.trim()).not.toBe('');
    },
  },
  {
    title: 'reports usage in whole numbers that are not negative',
    async check(kit) {
      const finished = (await kit.all(ask('Hello!'))).at(-1);
      if (finished?.kind !== 'finished') throw new Error('not finished');
      for (const tokens of [finished.usage.inputTokens, finished.usage.outputTokens]) {
        expect(Number.isInteger(tokens) && tokens >= 0).toBe(true);
      }
    },
  },
  {
    title: 'has more than 20 sentences when asked for a long story, in order and whole',
    async check(kit) {
      const events = await kit.all(ask(STORY));
      expect(sentencesIn(textOf(events))).toBeGreaterThan(20);
      expect(events.at(-1)?.kind).toBe('finished');
    },
  },
  {
    title: 'takes instructions and a history with an interrupted answer',
    async check(kit) {
      const events = await kit.all(
        ask('Go on, please.', [
          { role: 'system', content: 'Be brief and friendly.' },
          { role: 'user', content: 'Tell me about the sea.' },
          { role: 'assistant', content: `The sea is wide and${INTERRUPTION_MARK}` },
        ]),
      );
      expect(textOf(events).trim()).not.toBe('');
      expect(events.at(-1)?.kind).toBe('finished');
    },
  },
  {
    title: 'loses nothing when the consumer is slow',
    async check(kit) {
      const slow = await kit.all(ask(STORY), 4);
      expect(textOf(slow)).toBe(textOf(await kit.all(ask(STORY))));
      expect(slow.at(-1)?.kind).toBe('finished');
    },
  },
  {
    title: 'does not mix with another one under way',
    async check(kit) {
      const alone = [textOf(await kit.all(ask(STORY))), textOf(await kit.all(ask('Hello!')))];
      const together = await Promise.all([kit.all(ask(STORY)), kit.all(ask('Hello!'))]);
      expect(together.map(textOf)).toEqual(alone);
    },
  },
];

const abortCases: LlmCase[] = [
  {
    title: 'before the start asks the provider for nothing and ends without an event',
    async check(kit) {
      const { events } = await kit.rest(kit.stream(ask(STORY), AbortSignal.abort()));
      expect([events, kit.answersUnderWay]).toEqual([[], 0]);
    },
  },
  {
    title: 'before the first piece ends the stream at once without an event and frees the provider',
    async check(kit) {
      const abort = new AbortController();
      const rest = kit.rest(kit.stream(ask(STORY), abort.signal));
      await kit.pause(5);
      const abortedMs = kit.nowMs;
      abort.abort();
      expect((await rest).events).toEqual([]);
      expect(kit.nowMs - abortedMs).toBeLessThan(ABORT_LIMIT_MS);
      await kit.providerIsFree();
    },
  },
  {
    title: 'while the next piece is awaited ends the stream at once without `finished` and frees the provider',
    async check(kit) {
      const abort = new AbortController();
      const stream = kit.stream(ask(STORY), abort.signal);
      await stream.next();
      const rest = kit.rest(stream);
      expect(kit.answersUnderWay).toBe(1);
      abort.abort();
      const { events, tookMs } = await rest;
      expect(events.filter((event) => event.kind !== 'text')).toEqual([]);
      expect(tookMs).toBeLessThan(ABORT_LIMIT_MS);
      await kit.providerIsFree();
    },
  },
  {
    title: 'between two pieces lets no further one through and frees the provider without being asked',
    async check(kit) {
      const abort = new AbortController();
      const stream = kit.stream(ask(STORY), abort.signal);
      await stream.next();
      await kit.pause(50);
      abort.abort();
      await kit.providerIsFree();
      expect((await kit.rest(stream)).events).toEqual([]);
    },
  },
  {
    title: 'after the end changes nothing',
    async check(kit) {
      const abort = new AbortController();
      const { events } = await kit.rest(kit.stream(ask('Hello!'), abort.signal));
      abort.abort();
      expect(events.at(-1)?.kind).toBe('finished');
      await kit.providerIsFree();
      expect((await kit.all(ask('Hello!'))).at(-1)?.kind).toBe('finished');
    },
  },
  {
    title: 'of one stream leaves another one alone',
    async check(kit) {
      const alone = textOf(await kit.all(ask(STORY)));
      const abort = new AbortController();
      const other = kit.all(ask(STORY));
      const stream = kit.stream(ask(STORY), abort.signal);
      await stream.next();
      abort.abort();
      expect(textOf(await other)).toBe(alone);
    },
  },
  {
    title: 'is not needed by a consumer that leaves: the provider is freed as well',
    async check(kit) {
      for await (const event of kit.llm.generate(ask(STORY), new AbortController().signal)) {
        expect(event.kind).toBe('text');
        break;
      }
      await kit.providerIsFree();
    },
  },
];

const closeCases: LlmCase[] = [
  {
    title: 'ends a stream under way without `finished`, frees the provider, and may be repeated',
    async check(kit) {
      const stream = kit.stream(ask(STORY));
      await stream.next();
      const rest = kit.rest(stream);
      await kit.llm.close();
      const { events, tookMs } = await rest;
      expect(events.filter((event) => event.kind === 'finished')).toEqual([]);
      expect(tookMs).toBeLessThan(ABORT_LIMIT_MS);
      await kit.providerIsFree();
      await kit.llm.close();
    },
  },
  {
    title: 'leaves a later request without an answer, and without an exception',
    async check(kit) {
      await kit.llm.close();
      const events = await kit.all(ask('Hello!'));
      expect(events.filter((event) => event.kind !== 'failed')).toEqual([]);
      expect(kit.answersUnderWay).toBe(0);
    },
  },
];

/** What every language model does, case by case; none depends on which adapter it is. */
export function describeLlmConformance(name: string, makeSubject: () => Promise<LlmSubject>): void {
  const declare = (cases: readonly LlmCase[]): void => {
    for (const { title, check } of cases) {
      it(title, async () => {
        const subject = await makeSubject();
        try {
          await subject.run(() => check(new LlmKit(subject)));
        } finally {
          await subject.run(() => subject.dispose());
        }
      });
    }
  };
  describe(`${name} as a language model`, () => {
    describe('an answer', () => declare(answerCases));
    describe('an abort', () => declare(abortCases));
    describe('a tool', () => declare(toolCases));
    describe('a continued answer', () => declare(continuationCases));
    describe('close', () => declare(closeCases));
  });
}
