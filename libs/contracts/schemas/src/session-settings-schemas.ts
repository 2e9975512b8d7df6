import type { SessionSettings, SettingsPatch, TokenLimit, WireAudioFormat } from '@parley/model';
import { z } from 'zod';
import { closed } from './closed';
import { CLIENT_LIMITS } from './client-limits';

const name = z.string().min(1, 'must not be empty').max(CLIENT_LIMITS.settingChars);
const names = z.array(name).max(CLIENT_LIMITS.included);
const text = z.string().max(CLIENT_LIMITS.textChars);
const waitMs = z.int().min(0).max(CLIENT_LIMITS.detectionWaitMs);
const eagerness = z.enum(['low', 'medium', 'high', 'auto']);
const anything = z.record(z.string(), z.unknown());

/** What is kept of a session may not be of any size. */
const small = (value: unknown): boolean => JSON.stringify(value).length <= CLIENT_LIMITS.textChars;
const TOO_LARGE = `must be at most ${CLIENT_LIMITS.textChars} characters of JSON`;

/** Exactly these fields for a client; between processes and in the store a newer one may have more (PROTOCOL.md, "Envelope"). */
type ObjectOf = <Shape extends z.ZodRawShape>(shape: Shape) => z.ZodObject<Shape>;
const open: ObjectOf = (shape) => z.object(shape);

const formatOf = (object: ObjectOf) =>
  z.discriminatedUnion('type', [
    // The API's declarations leave the only rate open.
    object({ type: z.literal('audio/pcm'), rate: z.literal(24_000).default(24_000) }),
    object({ type: z.literal('audio/pcmu') }),
    object({ type: z.literal('audio/pcma') }),
  ]);

const transcriptionOf = (object: ObjectOf) =>
  object({
    model: name.exactOptional(),
    language: name.exactOptional(),
    languages: names.exactOptional(),
    prompt: text.exactOptional(),
    keywords: names.exactOptional(),
    delay: name.exactOptional(),
  });

const noiseReductionOf = (object: ObjectOf) =>
  object({ type: z.enum(['near_field', 'far_field']), strength: z.number().exactOptional() });

const tracingOf = (object: ObjectOf) =>
  z
    .union(
      [
        z.literal('auto'),
        object({
          workflow_name: name.exactOptional(),
          group_id: name.exactOptional(),
          metadata: anything.exactOptional(),
        }),
        z.null(),
      ],
      "must be 'auto', null, or { workflow_name, group_id, metadata }",
    )
    .refine(small, TOO_LARGE);

const truncationOf = (object: ObjectOf) =>
  z.union(
    [
      z.enum(['auto', 'disabled']),
      object({
        type: z.literal('retention_ratio'),
        retention_ratio: z.number().min(0).max(1),
        token_limits: object({ post_instructions: z.int().min(0).exactOptional() }).exactOptional(),
      }),
    ],
    "must be 'auto', 'disabled', or { type: 'retention_ratio', retention_ratio }",
  );

const promptOf = (object: ObjectOf) =>
  object({ id: name, version: name.nullable().exactOptional(), variables: anything.nullable().exactOptional() })
    .refine(small, TOO_LARGE)
    .nullable();

const include = names.nullable();

const modalities = z.tuple([z.enum(['audio', 'text'])]);

/** The bounds are the Realtime API's. */
const outputTokens: z.ZodType<TokenLimit> = z.union(
  [z.int().min(1).max(CLIENT_LIMITS.outputTokens), z.literal('inf')],
  `must be a whole number from 1 to ${CLIENT_LIMITS.outputTokens}, or 'inf'`,
);

/** As well. */
const speed = z.number().min(0.25).max(1.5);

/** What an update may name, of the session and of its `audio`. */
const patchOf = (object: ObjectOf) => ({
  session: {
    output_modalities: modalities.exactOptional(),
    max_output_tokens: outputTokens.exactOptional(),
    tracing: tracingOf(object).exactOptional(),
    truncation: truncationOf(object).exactOptional(),
    prompt: promptOf(object).exactOptional(),
    include: include.exactOptional(),
  },
  input: {
    format: formatOf(object).exactOptional(),
    transcription: transcriptionOf(object).nullable().exactOptional(),
    noise_reduction: noiseReductionOf(object).nullable().exactOptional(),
    turn_detection: object({
      type: z.enum(['server_vad', 'semantic_vad']).exactOptional(),
      threshold: z.number().min(0).max(1).exactOptional(),
      prefix_padding_ms: waitMs.exactOptional(),
      silence_duration_ms: waitMs.exactOptional(),
      idle_timeout_ms: waitMs.nullable().exactOptional(),
      eagerness: eagerness.exactOptional(),
      create_response: z.boolean().exactOptional(),
      interrupt_response: z.boolean().exactOptional(),
    })
      .nullable()
      .exactOptional(),
  },
  output: { format: formatOf(object).exactOptional(), speed: speed.exactOptional() },
});

/** Fields of `session` and of its `audio` in `session.update`. */
export const settingsShape = patchOf(closed);

const passedOn = patchOf(open);

/** What of it a response may have of its own, beside its format. */
export const wishShape = { modalities, outputTokens, format: formatOf(closed), prompt: promptOf(closed) };

/** What of them goes to the owner. */
export const settingsPatch: z.ZodType<SettingsPatch> = open({
  ...passedOn.session,
  audio: open({
    input: open(passedOn.input).exactOptional(),
    output: open(passedOn.output).exactOptional(),
  }).exactOptional(),
});

/** Between processes, and as stored. */
export const audioFormat: z.ZodType<WireAudioFormat> = formatOf(open);
export const outputModality = z.enum(['audio', 'text']);
export const tokenLimit = outputTokens;

/** As stored. */
export const sessionSettings: z.ZodType<SessionSettings> = open({
  output_modalities: modalities,
  max_output_tokens: outputTokens,
  tracing: tracingOf(open),
  truncation: truncationOf(open),
  prompt: promptOf(open),
  include,
  audio: open({
    input: open({
      format: audioFormat,
      transcription: transcriptionOf(open).nullable(),
      noise_reduction: noiseReductionOf(open).nullable(),
      turn_detection: z
        .discriminatedUnion('type', [
          open({
            type: z.literal('server_vad'),
            threshold: z.number(),
            prefix_padding_ms: z.number(),
            silence_duration_ms: z.number(),
            idle_timeout_ms: z.number().nullable(),
            create_response: z.boolean(),
            interrupt_response: z.boolean(),
          }),
          open({
            type: z.literal('semantic_vad'),
            eagerness,
            create_response: z.boolean(),
            interrupt_response: z.boolean(),
          }),
        ])
        .nullable(),
    }),
    output: open({ format: audioFormat, speed }),
  }),
});
