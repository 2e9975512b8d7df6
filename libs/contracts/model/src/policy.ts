/** What a final transcript does while the agent works or speaks. */
export const BUSY_POLICIES = ['reject', 'interrupt', 'queue'] as const;
export type BusyPolicy = (typeof BUSY_POLICIES)[number];

/** How much of a final transcript a speculative one must have been, letters and digits alone compared. */
export const COMMIT_POLICIES = ['prefix', 'exact'] as const;
export type CommitPolicy = (typeof COMMIT_POLICIES)[number];

/** The part of the policy that a client chooses for its session (`parley.policy.update`). */
export interface SessionPolicy {
  /**
   * `reject`: refused while a response is live. `interrupt`: cuts the response and what still plays, and takes the
   * floor. `queue`: waits until the response is over.
   */
  busy: BusyPolicy;
  /** `prefix`: the final equals the speculative transcript or extends it. `exact`: equals it. */
  commit: CommitPolicy;
}

/** The turn policy of a session: what the engine may decide, and how long each wait may last. All times in ms. */
export interface TurnPolicy extends SessionPolicy {
  /** Turns that may wait under `queue`; one more is refused. */
  maxQueuedTurns: number;
  /** Speculative answers begun for one turn at most. */
  maxSpeculativeStarts: number;
  /** A speculative answer waits for its final transcript so long. */
  speculationTimeoutMs: number;
  /** With at least this many characters heard, an interrupted answer enters the history (marked as interrupted). */
  minPartialChars: number;
  /** First token of the language model. */
  firstTokenTimeoutMs: number;
  /** Any later token of the language model. */
  tokenTimeoutMs: number;
  /** No newly delivered sample and no newly played sample of a response that still owes audio. */
  voiceTimeoutMs: number;
  /** How long after the expected end of playback a tail may still be "playing" (DR2: 300–600). */
  drainTimeoutMs: number;
  /** A session without any input for so long is closed. */
  idleTimeoutMs: number;
  /** The history the model gets, in characters of text; older items stay out of the request. */
  maxContextChars: number;
}

export const DEFAULT_POLICY: TurnPolicy = {
  busy: 'reject',
  maxQueuedTurns: 4,
  commit: 'prefix',
  maxSpeculativeStarts: 3,
  speculationTimeoutMs: 10_000,
  minPartialChars: 1,
  firstTokenTimeoutMs: 20_000,
  tokenTimeoutMs: 5_000,
  voiceTimeoutMs: 5_000,
  drainTimeoutMs: 500,
  idleTimeoutMs: 10 * 60_000,
  // About 8k tokens of English: fits the smallest context windows in use with room for the answer.
  maxContextChars: 32_000,
};

/** What follows the heard part of an interrupted answer in the model's history. Exact: PROTOCOL.md, "Heard text". */
export const INTERRUPTION_MARK = ' [interrupted by the user]';
