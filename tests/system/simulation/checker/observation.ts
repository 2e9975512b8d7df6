import type { SessionId } from '@parley/model';

/** How a client reports its playback. */
export const HABITS = ['honest', 'silent', 'too-much', 'backwards', 'frozen', 'stops'] as const;
export type Habit = (typeof HABITS)[number];

export type WireEvent = Readonly<Record<string, unknown>> & { readonly type: string };

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  /** What the assistant called, and whose result a `tool` message is. */
  readonly toolCalls?: readonly { readonly callId: string }[];
  readonly callId?: string;
}

/** A connection of a client: `c0.2` is the third of the first client. */
export type ConnectionName = string;

/**
 * What can be seen from outside, in the order in which it happened: the two ends of each client's connection, the
 * language model's requests, the bytes in the store, and what the simulation itself breaks.
 */
export type Observation = { readonly atMs: number } & (
  | { kind: 'connected'; connection: ConnectionName; habit: Habit; parley: boolean }
  | { kind: 'sent'; connection: ConnectionName; event: WireEvent }
  | { kind: 'received'; connection: ConnectionName; event: WireEvent }
  | {
      kind: 'audio';
      connection: ConnectionName;
      responseId: string;
      /** Audio in JSON does not say its segment. */
      segment: number | null;
      firstSample: number;
      samples: number;
      last: boolean;
    }
  | { kind: 'closed'; connection: ConnectionName; code: number; by: 'client' | 'server' }
  /** `vanished`: it neither reads nor answers any more, and nobody was told. `slowed`: it does not read until `caught-up`. */
  | { kind: 'vanished' | 'slowed' | 'caught-up'; connection: ConnectionName }
  /** A request to the language model. */
  | { kind: 'asked'; call: number; process: string; messages: readonly ChatMessage[] }
  | { kind: 'answered'; call: number; what: 'text' | 'end' }
  | { kind: 'hung-up'; call: number }
  /** A write the store has applied, with the bytes as they lie there. */
  | { kind: 'stored'; sessionId: SessionId; epoch: number; rev: number; state: Uint8Array }
  /** `outage`: of bus, store or a process, from whose end the bounds of G2 count. */
  | { kind: 'fault'; fault: string; outage: boolean; phase: 'begins' | 'ends' }
  /** Time went on. */
  | { kind: 'passed' }
  /** Everything has been well for long, and every client has had a last turn. */
  | { kind: 'settled' }
);

export type ObservationOf<Kind extends Observation['kind']> = Extract<Observation, { kind: Kind }>;
