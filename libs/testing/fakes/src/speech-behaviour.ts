import type { StatusBehaviour } from './chat-behaviour';

/** Speaks the input as mono 24 kHz PCM16LE ('wav' puts a header before it). The request's `speed` changes nothing. */
export interface SpeechVoice {
  readonly kind: 'voice';
  /** Samples per UTF-16 unit of the input, see `voiceSamples`. Default 1440. */
  readonly samplesPerCharacter?: number;
  /** Frequency of 'tone'. Default `defaultToneHz`, a frequency of the text's own. */
  readonly toneHz?: number | ((text: string) => number);
  /** As fast as the client reads, or a multiple of real time: 1 is real time, 2 is twice as fast. Default 'unpaced'. */
  readonly pace?: 'unpaced' | number;
  /** From the request to the first byte of the body; headers leave at once. Default 0. */
  readonly firstByteDelayMs?: number;
  /** Audio from the start that leaves at once, whatever the pace, in ms of audio: somebody heard it before. Default 0. */
  readonly headStartMs?: number;
  /** Audio per HTTP chunk. Default 20. */
  readonly chunkMs?: number;
  /** A sine of amplitude 0.3 with 5 ms fades, or samples that say where they belong (`readIndexedSamples`). Default 'tone'. */
  readonly content?: 'tone' | 'indexed';
  /** Every chunk but the last ends in the middle of a sample. */
  readonly oddChunks?: boolean;
}

/** How the audio before a failure is made. */
export type VoiceSettings = Omit<SpeechVoice, 'kind'>;

/** Falls silent after some bytes of the body (any number, odd ones too); the socket stays open. */
export interface SpeechStall {
  readonly kind: 'stall';
  readonly afterBytes: number;
  readonly voice?: VoiceSettings;
  /** Nothing is sent at all, not even the status line. */
  readonly beforeHeaders?: boolean;
}

/** Destroys the socket after some bytes of the body, which all arrive. */
export interface SpeechCut {
  readonly kind: 'cut';
  readonly afterBytes: number;
  readonly voice?: VoiceSettings;
  /** The socket goes before the status line: the client sees a hang-up. */
  readonly beforeHeaders?: boolean;
}

/** 200 with something that is not audio. */
export interface SpeechGarbage {
  readonly kind: 'garbage';
  /** Default 'json'. */
  readonly body?: 'json' | 'html';
}

/** 200 with the right content type and no byte. */
export interface SpeechEmpty {
  readonly kind: 'empty';
}

/** What the fake does with a speech request. */
export type SpeechBehaviour = SpeechVoice | SpeechStall | SpeechCut | StatusBehaviour | SpeechGarbage | SpeechEmpty;
