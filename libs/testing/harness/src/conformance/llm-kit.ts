import type { ChatMessage, LlmEvent, LlmPort, LlmRequest, SystemPorts } from '@parley/ports';

/**
 * An adapter of the language model before a provider that gives the same answer to the same request: more than 20
 * sentences to one who asks for a long story, a few to anyone else; nothing in the first 50 ms, and a long story takes
 * more than half a second. It calls the offered tools that the user names, and what the choice demands; a conversation that
 * ends with results is answered with their words. Given the beginning of an answer it writes the rest of the same one.
 */
export interface LlmSubject {
  llm: LlmPort;
  /** The time that passes here. */
  system: SystemPorts;
  /** Makes time pass until the work is done. */
  run(work: () => Promise<void>): Promise<void>;
  /** Answers that the provider still works on or waits for, as the provider sees it. */
  answersUnderWay(): number;
  dispose(): Promise<void>;
}

/** An abort is done before a listener could notice (design §4); a consumer must not wait for a provider. */
export const ABORT_LIMIT_MS = 100;
/** A provider has heard of it by then, on a busy machine too, and a long story is not over. */
const FREE_LIMIT_MS = 300;

export const ask = (content: string, before: ChatMessage[] = []): LlmRequest => ({
  model: undefined,
  continues: null,
  messages: [...before, { role: 'user', content }],
});
export const textOf = (events: readonly LlmEvent[]): string =>
  events.map((event) => (event.kind === 'text' ? event.text : '')).join('');

/** What the cases share: answers read in several ways, time, and when the provider has let go. */
export class LlmKit {
  constructor(private readonly subject: LlmSubject) {}

  get llm(): LlmPort {
    return this.subject.llm;
  }

  get nowMs(): number {
    return this.subject.system.clock.nowMs();
  }

  get answersUnderWay(): number {
    return this.subject.answersUnderWay();
  }

  stream(request: LlmRequest, signal = new AbortController().signal): AsyncIterator<LlmEvent> {
    return this.llm.generate(request, signal)[Symbol.asyncIterator]();
  }

  async all(request: LlmRequest, betweenMs = 0): Promise<LlmEvent[]> {
    const events: LlmEvent[] = [];
    for await (const event of this.llm.generate(request, new AbortController().signal)) {
      events.push(event);
      if (betweenMs > 0) await this.pause(betweenMs);
    }
    return events;
  }

  /** The rest of a stream that should be over, and how long that took. */
  async rest(stream: AsyncIterator<LlmEvent>): Promise<{ events: LlmEvent[]; tookMs: number }> {
    const startMs = this.nowMs;
    const events: LlmEvent[] = [];
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) events.push(next.value);
    return { events, tookMs: this.nowMs - startMs };
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.subject.system.timers.after(ms, resolve);
    });
  }

  /** Of a long story, sooner than the provider would be done with it anyway. */
  async providerIsFree(): Promise<void> {
    const deadlineMs = this.nowMs + FREE_LIMIT_MS;
    while (this.answersUnderWay > 0) {
      if (this.nowMs > deadlineMs) throw new Error(`the provider still works after ${FREE_LIMIT_MS} ms`);
      await this.pause(1);
    }
  }
}

export interface LlmCase {
  title: string;
  check(kit: LlmKit): Promise<void>;
}
