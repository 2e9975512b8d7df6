import type { OwnerOutput, ProviderFailureKind, ResponseId, ResponseStatus } from '@parley/model';

/** A message of the conversation as the model gets it. */
export interface ContextMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Orders. The owner starts `inside` ones at once; what leaves the owner waits until the write is confirmed (design §5). */
export type Effect =
  | { kind: 'start-generation'; lane: number; ordinal: number; model: string; messages: ContextMessage[] }
  | { kind: 'abort-generation'; lane: number; ordinal: number }
  | { kind: 'open-voice'; lane: number; ordinal: number; responseId: ResponseId; voice: string | null }
  | { kind: 'speak-segment'; lane: number; ordinal: number; segment: number; text: string }
  | { kind: 'end-voice'; lane: number; ordinal: number; segments: number }
  | { kind: 'cancel-voice'; lane: number; ordinal: number }
  | { kind: 'emit'; output: OwnerOutput }
  /** The session is over; its resources are released once. */
  | { kind: 'close-session'; reason: string }
  | { kind: 'observe'; observation: Observation };

/** What operators want to know; the owner makes metrics and log lines of it. */
export type Observation =
  | { name: 'first-token'; ms: number }
  | { name: 'response-ended'; status: ResponseStatus; responseId: ResponseId }
  | { name: 'interrupted'; cause: 'explicit' | 'cancel' | 'truncate'; responseId: ResponseId }
  | { name: 'provider-failed'; provider: 'llm' | 'tts'; failure: ProviderFailureKind; responseId: ResponseId }
  | { name: 'drain-timeout'; responseId: ResponseId; queuedSamples: number; elapsedMs: number };

/** True for what may start before the write: it stays inside the owner. */
export const staysInside = (effect: Effect): boolean =>
  effect.kind === 'start-generation' || effect.kind === 'abort-generation' || effect.kind === 'observe';
