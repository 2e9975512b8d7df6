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

/** What a client has of a response when it comes back. */
export interface Received {
  readonly response_id: string;
  readonly samples: readonly number[];
  readonly played_ms: number;
  readonly done: boolean;
}

/** A connection of a client: `c0.2` is the third of the first client. */
export type ConnectionName = string;

/** Which text a piece of audio is of, and which of its samples it begins with. */
export interface Sound {
  readonly textHash: number;
  readonly sampleIndex: number;
}

/**
 * How much goes wrong: nothing of Parley's own; one process of which there is another; or what no answer need survive: bus,
 * store, a gateway, or the last process of its kind.
 */
export type Outage = 'none' | 'loss' | 'severe';

/**
 * What can be seen from outside, in the order in which it happened: the two ends of each client's connection, what the
 * model and the voice were asked and gave, the bytes in the store, and what the simulation itself breaks.
 */
export type Observation = { readonly atMs: number } & (
  | { kind: 'connected'; connection: ConnectionName; habit: Habit; parley: boolean; gateway: string }
  | { kind: 'sent'; connection: ConnectionName; event: WireEvent }
  /** With the id it had before, as whoever heard it may be gone. */
  | { kind: 'said-again'; connection: ConnectionName; event: WireEvent }
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
      /** Null where the samples are not an unbroken piece of one text, or where there is none. */
      sound: Sound | null;
    }
  /** By the network: its socket is gone with the gateway, and its client does not come back. */
  | { kind: 'closed'; connection: ConnectionName; code: number; by: 'client' | 'server' | 'network' }
  /** Its socket is gone, and its client asks for the session again; `back`: it has it again, and has said so much of what it had. */
  | { kind: 'lost'; connection: ConnectionName }
  | { kind: 'back'; connection: ConnectionName; gateway: string; received: readonly Received[] }
  /** `vanished`: it neither reads nor answers any more, and nobody was told. `slowed`: it does not read until `caught-up`. */
  | { kind: 'vanished' | 'slowed' | 'caught-up'; connection: ConnectionName }
  /** A request to the language model, and the whole answer that it means to give: its own, or the one it is to continue. */
  | {
      kind: 'asked';
      call: number;
      process: string;
      messages: readonly ChatMessage[];
      continues: string | null;
      answer: string;
    }
  /** It wrote something; or it ended, with all that it had meant to say or before. */
  | { kind: 'answered'; call: number; what: 'text' | 'whole' | 'short' }
  | { kind: 'hung-up'; call: number }
  /** A request to the voice, and how many samples it gives to it; null: it breaks off somewhere. */
  | {
      kind: 'spoke';
      process: string;
      text: string;
      textHash: number;
      ends: number | null;
      /** It says the same whenever it is asked for the same. */
      deterministic: boolean;
    }
  /** A write of this process that the store has applied, with the bytes as they lie there. */
  | { kind: 'stored'; process: string; sessionId: SessionId; epoch: number; rev: number; state: Uint8Array }
  /** The bounds of G2 count from the end of an outage. */
  | { kind: 'fault'; fault: string; outage: Outage; phase: 'begins' | 'ends' }
  /** Time went on. */
  | { kind: 'passed' }
  /** Everything has been well for long, and every client has had a last turn. */
  | { kind: 'settled' }
);

export type ObservationOf<Kind extends Observation['kind']> = Extract<Observation, { kind: Kind }>;
