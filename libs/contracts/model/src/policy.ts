/** What a final transcript does while the agent works or speaks. */
export const BUSY_POLICIES = ['reject', 'interrupt', 'queue'] as const;
export type BusyPolicy = (typeof BUSY_POLICIES)[number];

/** How much of a final transcript a speculative one must have been, letters and digits alone compared. */
export const COMMIT_POLICIES = ['prefix', 'exact'] as const;
export type CommitPolicy = (typeof COMMIT_POLICIES)[number];

/** What speech that may turn out to be none does to the agent's voice. */
export const FALSE_INTERRUPTION_POLICIES = ['ignore', 'pause'] as const;
export type FalseInterruptionPolicy = (typeof FALSE_INTERRUPTION_POLICIES)[number];

/** The part of the policy that a client chooses for its session (`parley.policy.update`). */
export interface SessionPolicy {
  /**
   * `reject`: refused while a response is live. `interrupt`: cuts the response and what still plays, and takes the
   * floor. `queue`: waits until the response is over.
   */
  busy: BusyPolicy;
  /** `prefix`: the final equals the speculative transcript or extends it. `exact`: equals it. */
  commit: CommitPolicy;
  /** Responses that begin from now on can be interrupted by speech and by turns. An explicit interrupt always can. */
  interruptible: boolean;
  /** The user has to speak for so long before speech interrupts. */
  minSpeechMs: number;
  /** So many words of the utterance must be known before speech interrupts; 0: speech alone does. */
  minWords: number;
  /** Words that only show that the user listens ("mhm"). An utterance of nothing else neither interrupts nor is a turn while the agent speaks. */
  backchannels: string[];
  /** So much of a response must have been played before speech interrupts it: what is heard first may be its own echo. */
  coolDownMs: number;
  /** `pause`: the client stops playing when speech begins, and goes on at the same sample if no words follow. `ignore`: it plays on. */
  falseInterruption: FalseInterruptionPolicy;
  /** Words must follow within so long after speech began or ended. */
  falseInterruptionMs: number;
  /** Silent for so long with nothing heard, the user counts as away; null: never. */
  awayAfterMs: number | null;
  /** What the model is told then, for one answer; null: it is not asked. */
  awayPrompt: string | null;
}

/** `SessionPolicy` on the wire. */
export interface WirePolicy {
  busy: BusyPolicy;
  commit: CommitPolicy;
  interruptible: boolean;
  min_speech_ms: number;
  min_words: number;
  backchannels: string[];
  cool_down_ms: number;
  false_interruption: FalseInterruptionPolicy;
  false_interruption_ms: number;
  away_after_ms: number | null;
  away_prompt: string | null;
}

export const wirePolicy = (policy: SessionPolicy): WirePolicy => ({
  busy: policy.busy,
  commit: policy.commit,
  interruptible: policy.interruptible,
  min_speech_ms: policy.minSpeechMs,
  min_words: policy.minWords,
  backchannels: policy.backchannels,
  cool_down_ms: policy.coolDownMs,
  false_interruption: policy.falseInterruption,
  false_interruption_ms: policy.falseInterruptionMs,
  away_after_ms: policy.awayAfterMs,
  away_prompt: policy.awayPrompt,
});

/** Only what the wire object has. */
export const policyOfWire = (wire: Partial<WirePolicy>): Partial<SessionPolicy> => ({
  ...(wire.busy === undefined ? {} : { busy: wire.busy }),
  ...(wire.commit === undefined ? {} : { commit: wire.commit }),
  ...(wire.interruptible === undefined ? {} : { interruptible: wire.interruptible }),
  ...(wire.min_speech_ms === undefined ? {} : { minSpeechMs: wire.min_speech_ms }),
  ...(wire.min_words === undefined ? {} : { minWords: wire.min_words }),
  ...(wire.backchannels === undefined ? {} : { backchannels: wire.backchannels }),
  ...(wire.cool_down_ms === undefined ? {} : { coolDownMs: wire.cool_down_ms }),
  ...(wire.false_interruption === undefined ? {} : { falseInterruption: wire.false_interruption }),
  ...(wire.false_interruption_ms === undefined ? {} : { falseInterruptionMs: wire.false_interruption_ms }),
  ...(wire.away_after_ms === undefined ? {} : { awayAfterMs: wire.away_after_ms }),
  ...(wire.away_prompt === undefined ? {} : { awayPrompt: wire.away_prompt }),
});

