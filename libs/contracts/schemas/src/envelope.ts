import { SCHEMA_VERSION, type Envelope } from '@parley/model';
import type { z } from 'zod';
import { isRecord } from './record';

// This project is compiled without the types of Node and of the DOM; every runtime it is for has both.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type DecodedEnvelope<Body> =
  | { ok: true; traceparent: string; body: Body }
  /** Why not, for the log: names of fields and types, never a value. */
  | { ok: false; reason: string };

/** One JSON message of the bus. `body` is what a schema of `busSchemas` accepts. */
export function encodeEnvelope<Body>(traceparent: string, body: Body): Uint8Array {
  const envelope: Envelope<Body> = { v: SCHEMA_VERSION, traceparent, body };
  return encoder.encode(JSON.stringify(envelope));
}

/**
 * Reads one JSON message of the bus. Another schema version is refused before its body is looked at; fields this
 * version does not know are left out, so that a newer process of the same version can add some. Never throws.
 */
export function decodeEnvelope<Body>(schema: z.ZodType<Body>, payload: Uint8Array): DecodedEnvelope<Body> {
  const envelope = parseJson(payload);
  if (!isRecord(envelope)) return { ok: false, reason: 'not a JSON object' };
  if (envelope['v'] !== SCHEMA_VERSION) return { ok: false, reason: 'another schema version' };
  const traceparent = envelope['traceparent'];
  if (typeof traceparent !== 'string') return { ok: false, reason: 'no traceparent' };
  const parsed = schema.safeParse(envelope['body']);
  if (parsed.success) return { ok: true, traceparent, body: parsed.data };
  const issue = parsed.error.issues[0];
  return { ok: false, reason: `${['body', ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message ?? ''}` };
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
}
