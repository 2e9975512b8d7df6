import type { ReceivedSegment } from './test-client';

/**
 * "Heard text" of PROTOCOL.md §4 for a voice without word timings, written from that page alone: what a checker at the
 * client's end expects, never what Parley says.
 */
export class HeardOracle {
  private samples = 0;
  private characters = 0;
  private readonly measured = new Set<string>();

  /** Segments that arrived to their end show how fast the voice speaks. */
  measure(responseId: string, texts: readonly string[], received: readonly (ReceivedSegment | undefined)[]): void {
    texts.forEach((text, index) => {
      const segment = received[index];
      const name = `${responseId} ${index}`;
      if (!segment?.last || segment.samples === 0 || this.measured.has(name)) return;
      this.measured.add(name);
      this.samples += segment.samples;
      this.characters += text.trimEnd().length;
    });
  }

  heard(texts: readonly string[], received: readonly (ReceivedSegment | undefined)[], playedSamples: number): string {
    const rate = this.characters === 0 ? 1440 : this.samples / this.characters;
    return heardAt(texts, received, playedSamples, rate);
  }
}

/** What was heard of segments with these texts, of a voice that speaks `rate` samples a character. */
export function heardAt(
  texts: readonly string[],
  received: readonly (ReceivedSegment | undefined)[],
  playedSamples: number,
  rate: number,
): string {
  let rest = playedSamples;
  let heard = '';
  for (const [index, text] of texts.entries()) {
    const segment = received[index] ?? { samples: 0, last: false };
    if (segment.last && segment.samples <= rest) {
      heard += text;
      rest -= segment.samples;
      continue;
    }
    const characters = text.trimEnd().length;
    const total = segment.last ? segment.samples : Math.max(segment.samples, characters * rate);
    heard += beginning(text, Math.floor((characters * rest) / total));
    break;
  }
  return heard.trimEnd();
}

function beginning(text: string, characters: number): string {
  let end = 0;
  for (const word of text.matchAll(/\S+/g)) {
    if (word.index + word[0].length > characters) break;
    end = word.index + word[0].length;
  }
  return text.slice(0, end);
}
