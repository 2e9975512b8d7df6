import { heardAt } from '../../support/heard-oracle';
import type { SeenResponse } from './seen-response';

/** PROTOCOL.md §4: what is assumed of a voice of which nothing was heard to its end. */
const UNMEASURED_RATE = 1440;
/** Positions travel in whole ms: the rest of one may count. */
const MS_SAMPLES = 23;

/** How fast a session's voice speaks, as its client could measure it. */
export class MeasuredVoice {
  private samples = 0;
  private characters = 0;
  private readonly measured = new Set<string>();

  measure({ id, texts, received }: SeenResponse): void {
    texts.forEach((text, index) => {
      const segment = received[index];
      const name = `${id} ${index}`;
      if (segment?.last !== true || segment.samples === 0 || this.measured.has(name)) return;
      this.measured.add(name);
      this.samples += segment.samples;
      this.characters += text.trimEnd().length;
    });
  }

  /** Of what was heard before any measurement reached the owner, the assumed rate counts. */
  get rates(): number[] {
    return this.characters === 0 ? [UNMEASURED_RATE] : [this.samples / this.characters, UNMEASURED_RATE];
  }
}

/** Each text that may have been heard when `playedMs` were played. */
export function heardTexts(response: SeenResponse, playedMs: number, voice: MeasuredVoice): Set<string> {
  const { texts, received, samples } = response;
  const played = Math.min(samples, playedMs * 24);
  const positions = [played, Math.min(samples, played + MS_SAMPLES)];
  return new Set(positions.flatMap((position) => voice.rates.map((rate) => heardAt(texts, received, position, rate))));
}

/**
 * The same where its end may not have been known yet: an owner that cuts an answer by itself goes by the last report.
 */
export function heardBefore(response: SeenResponse, playedMs: number, voice: MeasuredVoice): Set<string> {
  const { texts, received, samples } = response;
  const known = received.map((segment, index) => (index < received.length - 1 ? segment : { samples: 0, last: false }));
  return new Set(voice.rates.map((rate) => heardAt(texts, known, Math.min(samples, playedMs * 24), rate)));
}

/** All that can have been heard of a response, at whatever rate: each segment of which any audio arrived. */
export const mostHeard = ({ texts, received, samples }: SeenResponse): string => heardAt(texts, received, samples, 0);
