import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { TimersPort, TtsPort, TtsRequest } from '@parley/ports';
import { SpeechStream } from './speech-stream';

/** Names that the server does not know, of which the oldest is forgotten: a client's word must not fill the memory. */
const MAX_UNKNOWN_VOICES = 256;

/** A voice that is silent for longer while it is listened to will not come back in time for a conversation. */
const DEFAULT_STALL_TIMEOUT_MS = 4000;

export interface OpenAiTtsOptions {
  /** With the API's version and with or without a final slash, e.g. `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Left out for servers that need none. */
  apiKey?: string | undefined;
  model: string;
  /** The voice of requests that name none. */
  voice: string;
  /** What is known of the server: the same text gives the same samples. Default false. */
  deterministic?: boolean | undefined;
  timers: TimersPort;
  stallTimeoutMs?: number | undefined;
}

/**
 * A voice over `POST {baseUrl}/audio/speech`, as OpenAI and compatible servers speak it: raw PCM of 24 kHz, streamed.
 * Node's own client, because every byte is on the way to the first audio: no fetch, no web streams in between.
 */
export function createOpenAiTts(options: OpenAiTtsOptions): TtsPort {
  const url = speechUrl(options.baseUrl);
  const secure = url.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const streams = new Set<SpeechStream>();
  const unknownVoices = new Set<string>();

  const remember = (voice: string): void => {
    unknownVoices.add(voice);
    if (unknownVoices.size <= MAX_UNKNOWN_VOICES) return;
    const [oldest = voice] = unknownVoices;
    unknownVoices.delete(oldest);
  };

  const send = ({ text, speed = 1 }: TtsRequest, voice: string): ClientRequest => {
    const body = JSON.stringify({
      model: options.model,
      voice,
      input: text,
      response_format: 'pcm',
      // Not every server knows it.
      ...(speed === 1 ? {} : { speed }),
    });
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
    };
    const sent = (secure ? httpsRequest : httpRequest)(url, { method: 'POST', agent, headers });
    sent.end(body);
    return sent;
  };

  return {
    timings: 'none',
    deterministic: options.deterministic ?? false,
    unavailable: () => Promise.resolve(undefined),
    synthesize(request, signal) {
      const { voice: named = options.voice } = request;
      const voice = unknownVoices.has(named) ? options.voice : named;
      const stream = new SpeechStream({
        send: () => send(request, voice),
        sendInOwnVoice: voice === options.voice ? undefined : () => send(request, options.voice),
        onVoiceUnknown: () => remember(voice),
        signal,
        timers: options.timers,
        stallTimeoutMs: options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
        onOver: () => streams.delete(stream),
      });
      streams.add(stream);
      return stream;
    },
    close() {
      for (const stream of streams) stream.fail({ kind: 'cut', message: 'The voice was closed.' });
      agent.destroy();
      return Promise.resolve();
    },
  };
}

function speechUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/audio/speech`;
  return url;
}