/** The turn policy of a session: what the engine may decide, and how long each wait may last. All times in ms. */
export interface TurnPolicy extends SessionPolicy {
  /** Turns that may wait under `queue`; one more is refused. */
  maxQueuedTurns: number;
  /** Speculative answers begun for one turn at most. */
  maxSpeculativeStarts: number;
  /** A speculative answer waits for its final transcript so long. */
  speculationTimeoutMs: number;
  /** A user who never stops speaking and says nothing is noise after so long. */
  maxSpeechMs: number;
  /** With at least this many characters heard, an interrupted answer enters the history (marked as interrupted). */
  minPartialChars: number;
  /** First token of the language model. */
  firstTokenTimeoutMs: number;
  /** Any later token of the language model. */
  tokenTimeoutMs: number;
  /** A function's result is waited for so long; one that comes later still counts. */
  toolTimeoutMs: number;
  /** No newly delivered sample and no newly played sample of a response that still owes audio. */
  voiceTimeoutMs: number;
  /** An avatar that was given a response begins to speak it. */
  avatarStartTimeoutMs: number;
  /** An avatar that was cancelled, or whose response is over, says that it is done. */
  avatarDoneTimeoutMs: number;
  /** How long after the expected end of playback a tail may still be "playing" (DR2: 300–600). */
  drainTimeoutMs: number;
  /** A session without any input for so long is closed. */
  idleTimeoutMs: number;
  /** A session is closed so long after it began, whatever goes on. */
  sessionMaxMs: number;
  /** A client whose connection was lost may be back in a moment: its answer goes on for so long. */
  reconnectGraceMs: number;
  /** So long after its connection was lost a session is kept for its client. */
  reconnectTimeoutMs: number;
  /** The history the model gets, in characters of text; older items stay out of the request. */
  maxContextChars: number;
}

export const DEFAULT_POLICY: TurnPolicy = {
  busy: 'reject',
  maxQueuedTurns: 4,
  commit: 'prefix',
  interruptible: true,
  // Half a second is no cough, and short enough to feel heard (as LiveKit's `min_interruption_duration`).
  minSpeechMs: 500,
  minWords: 1,
  // Sounds, not answers: "yes" and "ok" may be what the agent asked for.
  backchannels: ['mhm', 'mm-hmm', 'mm', 'hmm', 'hm', 'uh-huh', 'aha'],
  coolDownMs: 0,
  falseInterruption: 'ignore',
  falseInterruptionMs: 2_000,
  awayAfterMs: null,
  awayPrompt: null,
  maxSpeechMs: 60_000,
  maxSpeculativeStarts: 3,
  speculationTimeoutMs: 10_000,
  minPartialChars: 1,
  firstTokenTimeoutMs: 20_000,
  tokenTimeoutMs: 5_000,
  toolTimeoutMs: 60_000,
  voiceTimeoutMs: 5_000,
  avatarStartTimeoutMs: 5_000,
  avatarDoneTimeoutMs: 2_000,
  drainTimeoutMs: 500,
  idleTimeoutMs: 10 * 60_000,
  // As the Realtime API's.
  sessionMaxMs: 60 * 60_000,
  reconnectGraceMs: 5_000,
  // A tunnel, a lift, a change of networks; a client of ours gives up after 60 s of trying (RT9).
  reconnectTimeoutMs: 120_000,
  // About 8k tokens of English: fits the smallest context windows in use with room for the answer.
  maxContextChars: 32_000,
};

/** What follows the heard part of an interrupted answer in the model's history. Exact: PROTOCOL.md, "Heard text". */
export const INTERRUPTION_MARK = ' [interrupted by the user]';
