/** The optional package has no types of its own: what this adapter uses of it. */
declare module '@echogarden/espeak-ng-emscripten' {
  export interface EspeakEvent {
    type: 'samplerate' | 'sentence' | 'word' | 'phoneme' | 'mark' | 'end';
    /** ms from the first sample of this synthesis. */
    audio_position: number;
    /** The first character is 1; characters are code points of the text given, marks and entities included. */
    text_position: number;
    word_length: number;
    /** IPA of a phoneme; '' is a pause, '(en)' a switch of language. */
    id: string | number | undefined;
  }

  export interface EspeakEngine {
    readonly samplerate: number;
    /** 0: set. 2: unknown, and the voice before stays without a word. */
    set_voice(name: string): number;
    /** Words per minute. */
    get_rate(): number;
    set_rate(wordsPerMinute: number): number;
    /** Synchronous. The callback gets pieces of about 100 ms; returning 1 ends the synthesis, the engine stays usable. */
    synthesize(ssml: string, onPiece: (samples: Int16Array | null, events: EspeakEvent[]) => 0 | 1): void;
  }

  export default function init(): Promise<{ eSpeakNGWorker: new () => EspeakEngine | Promise<EspeakEngine> }>;
}
