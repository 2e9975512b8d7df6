import { PROVIDER_FAILURES, SEGMENT_START, VISEMES } from '@parley/model';
import { z } from 'zod';
import { count, incarnation, milliseconds, responseId, sessionId } from './id-schemas';

const jobKey = { sessionId, epoch: count, lane: count, ordinal: count, attempt: count };

const providerFailure = z.object({
  kind: z.enum(PROVIDER_FAILURES),
  message: z.string(),
  retryAfterMs: milliseconds.exactOptional(),
});

export const voiceOpen = z.object({
  ...jobKey,
  responseId,
  owner: incarnation,
  voice: z.string().nullable(),
  // Absent in orders of an older release.
  speed: z.number().default(1),
  lipSync: z.boolean(),
});

export const voiceOpenReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted'), worker: incarnation }),
  z.object({ kind: z.literal('full') }),
  z.object({ kind: z.literal('unavailable'), message: z.string() }),
]);

// Absent in orders of an older release, which never goes on in mid-segment.
const from = z.object({ sample: count, character: count }).default(SEGMENT_START);

export const voiceOrder = z.discriminatedUnion('kind', [
  z.object({ ...jobKey, kind: z.literal('segment'), segment: count, text: z.string(), from }),
  z.object({ ...jobKey, kind: z.literal('end'), segments: count }),
  z.object({ ...jobKey, kind: z.literal('cancel') }),
  z.object({
    ...jobKey,
    kind: z.literal('adopt'),
    of: z.object({ epoch: count, attempt: count }),
    owner: incarnation,
    segments: count,
  }),
]);

export const voiceOrderReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ok') }),
  z.object({ kind: z.literal('unknown-job') }),
]);

export const voiceFailed = z.object({ ...jobKey, segment: count, failure: providerFailure });

const word = z.object({
  word: z.string(),
  charStart: count,
  charEnd: count,
  startMs: milliseconds,
  endMs: milliseconds,
});
const phoneme = z.object({ phoneme: z.string(), startMs: milliseconds, durationMs: milliseconds });

export const timings = z.object({
  ...jobKey,
  segment: count,
  text: z.string(),
  startMs: milliseconds,
  endMs: milliseconds,
  words: z.array(word),
  phonemes: z.array(phoneme),
});

const viseme = z.object({ viseme: z.enum(VISEMES), startMs: milliseconds, durationMs: milliseconds });

export const visemes = z.object({ ...jobKey, segment: count, visemes: z.array(viseme) });
