import {
  CONVERSATION_LANE,
  type Capability,
  type CutReason,
  type InputNumber,
  type ItemId,
  type OutputModality,
  type ResponseDelivery,
  type ResponseId,
  type SegmentDelivery,
  type SessionId,
  type SessionPolicy,
  type SessionSettings,
  type TokenLimit,
  type ToolCall,
  type ToolChoice,
  type ToolDefinition,
  type TurnId,
  type Usage,
  type WordTiming,
} from '@parley/model';
import type { VoiceRate } from '@parley/speech-text';

/**
 * The whole state of one conversation, as plain JSON: it is stored as it stands, and the same inputs lead to the same
 * state. `phase` says who holds the floor and owns only what that phase needs; the regions beside it each own theirs.
 * Every part that waits holds its deadline, so there is no timer to cancel.
 *
 * The diagram in SPEC.md is generated from these types. A region is what has a `stage` (of a union also its `name`),
 * wherever in the state it lies: alone, in an array or beside `null`. What has no stages, but is there or not (null, or
 * an element of an array), is one when its docstring begins with `Region "its name"`. What is `At rest` waits for nothing.
 */
export interface EngineState {
  session: SessionConfig;
  phase: Phase;
  /** Region "out of band": live responses, each on a lane of its own. They hold no floor, and nothing of them is in the history. */
  asides: LiveResponse[];
  /** Region "playout": responses whose closing events were written and whose audio still plays, oldest first. */
  tails: Tail[];
  history: HistoryItem[];
  /** Turn ids accepted lately, oldest first; a repeated one runs nothing (G3). */
  recentTurnIds: TurnId[];
  /** The last responses that were begun, oldest first: a client that comes back names those it knows. */
  recentResponses: ResponseName[];
  /** What the client chose of the turn policy; the rest is the server's. */
  policy: Partial<SessionPolicy>;
  /** Region "queue": turns that were accepted and wait for the live response to end, oldest first. Empty without one. */
  queue: QueuedTurn[];
  speculation: Speculation;
  /** Region "calls": functions whose results are awaited. */
  calls: PendingCall[];
  /** Region "avatar": the stream of an avatar that speaks responses itself; empty without one. */
  avatar: AvatarStream;
  /** Region "speech": what the user says now. */
  speech: Speech;
  /** Region "pause": the client holds the agent's voice until it is known whether the user interrupts. */
  pause: Pause | null;
  /** Region "presence": whether the user still takes part. */
  presence: Presence;
  /** Region "connection": whether anybody listens. */
  connection: Connection;
  /** Of the bus link of the connection's gateway, as it said last (`DeliveryReport`). */
  linkLosses: number;
  /** At rest: the last response that ended by itself. A client that comes back may not have got all of it; null where none can. */
  finished: LiveResponse | null;
  /** At rest: as `finished`, the last of each lane out of band; oldest first. */
  finishedAsides: LiveResponse[];
  /** Audio of an answer was delivered: the voice stays. */
  hasSpoken: boolean;
  /** The user's microphone is off: what it still seems to hear does not count. */
  muted: boolean;
  nextOrdinal: number;
  /** How fast this session's voice spoke so far, for heard text without word timings. */
  voiceRate: VoiceRate;
  /** No input since; the session closes when it is over. */
  idleDeadlineMs: number;
  /** The session closes then, whatever goes on. */
  lifetimeDeadlineMs: number;
  /** When something changed last, by the clock of the owner of that moment. */
  steppedAtMs: number;
}

export interface ResponseName {
  ordinal: number;
  responseId: ResponseId;
}

export interface SessionConfig {
  sessionId: SessionId;
  /** The model that is asked. */
  model: string;
  /** Names that mean another model here, if the client chose this one by its name. */
  otherModels: string[];
  /** What `instructions: null` puts back. */
  defaultInstructions: string;
  instructions: string;
  voice: string | null;
  tools: ToolDefinition[];
  toolChoice: ToolChoice;
  settings: SessionSettings;
  /** `stream`: an avatar speaks the responses; null: the client does. */
  avatar: 'stream' | null;
  /** What this server can do for it, as `parley.session` says. */
  capabilities: Capability[];
  /** Its client may come back after a lost connection. */
  resumable: boolean;
  /** What the client was told of the session's end, in seconds since 1970; null: nothing. */
  expiresAtS: number | null;
}

export type Phase =
  /** Nobody is connected yet. */
  | { name: 'idle' }
  | { name: 'listening' }
  /** A response has begun, nothing of it is audible. */
  | { name: 'thinking'; response: LiveResponse }
  /** Its first sample was delivered; it may still be generated. */
  | { name: 'speaking'; response: LiveResponse }
  | { name: 'closed'; reason: string };

