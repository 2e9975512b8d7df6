/**
 * What a client of the Realtime API sets of its session beside instructions, tools and voice, in that API's own shapes
 * (openai-realtime.md §4): it is stored, echoed and compared as it was sent. What this server has no use for changes
 * nothing.
 */
export interface SessionSettings {
  output_modalities: [OutputModality];
  /** Of one response. */
  max_output_tokens: TokenLimit;
  tracing: WireTracing;
  truncation: WireTruncation;
  prompt: WirePrompt | null;
  include: string[] | null;
  audio: {
    input: {
      format: WireAudioFormat;
      transcription: WireTranscription | null;
      noise_reduction: WireNoiseReduction | null;
      turn_detection: WireTurnDetection | null;
    };
    output: { format: WireAudioFormat; speed: number };
  };
}

/** What a response is given as: heard, with its transcript, or as text alone. */
export type OutputModality = 'audio' | 'text';
/** Tokens that the model may write for one response. */
export type TokenLimit = number | 'inf';
export interface WireNoiseReduction {
  type: 'near_field' | 'far_field';
  strength?: number;
}
export type WireTracing =
  'auto' | { workflow_name?: string; group_id?: string; metadata?: Record<string, unknown> } | null;
export type WireTruncation =
  | 'auto'
  | 'disabled'
  | { type: 'retention_ratio'; retention_ratio: number; token_limits?: { post_instructions?: number } };

export interface WirePrompt {
  id: string;
  version?: string | null;
  variables?: Record<string, unknown> | null;
}

export interface PcmFormat {
  type: 'audio/pcm';
  rate: 24_000;
}

/** Inside everything is PCM16 mono at 24 kHz; the others are 8 kHz. */
export type WireAudioFormat = PcmFormat | { type: 'audio/pcmu' } | { type: 'audio/pcma' };

export interface WireTranscription {
  model?: string;
  language?: string;
  languages?: string[];
  prompt?: string;
  keywords?: string[];
  delay?: string;
}

export interface ServerVad {
  type: 'server_vad';
  threshold: number;
  prefix_padding_ms: number;
  silence_duration_ms: number;
  idle_timeout_ms: number | null;
  create_response: boolean;
  interrupt_response: boolean;
}

export interface SemanticVad {
  type: 'semantic_vad';
  eagerness: 'low' | 'medium' | 'high' | 'auto';
  create_response: boolean;
  interrupt_response: boolean;
}

export type WireTurnDetection = ServerVad | SemanticVad;

/** Fields of the kind that is not chosen say nothing. */
export type TurnDetectionPatch = Partial<Omit<ServerVad, 'type'> & Omit<SemanticVad, 'type'>> & {
  type?: WireTurnDetection['type'];
};

/** What `session.update` may name of it. An object within is merged into what is there; null, a list and a format replace it. */
export interface SettingsPatch extends Partial<Omit<SessionSettings, 'audio'>> {
  audio?: { input?: InputPatch; output?: OutputPatch };
}

export interface InputPatch {
  format?: WireAudioFormat;
  transcription?: WireTranscription | null;
  noise_reduction?: WireNoiseReduction | null;
  turn_detection?: TurnDetectionPatch | null;
}

/** `speed`: 1 is the voice's own. */
export interface OutputPatch {
  format?: WireAudioFormat;
  speed?: number;
}

/** As the real server's (its `session.created`), but for the turn detection: nobody listens to audio here yet. */
export const DEFAULT_SETTINGS: SessionSettings = {
  output_modalities: ['audio'],
  max_output_tokens: 'inf',
  tracing: null,
  truncation: 'auto',
  prompt: null,
  include: null,
  audio: {
    input: {
      format: { type: 'audio/pcm', rate: 24_000 },
      transcription: null,
      noise_reduction: null,
      turn_detection: null,
    },
    output: { format: { type: 'audio/pcm', rate: 24_000 }, speed: 1 },
  },
};

const SERVER_VAD: ServerVad = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};
const SEMANTIC_VAD: SemanticVad = {
  type: 'semantic_vad',
  eagerness: 'auto',
  create_response: true,
  interrupt_response: true,
};

/** The settings with what the patch names; neither is changed. */
export function mergeSettings(settings: SessionSettings, { audio, ...patch }: SettingsPatch): SessionSettings {
  const { input, output } = settings.audio;
  const { tracing = settings.tracing, truncation = settings.truncation, prompt = settings.prompt } = patch;
  const { transcription = input.transcription, noise_reduction: noise = input.noise_reduction } = audio?.input ?? {};
  const { turn_detection: detection = input.turn_detection } = audio?.input ?? {};
  return {
    ...settings,
    ...patch,
    tracing: mergedInto(settings.tracing, tracing),
    truncation: mergedInto(settings.truncation, truncation),
    // Version and variables are of one prompt.
    prompt: prompt?.id === settings.prompt?.id ? mergedInto(settings.prompt, prompt) : prompt,
    audio: {
      input: {
        ...input,
        ...audio?.input,
        transcription: mergedInto(input.transcription, transcription),
        noise_reduction: mergedInto(input.noise_reduction, noise),
        turn_detection: detection && detectionOf(input.turn_detection, detection),
      },
      output: { ...output, ...audio?.output },
    },
  };
}

/** An object into an object; a word or null takes the place of what was there. */
const mergedInto = <Value extends object | string | null>(before: Value, patch: Value): Value =>
  typeof before === 'object' && typeof patch === 'object' && patch !== null ? { ...before, ...patch } : patch;

/** Of the same kind it is changed; another kind begins with its own defaults. */
function detectionOf(before: WireTurnDetection | null, patch: TurnDetectionPatch): WireTurnDetection {
  const type = patch.type ?? before?.type ?? SERVER_VAD.type;
  if (type === 'semantic_vad') {
    const base = before?.type === type ? before : SEMANTIC_VAD;
    const { eagerness = base.eagerness } = patch;
    return { type, eagerness, ...reactionsOf(base, patch) };
  }
  const base = before?.type === type ? before : SERVER_VAD;
  const {
    threshold = base.threshold,
    prefix_padding_ms = base.prefix_padding_ms,
    silence_duration_ms = base.silence_duration_ms,
    idle_timeout_ms = base.idle_timeout_ms,
  } = patch;
  return { type, threshold, prefix_padding_ms, silence_duration_ms, idle_timeout_ms, ...reactionsOf(base, patch) };
}

const reactionsOf = (base: WireTurnDetection, patch: TurnDetectionPatch) => ({
  create_response: patch.create_response ?? base.create_response,
  interrupt_response: patch.interrupt_response ?? base.interrupt_response,
});
