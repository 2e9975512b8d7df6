import {
  BUSY_POLICIES,
  COMMIT_POLICIES,
  FALSE_INTERRUPTION_POLICIES,
  isResponseId,
  jsonBytes,
  largestField,
  PIECE_MAX_BYTES,
  type ClientEvent,
  type ClientEventType,
  type ResponseId,
} from '@parley/model';
import { z } from 'zod';
import { CLIENT_LIMITS } from './client-limits';
import { closed } from './closed';
import type { AssertNone, Disagreement } from './same-type';
import { settingsShape, wishShape } from './session-settings-schemas';

/** Control characters and halves of surrogate pairs: no id has a use for them, and logs, keys and C strings break on them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
/** NUL ends a C string in a native voice; half a surrogate pair has no UTF-8. Both become what a decoder would put there. */
const NOT_TEXT = /[\0\p{Cs}]/gu;

const id = z
  .string()
  .min(1, 'must not be empty')
  .max(CLIENT_LIMITS.idChars)
  .refine((value) => !UNPRINTABLE.test(value), 'must not contain control characters or unpaired surrogates');
const responseId = id.pipe(
  z.custom<ResponseId>((value) => typeof value === 'string' && isResponseId(value), "must begin with 'resp_'"),
);
const text = z
  .string()
  .max(CLIENT_LIMITS.textChars)
  .overwrite((value) => value.replace(NOT_TEXT, '\uFFFD'));
const policyWaitMs = z.int().min(0).max(CLIENT_LIMITS.policyWaitMs);

/** All other events are bounded by their texts; these two may hold many of them, and JSON of the client's own. */
const bounded = <Shape extends z.ZodRawShape>(what: string, shape: Shape) =>
  closed(shape).superRefine((value, context) => {
    if (jsonBytes(value) <= PIECE_MAX_BYTES) return;
    const message = `the largest part of a ${what}, which must be at most ${PIECE_MAX_BYTES} bytes of JSON`;
    context.addIssue({ code: 'custom', path: [largestField(value)], message, input: value });
  });

const metadata = z
  .record(z.string().max(CLIENT_LIMITS.metadataKeyChars), z.string().max(CLIENT_LIMITS.metadataValueChars))
  .refine(
    (value) => Object.keys(value).length <= CLIENT_LIMITS.metadataKeys,
    `must have at most ${CLIENT_LIMITS.metadataKeys} keys`,
  );

const contentTypeOf = (role: string): string => (role === 'assistant' ? 'output_text' : 'input_text');

/** What a client repeats of an item that it was given. */
const repeated = {
  id: id.exactOptional(),
  object: z.literal('realtime.item').exactOptional(),
  status: z.enum(['completed', 'incomplete', 'in_progress']).exactOptional(),
};

/** Fields in this order: of several faults the first one is reported, and `type` tells most about what a client meant. */
const message = closed({
  type: z.literal('message'),
  ...repeated,
  role: z.enum(['user', 'system', 'assistant']),
  content: z.array(closed({ type: z.enum(['input_text', 'output_text']), text })).min(1, 'must not be empty'),
}).superRefine(({ role, content }, context) => {
  const foreign = content.findIndex((part) => part.type !== contentTypeOf(role));
  if (foreign >= 0) {
    context.addIssue({
      code: 'invalid_value',
      values: [contentTypeOf(role)],
      path: ['content', foreign, 'type'],
      input: content[foreign]?.type,
    });
  }
  const length = content.reduce((sum, part) => sum + part.text.length, 0);
  if (length > CLIENT_LIMITS.textChars) {
    const maximum = CLIENT_LIMITS.textChars;
    context.addIssue({ code: 'too_big', origin: 'string', maximum, path: ['content'], input: content });
  }
});

/** As the Realtime API wants it, and every provider takes it. */
const toolName = z
  .string()
  .max(CLIENT_LIMITS.toolNameChars)
  .regex(/^[a-zA-Z0-9_-]+$/, 'must be letters, digits, _ and - alone');
const call = closed({
  type: z.literal('function_call'),
  ...repeated,
  call_id: id.exactOptional(),
  name: toolName,
  arguments: text,
});
const callOutput = closed({ type: z.literal('function_call_output'), ...repeated, call_id: id, output: text });
const item = z.discriminatedUnion('type', [message, call, callOutput]);

const tool = closed({
  type: z.literal('function'),
  name: toolName,
  description: text.exactOptional(),
  parameters: z.record(z.string(), z.unknown()).exactOptional(),
});

const voice = z.union([id, closed({ id })], 'must be a name, or an object with its id');

const areDistinct = (tools: readonly { name: string }[]): boolean =>
  new Set(tools.map(({ name }) => name)).size === tools.length;

const tools = z.array(tool).max(CLIENT_LIMITS.tools).refine(areDistinct, 'must not name a function twice');
const toolChoice = z.union(
  [z.enum(['auto', 'none', 'required']), closed({ type: z.literal('function'), name: toolName })],
  "must be 'auto', 'none', 'required', or name a function as { type, name }",
);
const reasoning = z.record(z.string(), z.unknown()).nullable();

