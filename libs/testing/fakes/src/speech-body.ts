import { badRequest, isRecord } from './api-error';
import type { Refusal } from './api-error';

/** The body of a speech request. Of a refused request it holds whatever was sent, unchecked. */
export interface SpeechBody {
  readonly model?: string;
  readonly input?: string;
  readonly voice?: string | { readonly id: string };
  readonly response_format?: string;
  readonly [parameter: string]: unknown;
}

const MAX_INPUT_CHARACTERS = 4_096;
const PROVIDER_FORMATS = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'];

/** What the provider has against this body; undefined when it would speak. */
export function checkSpeechBody(body: Readonly<Record<string, unknown>>): Refusal | undefined {
  const { model, input, voice, speed } = body;
  if (typeof model !== 'string' || model === '') return badRequest('you must provide a model parameter');
  if (input === undefined || input === null) return fieldError('input', 'Field required');
  if (typeof input !== 'string') return fieldError('input', 'Input should be a valid string');
  if (input === '') return fieldError('input', 'String should have at least 1 character');
  // The provider counts code points, not UTF-16 units.
  if (input.length > MAX_INPUT_CHARACTERS && [...input].length > MAX_INPUT_CHARACTERS) {
    return fieldError('input', `String should have at most ${MAX_INPUT_CHARACTERS} characters`);
  }
  if (voice === undefined || voice === null || voice === '') return fieldError('voice', 'Field required');
  if (typeof voice !== 'string' && !(isRecord(voice) && typeof voice['id'] === 'string')) {
    return fieldError('voice', 'Input should be a valid string');
  }
  if (speed !== undefined && !(typeof speed === 'number' && speed >= 0.25 && speed <= 4)) {
    return fieldError('speed', 'Input should be between 0.25 and 4');
  }
  return checkFormats(body);
}

/** No format means mp3, as at the provider: a client that forgot to ask for PCM must not get it by luck. */
function checkFormats(body: Readonly<Record<string, unknown>>): Refusal | undefined {
  const { response_format: format = 'mp3', stream_format: streamFormat = 'audio' } = body;
  if (typeof format !== 'string' || !PROVIDER_FORMATS.includes(format)) {
    const names = PROVIDER_FORMATS.map((name) => `'${name}'`).join(', ');
    return fieldError('response_format', `Input should be one of ${names}`);
  }
  if (format !== 'pcm' && format !== 'wav') {
    const asked = body['response_format'] === undefined ? "'mp3' (the default)" : `'${format}'`;
    return fieldError('response_format', `This fake supports only 'pcm' and 'wav', not ${asked}`);
  }
  if (streamFormat !== 'audio') {
    return fieldError('stream_format', `This fake supports only 'audio', not '${String(streamFormat)}'`);
  }
  return undefined;
}

function fieldError(param: string, message: string): Refusal {
  return badRequest(`Invalid '${param}': ${message}.`, param);
}
