import type { WireAudioFormat } from '@parley/model';

/** How the older dialect differs from GA (openai-realtime.md §5.5): one table for both directions and for errors. */

/** Where a field of its sessions and responses stands in GA's. */
export const PLACES: ReadonlyMap<string, readonly string[]> = new Map([
  ['modalities', ['output_modalities']],
  ['voice', ['audio', 'output', 'voice']],
  ['speed', ['audio', 'output', 'speed']],
  ['input_audio_format', ['audio', 'input', 'format']],
  ['output_audio_format', ['audio', 'output', 'format']],
  ['input_audio_transcription', ['audio', 'input', 'transcription']],
  ['input_audio_noise_reduction', ['audio', 'input', 'noise_reduction']],
  ['turn_detection', ['audio', 'input', 'turn_detection']],
  ['max_response_output_tokens', ['max_output_tokens']],
]);

export const FORMATS: ReadonlyMap<unknown, WireAudioFormat> = new Map([
  ['pcm16', { type: 'audio/pcm', rate: 24_000 }],
  ['g711_ulaw', { type: 'audio/pcmu' }],
  ['g711_alaw', { type: 'audio/pcma' }],
]);

/** What its content parts are called in GA, where that differs. */
export const CONTENT_TYPES: ReadonlyMap<unknown, string> = new Map([
  ['text', 'output_text'],
  ['audio', 'output_audio'],
]);

/** GA's name by its own. */
export const EVENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['response.output_audio.delta', 'response.audio.delta'],
  ['response.output_audio.done', 'response.audio.done'],
  ['response.output_audio_transcript.delta', 'response.audio_transcript.delta'],
  ['response.output_audio_transcript.done', 'response.audio_transcript.done'],
  ['response.output_text.delta', 'response.text.delta'],
  ['response.output_text.done', 'response.text.done'],
  ['conversation.item.added', 'conversation.item.created'],
  ['parley.pong', 'pong'],
]);

/** GA's alone. */
export const NEW_EVENTS: readonly string[] = ['conversation.item.done', 'input_audio_buffer.timeout_triggered'];

/** Of its turn detection and its usage. */
export const NEW_FIELDS: readonly string[] = ['idle_timeout_ms', 'image_tokens'];
