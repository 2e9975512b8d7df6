import type { RateLimit } from '@parley/model';
import type { CancelTimer, LlmEvent, TimersPort } from '@parley/ports';
import { CompletionParser } from './completion-parser';
import type { AnswerBody } from './message-body';

/** How long usage, `[DONE]` and the end of the body may come after the answer's last text. */
const TRAILER_MS = 250;

/**
 * The events of one answer, which may have no text where `mayBeEmpty` says so. After `finished` the body is read to its end, so that the connection can be used again: then
 * the result is true. Otherwise the caller has to abort the request.
 */
export async function* readAnswer(
  body: AnswerBody,
  signal: AbortSignal,
  timers: TimersPort,
  { mayBeEmpty, rateLimits }: { mayBeEmpty: boolean; rateLimits: RateLimit[] },
): AsyncGenerator<LlmEvent, boolean> {
  const parser = new CompletionParser(mayBeEmpty, rateLimits);
  let cancelTimer: CancelTimer | undefined;
  try {
    for (;;) {
      const piece = await body.next();
      if (signal.aborted) return false;
      const { text, ending } = piece ? parser.push(piece) : { text: '', ending: parser.end() };
      if (text !== '') yield { kind: 'text', text };
      if (signal.aborted) return false;
      // Some servers leave the connection open after the last text.
      if (parser.isComplete || ending) cancelTimer ??= timers.after(TRAILER_MS, () => body.cancel());
      if (!ending) continue;
      for (const event of ending) {
        yield event;
        if (event.kind === 'failed' || signal.aborted) return false;
      }
      while (await body.next()) {
        // What follows the end is not looked at.
      }
      return true;
    }
  } finally {
    cancelTimer?.();
  }
}
