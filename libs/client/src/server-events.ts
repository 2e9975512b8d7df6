import { VISEMES, isResponseId, isSessionId } from '@parley/model';
import type {
  FloorState,
  ResponseId,
  ResponseStatus,
  SessionId,
  TurnId,
  TurnMetrics,
  VisemeName,
  WireViseme,
} from '@parley/model';

/** A JSON event as it came. */
export type WireEvent = Readonly<Record<string, unknown>> & { readonly type: string };

export interface ServerError {
  /** One of the model's `ErrorCode`s, or a newer server's. */
  code: string;
  message: string;
  param: string | null;
}

/** What a server event means to this client. Events that change nothing for it are not among them. */
export type ServerEvent =
  | {
      kind: 'session';
      sessionId: SessionId;
      /** Null: the server is older than this client and resumes nothing. */
      resumeToken: string | null;
      resumed: boolean;
      /** Of this client's events the last that was applied. */
      lastClientEventId: string | null;
      capabilities: string[];
    }
  | { kind: 'state'; state: FloorState; responseId: ResponseId | undefined }
  | { kind: 'accepted'; turnId: TurnId; responseId: ResponseId }
  | { kind: 'response-created'; responseId: ResponseId }
  | { kind: 'text'; responseId: ResponseId; delta: string }
  | { kind: 'audio'; responseId: ResponseId; segment: number; firstSample: number; base64: string }
  | { kind: 'audio-ended'; responseId: ResponseId }
  | { kind: 'visemes'; responseId: ResponseId; visemes: WireViseme[] }
  | { kind: 'done'; responseId: ResponseId; status: ResponseStatus; detail: string | null }
  | { kind: 'interrupted'; responseId: ResponseId; turnId: TurnId; heardMs: number; heardText: string }
  | { kind: 'metrics'; responseId: ResponseId; turnId: TurnId; metrics: TurnMetrics }
  | { kind: 'pong' }
  | { kind: 'going-away'; reconnectWithinMs: number }
  | { kind: 'error'; error: ServerError; clientEventId: string | null };

/** `unread`: an event of no meaning here. `malformed`: one whose fields are not what its type promises. */
export type ReadEvent =
  { ok: true; event: ServerEvent } | { ok: false; why: 'unread' } | { ok: false; why: 'malformed'; field: string };

/** Thrown and caught inside this file only: the first bad field ends the reading of an event. */
class BadField extends Error {
  constructor(readonly field: string) {
    super(field);
  }
}

