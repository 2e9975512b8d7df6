import { CAPABILITIES, DEFAULT_SETTINGS } from '@parley/model';
import {
  outputModality,
  responseId,
  sessionId,
  sessionPolicyPatch,
  sessionSettings,
  tokenLimit,
  toolCall,
  toolChoice,
  toolDefinition,
  usage,
} from '@parley/schemas';
import type { EngineState } from '@parley/turn-engine';
import { z } from 'zod';

/** Parser of the engine's state as it lies in the store; documented in PROTOCOL.md ("Stored state"). */

const count = z.int().min(0);
const ms = z.number();
const msOrNull = z.number().nullable();

const words = z.array(
  z.object({ word: z.string(), charStart: count, charEnd: count, startMs: z.number(), endMs: z.number() }),
);
const segments = z.array(z.object({ text: z.string(), words }));
const delivery = z.object({
  segments: z.array(z.object({ attempt: count, samples: count, last: z.boolean() })),
  playedSamples: count,
});

const names = { lane: count, ordinal: count, responseId, itemId: z.string(), turnId: z.string() };

// Absent, as other fields with a default, in states of an older release.
const modality = outputModality.default('audio');

const itemText = { text: z.string(), parts: z.array(z.string()).exactOptional() };

const historyItem = z.discriminatedUnion('role', [
  z.object({ id: z.string(), role: z.enum(['user', 'system']), ...itemText }),
  z.object({
    id: z.string(),
    role: z.literal('assistant'),
    ...itemText,
    interrupted: z.boolean(),
    modality,
    spoken: z.object({ segments, delivery }).nullable(),
  }),
  z.object({
    id: z.string(),
    role: z.literal('call'),
    answerId: z.string(),
    call: toolCall,
    outcome: z.discriminatedUnion('stage', [
      z.object({ stage: z.literal('pending') }),
      z.object({ stage: z.literal('answered'), itemId: z.string(), output: z.string() }),
      z.object({ stage: z.literal('abandoned'), why: z.enum(['interrupted', 'timeout']) }),
    ]),
  }),
]);

const wishes = z.object({
  tools: z.array(toolDefinition).nullable(),
  toolChoice: toolChoice.nullable(),
  maxOutputTokens: tokenLimit.nullable(),
  input: z.array(historyItem).nullable(),
});
const noWishes = { tools: null, toolChoice: null, maxOutputTokens: null, input: null };

const liveResponse = z.object({
  ...names,
  cause: z.object({ attachment: count, seq: count }),
  generation: z.discriminatedUnion('stage', [
    z.object({ stage: z.literal('running'), text: z.string(), deadlineMs: ms, tokens: z.boolean() }),
    z.object({
      stage: z.literal('ended'),
      usage,
      status: z.enum(['completed', 'incomplete']),
      cutBy: z.enum(['max_output_tokens', 'content_filter']).nullable().default(null),
    }),
  ]),
  voice: z.discriminatedUnion('stage', [
    z.object({ stage: z.literal('opening'), deadlineMs: ms }),
    z.object({ stage: z.literal('bound'), deadlineMs: msOrNull }),
    z.object({ stage: z.literal('absent'), deadlineMs: msOrNull }),
    z.object({ stage: z.literal('held'), deadlineMs: z.null() }),
  ]),
  rendering: z
    .object({
      attempt: count,
      voice: z.string().nullable(),
      speed: z.number().default(1),
      fromSamples: count,
      barren: count,
    })
    .default({ attempt: 1, voice: null, speed: 1, fromSamples: 0, barren: 0 }),
  segments,
  calls: z.array(z.string()).default([]),
  delivery,
  modality,
  instructions: z.string().nullable().default(null),
  wishes: wishes.default(noWishes),
  interruptible: z.boolean().default(true),
  beganAtMs: msOrNull,
  marks: z.object({
    firstTokenMs: msOrNull,
    firstSegmentMs: msOrNull,
    firstAudioMs: msOrNull,
    generatedMs: msOrNull,
  }),
  wasClosed: z.boolean().default(false),
});

const phase = z.discriminatedUnion('name', [
  z.object({ name: z.literal('idle') }),
  z.object({ name: z.literal('listening') }),
  z.object({ name: z.literal('thinking'), response: liveResponse }),
  z.object({ name: z.literal('speaking'), response: liveResponse }),
  z.object({ name: z.literal('closed'), reason: z.string() }),
]);

