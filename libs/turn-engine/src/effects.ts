import type {
  OwnerOutput,
  ProviderFailureKind,
  ResponseId,
  ResponseStatus,
  SegmentPosition,
  TokenLimit,
  ToolCall,
  ToolChoice,
  ToolDefinition,
} from '@parley/model';

/** A message of the conversation as the model gets it. */
export type ContextMessage =
  | { role: 'system' | 'user'; content: string }
  /** Calls may come without text; the result of each follows. */
  | { role: 'assistant'; content: string; toolCalls?: ToolCall[] }
  | { role: 'tool'; callId: string; content: string };

/** Orders. The owner starts some at once (`AtOnceEffect`); the others wait until the write is confirmed (design §5). */
export type Effect =
  | {
      kind: 'start-generation';
      lane: number;
      ordinal: number;
      model: string;
      messages: ContextMessage[];
      /** What was dispatched of the answer by an owner that was lost: the model goes on from there. Null for a new one. */
      continues: string | null;
      tools: ToolDefinition[];
      toolChoice: ToolChoice;
      maxOutputTokens: TokenLimit;
    }
  | { kind: 'abort-generation'; lane: number; ordinal: number }
  /**
   * `attempt` above 1: another rendering was lost, or its owner was, and this one goes on where it ended; `segments` of the
   * answer there are so far.
   */
  | {
      kind: 'open-voice';
      lane: number;
      ordinal: number;
      attempt: number;
      responseId: ResponseId;
      voice: string | null;
      speed: number;
      segments: number;
    }
  | { kind: 'speak-segment'; lane: number; ordinal: number; segment: number; text: string; from: SegmentPosition }
  | { kind: 'end-voice'; lane: number; ordinal: number; segments: number }
  | { kind: 'cancel-voice'; lane: number; ordinal: number }
  | { kind: 'start-avatar'; lane: number; ordinal: number; responseId: ResponseId }
  | { kind: 'cancel-avatar'; lane: number; ordinal: number }
  | { kind: 'emit'; output: OwnerOutput }
  /** The session is over; its resources are released once. */
  | { kind: 'close-session'; reason: string }
  | { kind: 'observe'; observation: Observation };

/** What operators want to know; the owner makes metrics and log lines of it. */
export type Observation =
  | { name: 'first-token'; ms: number }
  | { name: 'response-ended'; status: ResponseStatus; responseId: ResponseId }
  | { name: 'speculation'; outcome: SpeculationOutcome }
  | { name: 'interrupted'; cause: InterruptionCause; responseId: ResponseId }
  | { name: 'tool-call'; outcome: 'answered' | 'interrupted' | 'timeout' }
  | { name: 'provider-failed'; provider: 'llm' | 'tts'; failure: ProviderFailureKind; responseId: ResponseId }
  /** A voice worker was lost, and another is asked to go on. */
  | { name: 'voice-rebound'; responseId: ResponseId }
  | { name: 'avatar-timeout'; stage: 'starting' | 'streaming' | 'cancelling'; responseId: ResponseId }
  | { name: 'drain-timeout'; responseId: ResponseId; queuedSamples: number; elapsedMs: number };

/** By the client's order, or by policy: a turn or speech that took the floor. */
export type InterruptionCause = 'explicit' | 'cancel' | 'truncate' | 'turn' | 'speech';

/** What waits for the write that holds it. */
export type WrittenEffect = Extract<Effect, { kind: 'emit' | 'close-session' }>;
/**
 * What starts before the write, because no client hears or sees anything of it: the model's answer stays inside the
 * owner, and a gateway holds a segment's audio back until the segment's text, which is an output, has come.
 */
export type AtOnceEffect = Exclude<Effect, WrittenEffect>;

export const startsAtOnce = (effect: Effect): effect is AtOnceEffect =>
  effect.kind !== 'emit' && effect.kind !== 'close-session';

/** What became of a speculative answer: its buffer was sent, or why not. */
export type SpeculationOutcome = 'committed' | 'mismatch' | 'resumed' | 'interrupted' | 'empty' | 'timeout';
