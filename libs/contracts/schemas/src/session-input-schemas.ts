import { BUSY_POLICIES, COMMIT_POLICIES, FALSE_INTERRUPTION_POLICIES } from '@parley/model';
import { z } from 'zod';
import { clientError } from './client-error-schema';
import { responseDelivery } from './delivery-schemas';
import { count, milliseconds, ordinal, responseId, sessionId } from './id-schemas';
import { toolCall } from './owner-output-schemas';
import { audioFormat, outputModality, settingsPatch, tokenLimit } from './session-settings-schemas';

const itemText = { text: z.string(), parts: z.array(z.string()).exactOptional() };
const message = z.object({ role: z.enum(['user', 'system']), ...itemText });
const assistant = z.object({
  role: z.literal('assistant'),
  ...itemText,
  interrupted: z.literal(true).exactOptional(),
});
const call = z.object({ role: z.literal('call'), call: toolCall });
const itemDraft = z.discriminatedUnion('role', [message, assistant, call]);
const responseInput = z.discriminatedUnion('role', [
  message,
  assistant,
  call,
  z.object({ role: z.literal('result'), callId: z.string(), output: z.string() }),
  z.object({ role: z.literal('reference'), itemId: z.string() }),
]);

export const toolDefinition = z.object({
  name: z.string(),
  description: z.string().exactOptional(),
  parameters: z.record(z.string(), z.unknown()).exactOptional(),
});
export const toolChoice = z.union([z.enum(['auto', 'none', 'required']), z.object({ name: z.string() })]);

const responseOptions = z.object({
  outOfBand: z.literal(true).exactOptional(),
  input: z.array(responseInput).exactOptional(),
  instructions: z.string().exactOptional(),
  tools: z.array(toolDefinition).exactOptional(),
  toolChoice: toolChoice.exactOptional(),
  maxOutputTokens: tokenLimit.exactOptional(),
  modality: outputModality.exactOptional(),
  format: audioFormat.exactOptional(),
  voice: z.string().exactOptional(),
  metadata: z.record(z.string(), z.string()).exactOptional(),
});

export const sessionPatch = z.object({
  instructions: z.string().nullable().exactOptional(),
  voice: z.string().exactOptional(),
  tools: z.array(toolDefinition).exactOptional(),
  toolChoice: toolChoice.exactOptional(),
  settings: settingsPatch.exactOptional(),
});

export const sessionPolicyPatch = z.object({
  busy: z.enum(BUSY_POLICIES).exactOptional(),
  commit: z.enum(COMMIT_POLICIES).exactOptional(),
  interruptible: z.boolean().exactOptional(),
  minSpeechMs: count.exactOptional(),
  minWords: count.exactOptional(),
  backchannels: z.array(z.string()).exactOptional(),
  coolDownMs: count.exactOptional(),
  falseInterruption: z.enum(FALSE_INTERRUPTION_POLICIES).exactOptional(),
  falseInterruptionMs: count.exactOptional(),
  awayAfterMs: count.nullable().exactOptional(),
  awayPrompt: z.string().nullable().exactOptional(),
});

const interruption = {
  responseId: responseId.exactOptional(),
  writtenOrdinal: ordinal,
  delivery: z.array(responseDelivery),
};

const sessionInput = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('final-transcript'),
    turnId: z.string(),
    text: z.string(),
    itemId: z.string(),
    responseId,
    answerId: z.string(),
  }),
  z.object({ kind: z.literal('speculative-transcript'), turnId: z.string(), text: z.string() }),
  z.object({ kind: z.literal('speech-resumed'), turnId: z.string() }),
  z.object({
    kind: z.literal('partial-transcript'),
    turnId: z.string(),
    text: z.string(),
    delivery: z.array(responseDelivery),
  }),
  z.object({ kind: z.literal('speech-started'), delivery: z.array(responseDelivery) }),
  z.object({ kind: z.literal('speech-stopped') }),
  z.object({ kind: z.literal('mute-changed'), muted: z.boolean() }),
  z.object({
    kind: z.literal('said'),
    turnId: z.string(),
    text: z.string(),
    responseId,
    answerId: z.string(),
    interruptible: z.boolean().exactOptional(),
  }),
  z.object({
    kind: z.literal('item-created'),
    itemId: z.string(),
    item: itemDraft,
    previousItemId: z.string().nullable().exactOptional(),
  }),
  z.object({ kind: z.literal('item-retrieved'), itemId: z.string() }),
  z.object({ kind: z.literal('item-deleted'), itemId: z.string() }),
  z.object({
    kind: z.literal('call-answered'),
    itemId: z.string(),
    callId: z.string(),
    output: z.string(),
    previousItemId: z.string().nullable().exactOptional(),
  }),
  z.object({
    kind: z.literal('response-requested'),
    turnId: z.string(),
    responseId,
    answerId: z.string(),
    options: responseOptions,
  }),
  z.object({ kind: z.literal('interrupted'), ...interruption }),
  z.object({ kind: z.literal('response-cancelled'), ...interruption }),
  z.object({
    kind: z.literal('item-truncated'),
    itemId: z.string(),
    audioEndMs: milliseconds,
    delivery: z.array(responseDelivery),
  }),
  z.object({ kind: z.literal('session-updated'), patch: sessionPatch, model: z.string().exactOptional() }),
  z.object({ kind: z.literal('policy-updated'), patch: sessionPolicyPatch }),
  z.object({ kind: z.literal('message-refused'), error: clientError }),
  z.object({ kind: z.literal('disconnected'), reason: z.enum(['client', 'lost', 'shutdown']) }),
]);

export const input = z.object({
  sessionId,
  attachment: count,
  seq: count,
  clientEventId: z.string().exactOptional(),
  closedOrdinal: ordinal,
  input: sessionInput,
});

export const inputReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('applied'), seq: count }),
  z.object({ kind: z.literal('expected'), seq: count }),
  z.object({ kind: z.literal('old-attachment') }),
  z.object({ kind: z.literal('disowned') }),
]);
