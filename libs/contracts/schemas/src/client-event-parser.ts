import { InvariantError, type ClientError, type ClientEvent } from '@parley/model';
import type { z } from 'zod';
import { clientEventSchemas } from './client-event-schemas';
import { clientErrorOfIssue, nestingErrorOf, quoted, refusal } from './client-issue';
import { isRecord } from './record';

export interface ClientEventOptions {
  /** The connection speaks `parley.v1`; on others the `parley.*` events do not exist. */
  parley: boolean;
}

export type ParsedClientEvent =
  | { ok: true; event: ClientEvent }
  /** `eventId`: the event's own, for the echo, where it has a usable one. */
  | { ok: false; error: ClientError; eventId: string | undefined };

/** A map, not an object: `type: "__proto__"` names no event. */
const allEvents = new Map<string, z.ZodType<ClientEvent>>(Object.entries(clientEventSchemas));
const realtimeEvents = new Map([...allEvents].filter(([type]) => !type.startsWith('parley.')));
const eventId = clientEventSchemas['parley.ping'].shape.event_id;

/** Reads one text frame of a client. */
export function parseClientText(text: string, options: ClientEventOptions): ParsedClientEvent {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return notAnEvent('The message is not valid JSON.');
  }
  return parseClientEvent(json, options);
}

/**
 * Reads one client event. What is not exactly an event is refused with the Realtime API's code, the path of the first
 * fault and what is allowed there. In text, NUL and unpaired surrogates become U+FFFD; in ids they are refused.
 */
export function parseClientEvent(json: unknown, options: ClientEventOptions): ParsedClientEvent {
  if (!isRecord(json)) return notAnEvent('The message is not a JSON object.');
  const events = options.parley ? allEvents : realtimeEvents;
  const type = Object.hasOwn(json, 'type') ? json['type'] : undefined;
  if (typeof type !== 'string') {
    const code = type === undefined ? 'missing_required_parameter' : 'invalid_value';
    return refusedEvent(json, refusal(code, 'type', "An event needs a 'type', which is a string."));
  }
  const schema = events.get(type);
  if (schema === undefined) {
    const supported = [...events.keys()].join(', ');
    return refusedEvent(
      json,
      refusal('unknown_event', 'type', `Unknown event: '${quoted(type)}'. Supported: ${supported}.`),
    );
  }
  const nesting = nestingErrorOf(json);
  if (nesting) return refusedEvent(json, nesting);
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, event: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new InvariantError('a failed parse without an issue');
  return refusedEvent(json, clientErrorOfIssue(issue, json));
}

const notAnEvent = (message: string): ParsedClientEvent => ({
  ok: false,
  error: refusal('invalid_json', null, message),
  eventId: undefined,
});

/** What is wrong with an event that can be named by its own id. */
export function refusedEvent(json: Record<string, unknown>, error: ClientError): ParsedClientEvent {
  const own = Object.hasOwn(json, 'event_id') ? eventId.safeParse(json['event_id']) : undefined;
  return { ok: false, error, eventId: own?.success === true ? own.data : undefined };
}
