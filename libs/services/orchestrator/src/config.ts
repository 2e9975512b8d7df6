import type { TurnPolicy } from '@parley/model';

export interface OrchestratorConfig {
  instructions: string;
  /** The language model of every session whose connection names no mapped one. */
  model: string;
  /** The voice of every session; null: the voice adapter's own. */
  voice: string | null;
  /** Models an application may name in `?model=`, to the model that is used. */
  modelMap: Readonly<Record<string, string>>;
  /** Voices as clients name them, to the voice worker's names; one that is not here goes on as it is. */
  voiceMap: Readonly<Record<string, string>>;
  policy: TurnPolicy;
  /** A local face is served: the voice is asked for timings. */
  lipSync: boolean;
  /** Above this many sessions this process claims no more. */
  maxSessions: number;
  /** Of the event loop, in ms: above it this process takes no new sessions, only those whose owner was lost. */
  maxLagMs: number;
  /** Every step is published for the journal. It holds what was said. */
  journal: boolean;
}

/** A session that was claimed is kept for so long until its owner writes it with its client attached. */
export const CLAIMED_TTL_MS = 5 * 60_000;
/** A session's state outlives the session by this, for a take-over in its last moments. */
export const OUTLIVES_MS = 30_000;
/** A session that ended leaves its epoch for so long, so that late orders stay fenced. */
export const TOMBSTONE_MS = 60_000;
