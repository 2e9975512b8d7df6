import { DEFAULT_SETTINGS } from '@parley/model';
import { z } from 'zod';
import { clientError } from './client-error-schema';
import { count, milliseconds, ordinal, responseId } from './id-schemas';
import { audioFormat, outputModality, tokenLimit } from './session-settings-schemas';

export const usage = z.object({
  inputTokens: count,
  outputTokens: count,
  rateLimits: z
    .array(
      z.object({
        name: z.enum(['requests', 'tokens']),
        limit: count,
        remaining: count,
        resetSeconds: z.number().min(0),
      }),
    )
    .exactOptional(),
});
const status = z.enum(['completed', 'failed', 'incomplete']);
const lane = { lane: count, ordinal: count };

export const toolCall = z.object({ callId: z.string(), name: z.string(), arguments: z.string() });

/** An event of the client protocol travels as it is: the gateway adds the id and passes it on. */
export const clientEventBody = z.looseObject({ type: z.string() });

/** Numbered owner output; the stored state holds what is not acknowledged. */
export const ownerOutput = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('adopted'),
    epoch: count,
    ordinal,
    segments: z.array(z.object({ index: count, epoch: count, attempt: count })),
  }),
  z.object({ kind: z.literal('event'), event: clientEventBody }),
  z.object({ kind: z.literal('error'), error: clientError, clientEventId: z.string().exactOptional() }),
  z.object({
    kind: z.literal('announce'),
    ...lane,
    responseId,
    itemId: z.string(),
    previousItemId: z.string().nullable(),
    turnId: z.string(),
    cause: z.object({ attachment: count, seq: count }),
    // Absent, as what follows, in outputs that an older release left in a stored state.
    format: audioFormat.default(DEFAULT_SETTINGS.audio.output.format),
    voice: z.string().nullable().default(null),
    modality: outputModality.default('audio'),
    maxOutputTokens: tokenLimit.default('inf'),
    metadata: z.record(z.string(), z.string()).nullable(),
  }),
  z.object({ kind: z.literal('call'), ...lane, itemId: z.string(), call: toolCall }),
  z.object({ kind: z.literal('text'), ...lane, segment: count, text: z.string() }),
  z.object({
    kind: z.literal('end'),
    ...lane,
    segments: count,
    status,
    cutBy: z.enum(['max_output_tokens', 'content_filter']).nullable().default(null),
    error: clientError.nullable(),
    usage,
    spokenSegments: count,
  }),
  z.object({ kind: z.literal('close'), ...lane }),
  z.object({
    kind: z.literal('interrupted'),
    ...lane,
    responseId,
    turnId: z.string(),
    heardMs: milliseconds,
    heardText: z.string(),
    usage,
    reason: z.enum(['client_cancelled', 'turn_detected']),
  }),
  z.object({ kind: z.literal('paused'), ...lane, responseId, fromMs: milliseconds }),
  z.object({ kind: z.literal('resumed'), ...lane, responseId, fromMs: milliseconds }),
  z.object({ kind: z.literal('disconnect'), closeCode: z.int(), reason: z.string() }),
]);

export const output = z.object({
  epoch: count,
  attachment: count,
  firstOutSeq: count,
  outputs: z.array(ownerOutput),
  released: z.literal(true).exactOptional(),
});
