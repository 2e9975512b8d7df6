import { type Incarnation, subjects, type VoiceFailed } from '@parley/model';
import type { BusPort, LogPort, TimersPort } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';

/** How often an owner is told again, and for how long: then it has a successor, or its own deadline has passed. */
const REPEAT_MS = 250;
const MAX_NOTICES = 20;

/** Tells owners that a voice failed, again and again until they have acknowledged it. */
export class FailureNotices {
  private readonly closing = new AbortController();

  constructor(
    private readonly bus: BusPort,
    private readonly timers: TimersPort,
    private readonly log: LogPort,
  ) {}

  /** Resolves when the owner has acknowledged, after 5 s, or when this is closed. */
  async tell(owner: Incarnation, traceparent: string, failed: VoiceFailed): Promise<void> {
    const payload = encodeEnvelope(traceparent, failed);
    for (let notice = 0; notice < MAX_NOTICES && !this.closing.signal.aborted; notice++) {
      const pause = this.pause();
      const outcome = await this.bus.request(subjects.ownerVoice(owner), payload, {
        timeoutMs: REPEAT_MS,
        signal: this.closing.signal,
      });
      if (outcome.kind === 'reply') {
        pause.cancel();
        return;
      }
      // Without responders or a link the answer comes at once: the next notice still keeps its distance.
      await pause.over;
    }
    this.log.warn('an owner did not acknowledge a failure of the voice', { sessionId: failed.sessionId });
  }

  close(): void {
    this.closing.abort();
  }

  private pause(): { over: Promise<void>; cancel: () => void } {
    let cancel = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      const end = (): void => {
        cancelTimer();
        this.closing.signal.removeEventListener('abort', end);
        resolve();
      };
      const cancelTimer = this.timers.after(REPEAT_MS, end);
      this.closing.signal.addEventListener('abort', end);
      cancel = end;
    });
    return { over, cancel };
  }
}