/** The JSON text of a frame; undefined unless it is an object with a string `type`. */
export function parseWireEvent(text: string): WireEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && hasType(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function readServerEvent(wire: WireEvent): ReadEvent {
  try {
    const event = read(wire);
    return event === undefined ? { ok: false, why: 'unread' } : { ok: true, event };
  } catch (error) {
    if (error instanceof BadField) return { ok: false, why: 'malformed', field: error.field };
    throw error;
  }
}

function read(wire: WireEvent): ServerEvent | undefined {
  switch (wire.type) {
    case 'response.created':
      return { kind: 'response-created', responseId: responseId(record(wire, 'response'), 'id') };
    case 'response.output_audio_transcript.delta':
    case 'response.output_text.delta':
      return { kind: 'text', responseId: responseId(wire), delta: text(wire, 'delta') };
    case 'response.output_audio.delta':
      return {
        kind: 'audio',
        responseId: responseId(wire),
        segment: number(wire, 'segment'),
        firstSample: number(wire, 'first_sample'),
        base64: text(wire, 'delta'),
      };
    case 'response.output_audio.done':
      return { kind: 'audio-ended', responseId: responseId(wire) };
    case 'response.done':
      return readDone(record(wire, 'response'));
    case 'error':
      return readError(record(wire, 'error'));
    default:
      return readParleyEvent(wire);
  }
}

function readParleyEvent(wire: WireEvent): ServerEvent | undefined {
  switch (wire.type) {
    case 'parley.session':
      return {
        kind: 'session',
        sessionId: sessionId(wire),
        resumeToken: optionalText(wire, 'resume_token'),
        resumed: flag(wire, 'resumed'),
        lastClientEventId: optionalText(wire, 'last_client_event_id'),
        capabilities: list(wire, 'capabilities').filter((name) => typeof name === 'string'),
      };
    case 'parley.state':
      return {
        kind: 'state',
        state: floorState(wire),
        responseId: wire['response_id'] === undefined ? undefined : responseId(wire),
      };
    case 'parley.turn.accepted':
      return { kind: 'accepted', turnId: text(wire, 'turn_id'), responseId: responseId(wire) };
    case 'parley.response.interrupted':
      return {
        kind: 'interrupted',
        responseId: responseId(wire),
        turnId: text(wire, 'turn_id'),
        heardMs: number(wire, 'heard_ms'),
        heardText: text(wire, 'heard_text'),
      };
    case 'parley.turn.metrics':
      return { kind: 'metrics', responseId: responseId(wire), turnId: text(wire, 'turn_id'), metrics: metrics(wire) };
    case 'parley.visemes':
      return { kind: 'visemes', responseId: responseId(wire), visemes: list(wire, 'visemes').map(viseme) };
    case 'parley.going_away':
      return { kind: 'going-away', reconnectWithinMs: number(wire, 'reconnect_within_ms') };
    case 'parley.pong':
      return { kind: 'pong' };
    default:
      return undefined;
  }
}

function readDone(response: Fields): ServerEvent {
  const details = response['status_details'];
  const error = isRecord(details) && isRecord(details['error']) ? details['error'] : undefined;
  const detail = error?.['message'] ?? error?.['code'] ?? (isRecord(details) ? details['reason'] : undefined);
  return {
    kind: 'done',
    responseId: responseId(response, 'id'),
    status: responseStatus(response),
    detail: typeof detail === 'string' ? detail : null,
  };
}

function readError(error: Fields): ServerEvent {
  const param = error['param'];
  const eventId = error['event_id'];
  return {
    kind: 'error',
    error: {
      code: text(error, 'code'),
      message: text(error, 'message'),
      param: typeof param === 'string' ? param : null,
    },
    clientEventId: typeof eventId === 'string' ? eventId : null,
  };
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const hasType = (value: Fields): value is WireEvent => typeof value['type'] === 'string';

function record(fields: Fields, field: string): Fields {
  const value = fields[field];
  if (!isRecord(value)) throw new BadField(field);
  return value;
}

function list(fields: Fields, field: string): unknown[] {
  const value = fields[field];
  if (!Array.isArray(value)) throw new BadField(field);
  return value;
}

function text(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== 'string') throw new BadField(field);
  return value;
}

/** Null where it is absent. */
const optionalText = (fields: Fields, field: string): string | null =>
  fields[field] === undefined || fields[field] === null ? null : text(fields, field);

function number(fields: Fields, field: string): number {
  const value = fields[field];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new BadField(field);
  return value;
}

function flag(fields: Fields, field: string): boolean {
  const value = fields[field];
  if (typeof value !== 'boolean') throw new BadField(field);
  return value;
}

function responseId(fields: Fields, field = 'response_id'): ResponseId {
  const value = text(fields, field);
  if (!isResponseId(value)) throw new BadField(field);
  return value;
}

function sessionId(fields: Fields): SessionId {
  const value = text(fields, 'session_id');
  if (!isSessionId(value)) throw new BadField('session_id');
  return value;
}

function oneOf<T extends string>(allowed: readonly T[], fields: Fields, field: string): T {
  const value = text(fields, field);
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new BadField(field);
  return found;
}

const FLOOR_STATES: readonly FloorState[] = ['idle', 'listening', 'thinking', 'speaking'];
const STATUSES: readonly ResponseStatus[] = ['completed', 'cancelled', 'failed', 'incomplete'];

const floorState = (fields: Fields): FloorState => oneOf(FLOOR_STATES, fields, 'state');
const responseStatus = (fields: Fields): ResponseStatus => oneOf(STATUSES, fields, 'status');

function viseme(value: unknown): WireViseme {
  if (!isRecord(value)) throw new BadField('visemes');
  return {
    viseme: oneOf<VisemeName>(VISEMES, value, 'viseme'),
    start_ms: number(value, 'start_ms'),
    duration_ms: number(value, 'duration_ms'),
  };
}

function metrics(fields: Fields): TurnMetrics {
  const stage = (field: keyof TurnMetrics): number | null => (fields[field] === null ? null : number(fields, field));
  return {
    first_token_ms: stage('first_token_ms'),
    first_segment_ms: stage('first_segment_ms'),
    first_audio_ms: stage('first_audio_ms'),
    generated_ms: stage('generated_ms'),
  };
}
