import { z } from 'zod';
import { count, responseId, sessionId } from './id-schemas';

const segmentDelivery = z.object({ attempt: count, samples: count, last: z.boolean() });

export const responseDelivery = z.object({
  lane: count,
  ordinal: count,
  responseId,
  segments: z.array(segmentDelivery),
  playedSamples: count,
  ended: z.boolean(),
  closed: z.boolean(),
  holedAttempt: count.nullable().default(null),
});

export const receivedResponse = z.object({
  responseId,
  samples: z.array(count),
  playedSamples: count,
  done: z.boolean(),
});

const delivered = {
  acknowledgedOutSeq: count,
  linkLosses: count.default(0),
  announcedOrdinal: count,
  responses: z.array(responseDelivery),
};

export const deliveryReport = z.object(delivered);
export const report = z.object({ sessionId, attachment: count, ...delivered });