/** A response until its closing events are written. Live: at most one per lane. */
export interface LiveResponse {
  lane: number;
  ordinal: number;
  responseId: ResponseId;
  itemId: ItemId;
  turnId: TurnId;
  /** The input that began it: an interrupt hits only responses begun before it. */
  cause: InputNumber;
  generation: Generation;
  voice: Voice;
  rendering: Rendering;
  segments: Segment[];
  /** Its items for the functions it called, in order. */
  calls: ItemId[];
  delivery: Delivery;
  modality: OutputModality;
  /** Of this response alone; null: the session's. */
  instructions: string | null;
  /** At rest. */
  wishes: Wishes;
  /** Speech and turns may cut it; an explicit interrupt always does. */
  interruptible: boolean;
  /** Null where another process began it: the clocks of two hosts are not compared. */
  beganAtMs: number | null;
  marks: StageMarks;
  /** Its closing events were written before, and did not reach the client: its end was counted then. */
  wasClosed: boolean;
}

/** What a response has of its own beside its instructions; null: as the session has it. */
export interface Wishes {
  tools: ToolDefinition[] | null;
  toolChoice: ToolChoice | null;
  maxOutputTokens: TokenLimit | null;
  /** What the model is given in place of the conversation. */
  input: HistoryItem[] | null;
}

export type Generation =
  /** Waiting for the model's next token; `text` is what no segment holds yet. */
  | { stage: 'running'; text: string; deadlineMs: number; tokens: boolean }
  | { stage: 'ended'; usage: Usage; status: 'completed' | 'incomplete'; cutBy: CutReason | null };

export type Voice =
  /** A worker was asked for. */
  | { stage: 'opening'; deadlineMs: number }
  /** Bound. While audio is owed, the deadline moves with every sample delivered or played. */
  | { stage: 'bound'; deadlineMs: number | null }
  /** There is no voice: the text goes on alone. */
  | { stage: 'absent'; deadlineMs: number | null }
  /** Nobody listens: no worker is asked, until somebody does. */
  | { stage: 'held'; deadlineMs: null };

/** One worker's speaking of the response; after its loss another one speaks the rest. */
export interface Rendering {
  /** From 1, over all owners. */
  attempt: number;
  /** The session's when the response began: nobody changes the voice in mid-answer. */
  voice: string | null;
  /** As the voice; 1 is its own. */
  speed: number;
  /** Samples of the response that were delivered when it began. */
  fromSamples: number;
  /** Renderings in a row, before this one, of which nothing was delivered. */
  barren: number;
}

export interface Segment {
  /** As in the transcript, white space included. */
  text: string;
  words: WordTiming[];
}

export interface Delivery {
  segments: SegmentDelivery[];
  playedSamples: number;
}

/** Milliseconds after the turn began. */
export interface StageMarks {
  firstTokenMs: number | null;
  firstSegmentMs: number | null;
  firstAudioMs: number | null;
  generatedMs: number | null;
}

/** What is left of a response after its closing events: audio at the client that is not yet played. */
export interface Tail {
  lane: number;
  ordinal: number;
  responseId: ResponseId;
  itemId: ItemId;
  turnId: TurnId;
  segments: Segment[];
  delivery: Delivery;
  interruptible: boolean;
  closedAtMs: number;
  /** Expected end of playback plus the drain timeout (DR5). */
  deadlineMs: number;
  /** It failed: what was not delivered was never heard, so the history is cut to what was. */
  cutToHeard: boolean;
}

export type HistoryItem =
  | { id: ItemId; role: 'user' | 'system'; text: string; parts?: string[] }
  | {
      id: ItemId;
      role: 'assistant';
      /** The text the model sees; of an interrupted answer the heard part. */
      text: string;
      /** As a client gave it, if in several. */
      parts?: string[];
      interrupted: boolean;
      modality: OutputModality;
      /** What was spoken, so that a truncate can lower the heard position later; null for an item of the client. */
      spoken: SpokenAnswer | null;
    }
  /**
   * A function the model called, with what came of it: for a model the two belong together. `answerId`: the message of its
   * response; of a call that the client brings along its own id. Where the result's id is that of the item, the call was
   * deleted.
   */
  | { id: ItemId; role: 'call'; answerId: ItemId; call: ToolCall; outcome: CallOutcome };

export type CallOutcome =
  | { stage: 'pending' }
  | { stage: 'answered'; itemId: ItemId; output: string }
  /** Its result may still come, and counts then. */
  | { stage: 'abandoned'; why: 'interrupted' | 'timeout' };

/** A call whose result is awaited. */
export interface PendingCall {
  itemId: ItemId;
  /** The response that called: its interruption abandons the call. */
  ordinal: number;
  deadlineMs: number;
}

/** A turn that was accepted and waits; its ids are known to the client since then. */
export type QueuedTurn = {
  turnId: TurnId;
  responseId: ResponseId;
  answerId: ItemId;
  cause: InputNumber;
  text: string;
} & (
  | { kind: 'transcript'; itemId: ItemId }
  /** The agent's own words. */
  | { kind: 'say'; interruptible: boolean }
);

