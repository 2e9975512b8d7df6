import type { Rendering, VoiceJobKey } from '@parley/model';
import { EpochFence, remember } from '@parley/service-link';

/** Ended jobs remembered: repeated orders come within seconds. */
const MAX_ENDED = 2_000;

export type JobOutcome = 'finished' | 'cancelled' | 'failed' | 'dropped';

/** What a job is known by: a response has at most one rendering under way here. */
export const jobName = (key: VoiceJobKey): string => `${key.sessionId}/${key.lane}/${key.ordinal}`;

/** Negative when `a` is the older one. */
export const compareRenderings = (a: Rendering, b: Rendering): number => a.epoch - b.epoch || a.attempt - b.attempt;

/**
 * Recognises late orders by their numbers (design §3): those of an owner that has a successor, and those of a rendering
 * that has ended here.
 */
export class JobFence {
  private readonly epochs = new EpochFence();
  private readonly ended = new Map<string, Rendering & { outcome: JobOutcome }>();

  /** False when a higher epoch of that session was seen; else this one is now the highest. */
  admits(key: VoiceJobKey): boolean {
    return this.epochs.admits(key.sessionId, key.epoch);
  }

  end(key: VoiceJobKey, outcome: JobOutcome): void {
    const known = this.ended.get(jobName(key));
    if (known !== undefined && compareRenderings(known, key) >= 0) return;
    remember(this.ended, jobName(key), { epoch: key.epoch, attempt: key.attempt, outcome }, MAX_ENDED);
  }

  /** How this rendering ended here, `superseded` if it is older than one that ended; undefined if it never ran here. */
  outcomeOf(key: VoiceJobKey): JobOutcome | 'superseded' | undefined {
    const known = this.ended.get(jobName(key));
    if (known === undefined || compareRenderings(known, key) < 0) return undefined;
    return compareRenderings(known, key) === 0 ? known.outcome : 'superseded';
  }
}
