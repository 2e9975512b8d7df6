import type { LlmEvent, LlmPort, LlmRequest, TimersPort } from '@parley/ports';
import { demoAnswer } from './demo-answer';
import { demoCalls } from './demo-calls';

/** About what a small model on one's own machine needs; faster than speech, slow enough to be interrupted. */
const FIRST_WORD_MS = 120;
const WORD_MS = 25;

/**
 * A language model without network and key, so that Parley speaks before anything is configured: a small script,
 * word by word. It calls an offered tool when the user says its name, and tells the result. The same request gives the same
 * answer.
 */
export const createDemoLlm = ({ timers }: { timers: TimersPort }): LlmPort => new DemoLlm(timers);

class DemoLlm implements LlmPort {
  readonly continuation = 'prefill';
  private readonly running = new Set<AbortController>();
  private closed = false;

  constructor(private readonly timers: TimersPort) {}

  async *generate(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent, void> {
    if (signal.aborted || this.closed) return;
    const run = new AbortController();
    const abort = (): void => run.abort();
    signal.addEventListener('abort', abort, { once: true });
    this.running.add(run);
    try {
      const answer = answerTo(request);
      for (const [index, event] of answer.entries()) {
        if (!(await this.pause(index === 0 ? FIRST_WORD_MS : WORD_MS, run.signal))) return;
        yield event;
      }
      if (run.signal.aborted) return;
      const inputTokens = request.messages.reduce((sum, { content }) => sum + wordsOf(content).length, 0);
      yield { kind: 'finished', reason: 'stop', usage: { inputTokens, outputTokens: answer.length } };
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

/** The calls of tools, or the words of the answer, without those that have been given. */
function answerTo(request: LlmRequest): readonly LlmEvent[] {
  const calls = demoCalls(request);
  if (calls.length > 0) return calls;
  const given = request.continues?.trimEnd() ?? '';
  const whole = demoAnswer(request.messages);
  // The same request has the same answer, so a beginning of another one is of another conversation: nothing continues it.
  const rest = whole.startsWith(given) ? whole.slice(given.length) : '';
  return wordsOf(rest).map((text) => ({ kind: 'text', text }));
}

/** Words with the space before them: joined they are the text. */
const wordsOf = (text: string): string[] => text.match(/\s*\S+/g) ?? [];