/** A response as an avatar is given it. */
export interface AvatarTurn {
  lane: number;
  ordinal: number;
  responseId: ResponseId;
}

/** `turn`: the response it was given; `next`: the one that waits for it. */
export type AvatarStream =
  | { stage: 'empty' }
  /** It was given a response, and has not begun. `cancelled`: interrupted meanwhile, which can be ordered only then. */
  | { stage: 'starting'; turn: AvatarTurn; next: AvatarTurn | null; cancelled: boolean; deadlineMs: number }
  /** The deadline runs once the response is over. */
  | { stage: 'streaming'; turn: AvatarTurn; next: AvatarTurn | null; deadlineMs: number | null }
  | { stage: 'cancelling'; turn: AvatarTurn; next: AvatarTurn | null; deadlineMs: number };

export type Speech =
  | { stage: 'silent' }
  /** `text`: the words known so far. First deadline: it has lasted long enough to interrupt; second: it is noise. */
  | { stage: 'speaking'; sinceMs: number; text: string; deadlineMs: number }
  /** Its words, or the turn it becomes, may still come. */
  | { stage: 'stopped'; spokenMs: number; text: string; deadlineMs: number };

export interface Pause {
  lane: number;
  ordinal: number;
  responseId: ResponseId;
  /** Where the client stopped. */
  playedSamples: number;
  deadlineMs: number;
}

export type Presence =
  /** Counts while nobody speaks and nothing is heard; null: nobody asks. */
  { stage: 'present'; deadlineMs: number | null } | { stage: 'away' };

export type Connection =
  | { stage: 'connected' }
  /** First deadline: the voice is held from then on; null: it is. Second: the session closes. */
  | { stage: 'lost'; graceDeadlineMs: number | null; deadlineMs: number };

export interface Speculation {
  /** The turn that was speculated on last, and how often. */
  turnId: TurnId | null;
  starts: number;
  /** Region "speculation": an answer to a transcript that is not final. Never beside a live response. */
  run: SpeculativeRun | null;
}

/** Nothing of it has left the owner. */
export interface SpeculativeRun {
  lane: number;
  ordinal: number;
  /** The transcript it answers. */
  text: string;
  /** What the model wrote so far. */
  buffer: string;
  /** Functions it called: the client hears of them with the rest. */
  calls: { itemId: ItemId; call: ToolCall }[];
  finished: { reason: 'stop' | 'length' | 'content_filter'; usage: Usage } | null;
  /** The final transcript must have come by then. */
  deadlineMs: number;
}

/** The segments of an answer and how far each was delivered; the playhead is the heard position. */
export interface SpokenAnswer {
  segments: Segment[];
  delivery: Delivery;
}

export type CallItem = Extract<HistoryItem, { role: 'call' }>;
export type AssistantItem = Extract<HistoryItem, { role: 'assistant' }>;

/** The deadline of what waits for nothing yet. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function initialState(session: SessionConfig): EngineState {
  return {
    session,
    phase: { name: 'idle' },
    asides: [],
    tails: [],
    history: [],
    recentTurnIds: [],
    recentResponses: [],
    policy: {},
    queue: [],
    speculation: { turnId: null, starts: 0, run: null },
    calls: [],
    avatar: { stage: 'empty' },
    speech: { stage: 'silent' },
    pause: null,
    presence: { stage: 'present', deadlineMs: null },
    connection: { stage: 'connected' },
    linkLosses: 0,
    finished: null,
    finishedAsides: [],
    hasSpoken: false,
    muted: false,
    nextOrdinal: 1,
    voiceRate: { samples: 0, characters: 0 },
    idleDeadlineMs: NEVER_MS,
    lifetimeDeadlineMs: NEVER_MS,
    steppedAtMs: 0,
  };
}

/** What is delivered and played of each response that is not over, oldest first. */
export function underWay(state: EngineState): ResponseDelivery[] {
  const of = ({ lane, ordinal, responseId, delivery }: LiveResponse | Tail, closed: boolean): ResponseDelivery => ({
    ...{ lane, ordinal, responseId, ...delivery, ended: false, closed, holedAttempt: null },
  });
  const live = liveResponses(state).map((response) => of(response, false));
  return [...state.tails.map((tail) => of(tail, true)), ...live];
}

/** The conversation's. */
export const liveResponse = (state: EngineState): LiveResponse | undefined =>
  state.phase.name === 'thinking' || state.phase.name === 'speaking' ? state.phase.response : undefined;

/** The conversation's, and those out of band. */
export function liveResponses(state: EngineState): LiveResponse[] {
  const live = liveResponse(state);
  return live ? [live, ...state.asides] : state.asides;
}

/** Nothing of another one is in the history, nor holds the floor. */
export const isOfConversation = ({ lane }: { lane: number }): boolean => lane === CONVERSATION_LANE;