const tail = z.object({
  ...names,
  segments,
  delivery,
  interruptible: z.boolean().default(true),
  closedAtMs: ms,
  deadlineMs: ms,
  cutToHeard: z.boolean(),
});

const waiting = {
  turnId: z.string(),
  text: z.string(),
  responseId,
  answerId: z.string(),
  cause: z.object({ attachment: count, seq: count }),
};
const queuedTurn = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('say'), ...waiting, interruptible: z.boolean() }),
  z.object({ kind: z.literal('transcript'), ...waiting, itemId: z.string() }),
]);

const speech = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('silent') }),
  z.object({ stage: z.literal('speaking'), sinceMs: ms, text: z.string(), deadlineMs: ms }),
  z.object({ stage: z.literal('stopped'), spokenMs: ms, text: z.string(), deadlineMs: ms }),
]);
const avatarTurn = z.object({ lane: count, ordinal: count, responseId });
const given = { turn: avatarTurn, next: avatarTurn.nullable() };
const avatar = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('empty') }),
  z.object({ stage: z.literal('starting'), ...given, cancelled: z.boolean(), deadlineMs: ms }),
  z.object({ stage: z.literal('streaming'), ...given, deadlineMs: msOrNull }),
  z.object({ stage: z.literal('cancelling'), ...given, deadlineMs: ms }),
]);
const pause = z.object({ lane: count, ordinal: count, responseId, playedSamples: count, deadlineMs: ms });
const presence = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('present'), deadlineMs: msOrNull }),
  z.object({ stage: z.literal('away') }),
]);

const connection = z.discriminatedUnion('stage', [
  z.object({ stage: z.literal('connected') }),
  z.object({ stage: z.literal('lost'), graceDeadlineMs: msOrNull, deadlineMs: ms }),
]);

const speculation = z.object({
  turnId: z.string().nullable(),
  starts: count,
  run: z
    .object({
      lane: count,
      ordinal: count,
      text: z.string(),
      buffer: z.string(),
      calls: z.array(z.object({ itemId: z.string(), call: toolCall })).default([]),
      finished: z.object({ reason: z.enum(['stop', 'length', 'content_filter']), usage }).nullable(),
      deadlineMs: ms,
    })
    .nullable(),
});

export const engineStateSchema: z.ZodType<EngineState> = z.object({
  session: z.object({
    sessionId,
    model: z.string(),
    otherModels: z.array(z.string()).default([]),
    defaultInstructions: z.string(),
    instructions: z.string(),
    voice: z.string().nullable(),
    avatar: z.literal('stream').nullable().default(null),
    tools: z.array(toolDefinition).default([]),
    toolChoice: toolChoice.default('auto'),
    settings: sessionSettings.default(DEFAULT_SETTINGS),
    capabilities: z.array(z.enum(CAPABILITIES)),
    resumable: z.boolean().default(false),
    expiresAtS: z.int().nullable().default(null),
  }),
  phase,
  asides: z.array(liveResponse).default([]),
  tails: z.array(tail),
  history: z.array(historyItem),
  recentTurnIds: z.array(z.string()),
  recentResponses: z.array(z.object({ ordinal: count, responseId })).default([]),
  // Absent in states of the first version.
  policy: sessionPolicyPatch.default({}),
  queue: z.array(queuedTurn).default([]),
  speculation: speculation.default({ turnId: null, starts: 0, run: null }),
  calls: z.array(z.object({ itemId: z.string(), ordinal: count, deadlineMs: ms })).default([]),
  avatar: avatar.default({ stage: 'empty' }),
  speech: speech.default({ stage: 'silent' }),
  pause: pause.nullable().default(null),
  presence: presence.default({ stage: 'present', deadlineMs: null }),
  connection: connection.default({ stage: 'connected' }),
  linkLosses: count.default(0),
  finished: liveResponse.nullable().default(null),
  finishedAsides: z.array(liveResponse).default([]),
  hasSpoken: z.boolean().default(false),
  muted: z.boolean().default(false),
  nextOrdinal: count,
  voiceRate: z.object({ samples: z.number(), characters: z.number() }),
  idleDeadlineMs: ms,
  lifetimeDeadlineMs: ms.default(Number.MAX_SAFE_INTEGER),
  steppedAtMs: ms.default(0),
});
