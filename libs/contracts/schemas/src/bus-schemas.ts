import type * as model from '@parley/model';
import { z } from 'zod';
import { deliveryReport, receivedResponse, report, responseDelivery } from './delivery-schemas';
import { count, incarnation, sessionId } from './id-schemas';
import { journal } from './journal-schemas';
import { clientEventBody, output } from './owner-output-schemas';
import type { AssertNone, Disagreement } from './same-type';
import { input, inputReply, sessionPatch } from './session-input-schemas';
import {
  timings,
  visemes,
  voiceFailed,
  voiceOpen,
  voiceOpenReply,
  voiceOrder,
  voiceOrderReply,
} from './voice-job-schemas';

const claim = z.object({
  sessionId,
  gateway: incarnation,
  seenEpoch: count,
  attach: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('new'),
      connection: z.object({
        parley: z.boolean(),
        model: z.string().nullable(),
        defaults: sessionPatch.exactOptional(),
      }),
    }),
    z.object({ kind: z.literal('keep'), attachment: count, delivered: deliveryReport }),
    z.object({
      kind: z.literal('resume'),
      connectionId: z.string(),
      token: z.string(),
      received: z.array(receivedResponse).nullable(),
      // Gateways of the first version do not say it.
      receivedOutSeq: count.default(0),
    }),
  ]),
});

const claimReply = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('granted'),
    epoch: count,
    attachment: count,
    owner: incarnation,
    opening: z
      .object({
        greeting: z.array(clientEventBody),
        afterOutSeq: count,
        throughOutSeq: count,
        responses: z.array(responseDelivery),
      })
      .nullable(),
  }),
  z.object({ kind: z.literal('owned'), epoch: count, owner: incarnation }),
  z.object({ kind: z.literal('probing') }),
  z.object({ kind: z.literal('full') }),
  z.object({ kind: z.literal('superseded') }),
  z.object({ kind: z.literal('gone') }),
]);

/** Also what is stored behind a client secret. */
export const sessionDefaults: z.ZodType<model.SessionDefaults> = z.object({
  model: z.string().nullable(),
  patch: sessionPatch,
});
const secretKeep = z.object({ digest: z.string(), ttlMs: z.int().min(1), defaults: sessionDefaults });
/** Carried as it is. */
const sessionObject = z
  .record(z.string(), z.unknown())
  .refine(({ object }) => object === 'realtime.session', 'expected a session object');
const secretKeepReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kept'), session: sessionObject }),
  z.object({ kind: z.literal('unavailable') }),
]);
const secretFind = z.object({ digest: z.string() });
const secretFindReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('found'), defaults: sessionDefaults }),
  z.object({ kind: z.literal('unknown') }),
  z.object({ kind: z.literal('unavailable') }),
]);

const peerPing = z.object({ from: incarnation });
const ownerProbe = z.object({ sessionId });
const ownerProbeReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('owned'), epoch: count }),
  z.object({ kind: z.literal('disowned') }),
]);

/** One parser for every JSON body of the bus (PROTOCOL.md, "The bus"), for `decodeEnvelope`. */
export const busSchemas = {
  claim,
  claimReply,
  secretKeep,
  secretKeepReply,
  secretFind,
  secretFindReply,
  input,
  inputReply,
  output,
  report,
  timings,
  visemes,
  voiceOpen,
  voiceOpenReply,
  voiceOrder,
  voiceOrderReply,
  voiceFailed,
  peerPing,
  ownerProbe,
  ownerProbeReply,
  journal,
} as const;

/** What each parser yields. */
export interface BusBodies {
  claim: model.Claim;
  claimReply: model.ClaimReply;
  secretKeep: model.SecretKeep;
  secretKeepReply: model.SecretKeepReply;
  secretFind: model.SecretFind;
  secretFindReply: model.SecretFindReply;
  input: model.InputMessage;
  inputReply: model.InputReply;
  output: model.OutputMessage;
  report: model.Report;
  timings: model.SegmentTimings;
  visemes: model.VisemesMessage;
  voiceOpen: model.VoiceOpen;
  voiceOpenReply: model.VoiceOpenReply;
  voiceOrder: model.VoiceOrder;
  voiceOrderReply: model.VoiceOrderReply;
  voiceFailed: model.VoiceFailed;
  peerPing: model.PeerPing;
  ownerProbe: model.OwnerProbe;
  ownerProbeReply: model.OwnerProbeReply;
  journal: model.JournalEntry;
}

type Parsed = { [K in keyof typeof busSchemas]: z.output<(typeof busSchemas)[K]> };
/** A schema that yields anything but its model type does not compile. */
export type BusSchemasAgree = AssertNone<Disagreement<Parsed, BusBodies>>;
