import { HTML_PAGE, playStatus } from './chat-player';
import type { Outlet } from './outlet';
import type { SpeechBehaviour, VoiceSettings } from './speech-behaviour';
import type { SpeechBody } from './speech-body';
import { BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, voicePcm, wavHeader } from './voice-pcm';

const DEFAULT_CHUNK_MS = 20;
const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1_000;

/** Plays a behaviour to its end, or until the client is gone. */
export async function playSpeech(behaviour: SpeechBehaviour, body: SpeechBody, outlet: Outlet): Promise<void> {
  switch (behaviour.kind) {
    case 'voice':
      if (await speak(body, outlet, behaviour, Infinity)) outlet.end();
      return;
    case 'stall':
      if (behaviour.beforeHeaders === true || (await speak(body, outlet, behaviour.voice, behaviour.afterBytes))) {
        await outlet.hang();
      }
      return;
    case 'cut':
      if (behaviour.beforeHeaders === true || (await speak(body, outlet, behaviour.voice, behaviour.afterBytes))) {
        await outlet.cut();
      }
      return;
    case 'status':
      return playStatus(outlet, behaviour);
    case 'garbage':
      return behaviour.body === 'html'
        ? outlet.answer(200, { 'content-type': 'text/html; charset=utf-8' }, HTML_PAGE)
        : outlet.answer(200, { 'content-type': 'application/json' }, '{"status":"queued","position":3}');
    case 'empty':
      outlet.begin(200, audioHeaders(body));
      return outlet.end();
  }
}

const isWav = (body: SpeechBody): boolean => body.response_format === 'wav';

const audioHeaders = (body: SpeechBody): Readonly<Record<string, string>> => ({
  'content-type': isWav(body) ? 'audio/wav' : 'audio/pcm',
});

/** Sends at most `limitBytes` of the body, each chunk at its time; false when the client left before. */
async function speak(
  body: SpeechBody,
  outlet: Outlet,
  voice: VoiceSettings = {},
  limitBytes: number,
): Promise<boolean> {
  const startMs = outlet.nowMs() + (voice.firstByteDelayMs ?? 0);
  const pcm = voicePcm(body.input ?? '', voice);
  const header = isWav(body) ? wavHeader() : Buffer.alloc(0);
  outlet.begin(200, audioHeaders(body));
  if (!(await outlet.waitUntil(startMs))) return false;
  const firstPiece = header.subarray(0, limitBytes);
  if (firstPiece.length > 0 && !(await outlet.write(firstPiece))) return false;

  const { pace = 'unpaced', headStartMs = 0 } = voice;
  const chunkSamples = Math.max(1, Math.round((voice.chunkMs ?? DEFAULT_CHUNK_MS) * SAMPLES_PER_MS));
  const endByte = Math.min(pcm.samples * BYTES_PER_SAMPLE, limitBytes - header.length);
  let fromByte = 0;
  while (fromByte < endByte) {
    // An odd first chunk makes every later boundary odd too.
    const isShortened = fromByte === 0 && voice.oddChunks === true;
    const toByte = Math.min(endByte, fromByte + chunkSamples * BYTES_PER_SAMPLE - (isShortened ? 1 : 0));
    const fromSample = Math.floor(fromByte / BYTES_PER_SAMPLE);
    const pacedMs = fromSample / SAMPLES_PER_MS - headStartMs;
    if (pace !== 'unpaced' && !(await outlet.waitUntil(startMs + pacedMs / pace))) return false;
    const rendered = pcm.render(fromSample, Math.ceil(toByte / BYTES_PER_SAMPLE));
    const skippedBytes = fromByte - fromSample * BYTES_PER_SAMPLE;
    if (!(await outlet.write(rendered.subarray(skippedBytes, skippedBytes + toByte - fromByte)))) return false;
    fromByte = toByte;
  }
  return true;
}
