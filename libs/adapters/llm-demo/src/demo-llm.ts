import type { LlmEvent, LlmPort, LlmRequest, TimersPort } from '@parley/ports';
import { demoAnswer } from './demo-answer';

/** About what a small model on one's own machine needs; faster than speech, slow enough to be interrupted. */
const FIRST_WORD_MS = 120;
const WORD_MS = 25;

/**
 * A language model without network and key, so that Parley speaks before anything is configured: a small script,
 * word by word. The same messages give the same answer.
 */
export const createDemoLlm = ({ timers }: { timers: TimersPort }): LlmPort => new DemoLlm(timers);

class DemoLlm implements LlmPort {
  readonly continuation = 'prefill';
  private readonly running = new Set<AbortController>();
  private closed = false;

  constructor(private readonly timers: TimersPort) {}

  async *generate({ messages }: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent, void> {
    if (signal.aborted || this.closed) return;
    const run = new AbortController();
    const abort = (): void => run.abort();
    signal.addEventListener('abort', abort, { once: true });
    this.running.add(run);
    try {
      const words = wordsOf(demoAnswer(messages));
      for (const [index, text] of words.entries()) {
        if (!(await this.pause(index === 0 ? FIRST_WORD_MS : WORD_MS, run.signal))) return;
        yield { kind: 'text', text };
      }
      if (run.signal.aborted) return;
      const inputTokens = messages.reduce((sum, { content }) => sum + wordsOf(content).length, 0);
      yield { kind: 'finished', reason: 'stop', usage: { inputTokens, outputTokens: words.length } };
    } finally {
      signal.removeEventListener('abort', abort);
      this.running.delete(run);
    }
  }

  close(): Promise<void> {
    this.closed = true;
    for (const run of this.running) run.abort();
    return Promise.resolve();
  }

  /** False at once when aborted. */
  private pause(ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const abort = (): void => {
        cancel();
        resolve(false);
      };
      const cancel = this.timers.after(ms, () => {
        signal.removeEventListener('abort', abort);
        resolve(true);
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}

/** Words with the space before them: joined they are the text. */
const wordsOf = (text: string): string[] => text.match(/\s*\S+/g) ?? [];
