import { SCHEMA_VERSION, type Incarnation } from '@parley/model';
import { incarnation, ownerOutput } from '@parley/schemas';
import type { EngineState } from '@parley/turn-engine';
import { z } from 'zod';
import { engineStateSchema } from './engine-state-schema';
import type { NumberedOutput } from './outbox';

/** Everything a new owner needs to go on with a session; stored as JSON under its epoch and revision. */
export interface SessionRecord {
  v: typeof SCHEMA_VERSION;
  engine: EngineState;
  connection: Connection;
  /** Null: the session ends with its connection. */
  resume: ResumeTokens | null;
  /** The last of the client's events that was applied, of whichever connection. */
  lastClientEventId: string | null;
  outSeq: number;
  /** The gateway has everything up to this number. */
  acknowledgedOutSeq: number;
  outbox: NumberedOutput[];
  /** The worker that speaks, or spoke last: a new owner cancels there what it does not continue. */
  voice: VoiceBindingRecord | null;
}

/** The client connection that inputs come from, and the last of them that was applied. */
export interface Connection {
  attachment: number;
  lastSeq: number;
  gateway: Incarnation;
  /** Of the claim that resumed the session: asked again, it is the same connection. Null for a session's first. */
  connectionId: string | null;
}

export interface ResumeTokens {
  token: string;
  /** Valid until `token` is used. */
  previous: string | null;
}

export interface VoiceBindingRecord {
  worker: Incarnation;
  lane: number;
  ordinal: number;
  /** Of the owner that the worker was bound for. */
  epoch: number;
  attempt: number;
}

const recordSchema: z.ZodType<SessionRecord> = z.object({
  v: z.literal(SCHEMA_VERSION),
  engine: engineStateSchema,
  connection: z.object({
    attachment: z.int(),
    lastSeq: z.int(),
    gateway: incarnation,
    connectionId: z.string().nullable().default(null),
  }),
  // Absent in states of the first version.
  resume: z.object({ token: z.string(), previous: z.string().nullable() }).nullable().default(null),
  lastClientEventId: z.string().nullable().default(null),
  outSeq: z.int(),
  acknowledgedOutSeq: z.int().default(0),
  outbox: z.array(z.object({ outSeq: z.int(), output: ownerOutput })),
  voice: z
    .object({
      worker: incarnation,
      lane: z.int(),
      ordinal: z.int(),
      epoch: z.int().default(0),
      attempt: z.int().default(1),
    })
    .nullable(),
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const encodeRecord = (record: SessionRecord): Uint8Array => encoder.encode(JSON.stringify(record));

/** Reads a stored state; `reason` names the field that does not fit, never its value. */
export function decodeRecord(bytes: Uint8Array): { ok: true; record: SessionRecord } | { ok: false; reason: string } {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(bytes));
  } catch {
    return { ok: false, reason: 'not JSON' };
  }
  const parsed = recordSchema.safeParse(json);
  if (parsed.success) return { ok: true, record: parsed.data };
  const issue = parsed.error.issues[0];
  return { ok: false, reason: `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}` };
}
