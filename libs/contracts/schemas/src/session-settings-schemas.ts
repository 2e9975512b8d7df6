import type { SessionSettings, SettingsPatch } from '@parley/model';
import { z } from 'zod';
import { closed } from './closed';
import { CLIENT_LIMITS } from './client-limits';

const name = z.string().min(1, 'must not be empty').max(CLIENT_LIMITS.settingChars);
const text = z.string().max(CLIENT_LIMITS.textChars);
const waitMs = z.int().min(0).max(CLIENT_LIMITS.detectionWaitMs);
const anything = z.record(z.string(), z.unknown());

/** What is kept of a session may not be of any size. */
const small = (value: unknown): boolean => JSON.stringify(value).length <= CLIENT_LIMITS.textChars;
const TOO_LARGE = `must be at most ${CLIENT_LIMITS.textChars} characters of JSON`;

const pcm = closed({ type: z.literal('audio/pcm'), rate: z.literal(24_000) });
const inputFormat = z.discriminatedUnion('type', [
  pcm,
  closed({ type: z.literal('audio/pcmu') }),
  closed({ type: z.literal('audio/pcma') }),
]);

const transcription = closed({
  model: name.exactOptional(),
  language: name.exactOptional(),
  prompt: text.exactOptional(),
});

const turnDetection = closed({
  type: z.enum(['server_vad', 'semantic_vad']).exactOptional(),
  threshold: z.number().min(0).max(1).exactOptional(),
  prefix_padding_ms: waitMs.exactOptional(),
  silence_duration_ms: waitMs.exactOptional(),
  idle_timeout_ms: waitMs.nullable().exactOptional(),
  eagerness: z.enum(['low', 'medium', 'high', 'auto']).exactOptional(),
  create_response: z.boolean().exactOptional(),
  interrupt_response: z.boolean().exactOptional(),
});

/** Everything of the session but what this server does something of its own with. */
const plain = {
  output_modalities: z.tuple([z.literal('audio')]).exactOptional(),
  max_output_tokens: z.literal('inf').exactOptional(),
  tracing: z
    .union(
      [
        z.literal('auto'),
        closed({
          workflow_name: name.exactOptional(),
          group_id: name.exactOptional(),
          metadata: anything.exactOptional(),
        }),
        z.null(),
      ],
      "must be 'auto', null, or { workflow_name, group_id, metadata }",
    )
    .refine(small, TOO_LARGE)
    .exactOptional(),
  truncation: z
    .union(
      [
        z.enum(['auto', 'disabled']),
        closed({
          type: z.literal('retention_ratio'),
          retention_ratio: z.number().min(0).max(1),
          token_limits: closed({ post_instructions: z.int().min(0).exactOptional() }).exactOptional(),
        }),
      ],
      "must be 'auto', 'disabled', or { type: 'retention_ratio', retention_ratio }",
    )
    .exactOptional(),
  prompt: closed({ id: name, version: name.nullable().exactOptional(), variables: anything.nullable().exactOptional() })
    .refine(small, TOO_LARGE)
    .nullable()
    .exactOptional(),
  include: z.array(name).max(CLIENT_LIMITS.included).nullable().exactOptional(),
};

const input = {
  format: inputFormat.exactOptional(),
  transcription: transcription.nullable().exactOptional(),
  noise_reduction: closed({ type: z.enum(['near_field', 'far_field']) })
    .nullable()
    .exactOptional(),
  turn_detection: turnDetection.nullable().exactOptional(),
};
const output = {
  format: pcm.exactOptional(),
  speed: z.literal(1).exactOptional(),
};

/** Fields of `session` and of its `audio` in `session.update`. */
export const settingsShape = { session: plain, input, output } as const;

/** What of them goes to the owner. */
export const settingsPatch: z.ZodType<SettingsPatch> = z.object({
  ...plain,
  audio: z.object({ input: z.object(input).exactOptional(), output: z.object(output).exactOptional() }).exactOptional(),
});

/** As stored. */
export const sessionSettings: z.ZodType<SessionSettings> = z.object({
  output_modalities: z.tuple([z.literal('audio')]),
  max_output_tokens: z.literal('inf'),
  tracing: z.union([
    z.literal('auto'),
    z.object({
      workflow_name: z.string().exactOptional(),
      group_id: z.string().exactOptional(),
      metadata: anything.exactOptional(),
    }),
    z.null(),
  ]),
  truncation: z.union([
    z.enum(['auto', 'disabled']),
    z.object({
      type: z.literal('retention_ratio'),
      retention_ratio: z.number(),
      token_limits: z.object({ post_instructions: z.number().exactOptional() }).exactOptional(),
    }),
  ]),
  prompt: z
    .object({
      id: z.string(),
      version: z.string().nullable().exactOptional(),
      variables: anything.nullable().exactOptional(),
    })
    .nullable(),
  include: z.array(z.string()).nullable(),
  audio: z.object({
    input: z.object({
      format: inputFormat,
      transcription: transcription.nullable(),
      noise_reduction: z.object({ type: z.enum(['near_field', 'far_field']) }).nullable(),
      turn_detection: z
        .discriminatedUnion('type', [
          z.object({
            type: z.literal('server_vad'),
            threshold: z.number(),
            prefix_padding_ms: z.number(),
            silence_duration_ms: z.number(),
            idle_timeout_ms: z.number().nullable(),
            create_response: z.boolean(),
            interrupt_response: z.boolean(),
          }),
          z.object({
            type: z.literal('semantic_vad'),
            eagerness: z.enum(['low', 'medium', 'high', 'auto']),
            create_response: z.boolean(),
            interrupt_response: z.boolean(),
          }),
        ])
        .nullable(),
    }),
    output: z.object({ format: pcm, speed: z.literal(1) }),
  }),
});