const response = bounded('response', {
  conversation: z.enum(['auto', 'none']).exactOptional(),
  input: z
    .array(z.discriminatedUnion('type', [message, call, callOutput, closed({ type: z.literal('item_reference'), id })]))
    .max(CLIENT_LIMITS.inputItems)
    .exactOptional(),
  instructions: text.exactOptional(),
  tools: tools.exactOptional(),
  tool_choice: toolChoice.exactOptional(),
  max_output_tokens: wishShape.outputTokens.exactOptional(),
  output_modalities: wishShape.modalities.exactOptional(),
  audio: closed({
    output: closed({ format: wishShape.format.exactOptional(), voice: voice.exactOptional() }).exactOptional(),
  }).exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  parallel_tool_calls: z.boolean().exactOptional(),
  prompt: wishShape.prompt.exactOptional(),
  reasoning: reasoning.exactOptional(),
});

const event = <Type extends ClientEventType, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  closed({ type: z.literal(type), event_id: id.exactOptional(), ...shape });

/** One parser for every client event, by its `type`. */
export const clientEventSchemas = {
  'session.update': event('session.update', {
    session: bounded('session', {
      type: z.literal('realtime'),
      // A session keeps the model it was opened with, and clients name it again: the owner judges it.
      model: id.exactOptional(),
      instructions: text.nullable().exactOptional(),
      tools: tools.exactOptional(),
      tool_choice: toolChoice.exactOptional(),
      parallel_tool_calls: z.boolean().exactOptional(),
      reasoning: reasoning.exactOptional(),
      ...settingsShape.session,
      audio: closed({
        input: closed(settingsShape.input).exactOptional(),
        output: closed({ ...settingsShape.output, voice: voice.exactOptional() }).exactOptional(),
      }).exactOptional(),
    }),
  }),
  'conversation.item.create': event('conversation.item.create', {
    previous_item_id: id.nullable().exactOptional(),
    item,
  }),
  'conversation.item.truncate': event('conversation.item.truncate', {
    item_id: id,
    content_index: z.int().min(0).max(0, 'must be 0: an answer has one content part'),
    audio_end_ms: z.int().min(0),
  }),
  'conversation.item.retrieve': event('conversation.item.retrieve', { item_id: id }),
  'conversation.item.delete': event('conversation.item.delete', { item_id: id }),
  'response.create': event('response.create', { response: response.exactOptional() }),
  'response.cancel': event('response.cancel', { response_id: responseId.exactOptional() }),
  'parley.speech.started': event('parley.speech.started', {}),
  'parley.speech.stopped': event('parley.speech.stopped', {}),
  'parley.transcript.partial': event('parley.transcript.partial', { turn_id: id, text }),
  'parley.transcript.speculative': event('parley.transcript.speculative', { turn_id: id, text }),
  'parley.transcript.resumed': event('parley.transcript.resumed', { turn_id: id }),
  'parley.transcript.final': event('parley.transcript.final', { turn_id: id.exactOptional(), text }),
  'parley.interrupt': event('parley.interrupt', { response_id: responseId.exactOptional() }),
  'parley.say': event('parley.say', { text, interruptible: z.boolean().exactOptional() }),
  'parley.mute': event('parley.mute', { muted: z.boolean() }),
  'parley.policy.update': event('parley.policy.update', {
    policy: closed({
      busy: z.enum(BUSY_POLICIES).exactOptional(),
      commit: z.enum(COMMIT_POLICIES).exactOptional(),
      interruptible: z.boolean().exactOptional(),
      min_speech_ms: policyWaitMs.exactOptional(),
      min_words: z.int().min(0).max(CLIENT_LIMITS.minWords).exactOptional(),
      backchannels: z.array(id).max(CLIENT_LIMITS.backchannels).exactOptional(),
      cool_down_ms: policyWaitMs.exactOptional(),
      false_interruption: z.enum(FALSE_INTERRUPTION_POLICIES).exactOptional(),
      false_interruption_ms: policyWaitMs.exactOptional(),
      away_after_ms: z.int().min(1).max(CLIENT_LIMITS.awayAfterMs).nullable().exactOptional(),
      away_prompt: text.nullable().exactOptional(),
    }),
  }),
  'parley.playback': event('parley.playback', {
    response_id: responseId,
    played_ms: z.number().min(0),
    ended: z.boolean().exactOptional(),
  }),
  'parley.ping': event('parley.ping', {}),
} as const;

type Parsed = { [K in keyof typeof clientEventSchemas]: z.output<(typeof clientEventSchemas)[K]> };
type Modelled = { [K in ClientEventType]: Extract<ClientEvent, { type: K }> };
/** A schema that yields anything but its model type does not compile, nor does an event without a schema. */
export type ClientSchemasAgree = AssertNone<Disagreement<Modelled, Parsed>>;
