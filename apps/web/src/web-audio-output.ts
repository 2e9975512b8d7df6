import type { AudioOutput, Piece } from '@parley/client';
import { SAMPLE_RATE_HZ, samplesOfBytes, samplesOfMs } from '@parley/model';
import type { ResponseId } from '@parley/model';

/**
 * `currentTime` advances in steps of one hardware buffer, 10 to 20 ms, and on a busy machine catches up by up to 40 ms
 * at once. A start that has passed by then would sound late and overlap the next piece.
 */
const LEAD_MS = 40;
/** Long enough not to click, far shorter than the 100 ms within which an interruption must be silent. */
const FADE_S = 0.008;

interface Voice {
  gain: GainNode;
  sources: Map<Piece, AudioBufferSourceNode>;
}

/**
 * Web Audio, each piece an AudioBufferSourceNode with an exact start. The context runs at 24 kHz, so that every start
 * falls on a sample frame and pieces join without a seam. Each response has a gain node of its own to be faded by.
 */
export class WebAudioOutput implements AudioOutput {
  readonly leadSamples = samplesOfMs(LEAD_MS);
  private readonly voices = new Map<ResponseId, Voice>();
  private furthestHeard = 0;

  constructor(
    private readonly context: AudioContext,
    private readonly destinationNode: AudioNode,
  ) {}

  nowSample(): number {
    return Math.ceil(this.context.currentTime * SAMPLE_RATE_HZ);
  }

  heardSample(): number {
    // Not every browser knows the device's latency.
    const latencyS = this.context.outputLatency || this.context.baseLatency || 0;
    const heard = Math.floor((this.context.currentTime - latencyS) * SAMPLE_RATE_HZ);
    this.furthestHeard = Math.max(this.furthestHeard, heard);
    return this.furthestHeard;
  }

  play(piece: Piece, pcm: Uint8Array): void {
    this.start(this.voice(piece.responseId), piece, this.bufferOf(pcm));
  }

  move(piece: Piece): void {
    const voice = this.voice(piece.responseId);
    const source = voice.sources.get(piece);
    if (!source?.buffer) return;
    source.disconnect();
    this.start(voice, piece, source.buffer);
  }

  cut(responseIds: readonly ResponseId[]): void {
    const now = this.context.currentTime;
    for (const id of responseIds) {
      const voice = this.voices.get(id);
      if (voice === undefined) continue;
      this.voices.delete(id);
      voice.gain.gain.setValueAtTime(1, now);
      voice.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
      for (const [piece, source] of voice.sources) {
        if (piece.startSample / SAMPLE_RATE_HZ > now + FADE_S) source.disconnect();
        source.stop(now + FADE_S);
      }
    }
  }

  release(responseId: ResponseId): void {
    this.voices.get(responseId)?.gain.disconnect();
    this.voices.delete(responseId);
  }

  private start(voice: Voice, piece: Piece, buffer: AudioBuffer): void {
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(voice.gain);
    source.onended = () => {
      source.disconnect();
      // A moved piece has a newer source.
      if (voice.sources.get(piece) === source) voice.sources.delete(piece);
    };
    voice.sources.set(piece, source);
    source.start(piece.startSample / SAMPLE_RATE_HZ);
  }

  private voice(responseId: ResponseId): Voice {
    const found = this.voices.get(responseId);
    if (found !== undefined) return found;
    const gain = this.context.createGain();
    gain.connect(this.destinationNode);
    const voice: Voice = { gain, sources: new Map() };
    this.voices.set(responseId, voice);
    return voice;
  }

  private bufferOf(pcm: Uint8Array): AudioBuffer {
    const samples = samplesOfBytes(pcm.length);
    const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const buffer = this.context.createBuffer(1, samples, SAMPLE_RATE_HZ);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < samples; i++) channel[i] = view.getInt16(2 * i, true) / 32_768;
    return buffer;
  }
}
