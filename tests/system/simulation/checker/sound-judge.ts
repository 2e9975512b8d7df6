import { fieldsOf } from '../../support/fields';
import { heardAt } from '../../support/heard-oracle';
import type { ObservationOf, WireEvent } from './observation';
import type { Outages } from './outages';
import type { SeenResponse } from './seen-response';
import type { Fail } from './violation';
import type { Rendering, Voices } from './voices';

/** PROTOCOL.md §4: what is assumed of a voice of which nothing was heard to its end. */
const UNMEASURED_RATE = 1440;

/** How far a response has been heard. */
interface Place {
  segment: number;
  /** Samples of that segment that have arrived. */
  at: number;
  /** What speaks it now, and the segment's sample that it began with. */
  rendering: Rendering | undefined;
  startsAt: number;
  /** Its end was told. */
  isOver: boolean;
  /** How often each text was begun for this segment. */
  begun: Map<Rendering, number>;
}

/**
 * G6: each sample of each segment is heard once, in order and without a hole, and its end too, whoever speaks it. Judged by
 * what the samples say of themselves.
 */
export class SoundJudge {
  private readonly places = new Map<string, Place>();
  /** Samples a character of each segment that was heard to its end: what an owner has measured lies between these. */
  private slowest = UNMEASURED_RATE;
  private fastest = UNMEASURED_RATE;
  private noVoiceMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly voices: Voices,
    private readonly parley: boolean,
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {}

  audio({ segment, samples, last, sound }: ObservationOf<'audio'>, response: SeenResponse): void {
    const place = this.placeOf(response, segment);
    if (samples > 0) {
      if (sound === null) return this.fail('G6 samples', `audio of ${response.id} is no piece of one text`);
      const rendering = this.voices.of(sound.textHash);
      if (rendering === undefined) return this.fail('G6 samples', `audio of ${response.id} is of no text`);
      // Audio in JSON does not say where a segment ends, nor that one ended without a sample.
      while (segment === null && this.hasNext(response, place)) {
        if (this.goesOn(response, place, rendering, place.at - sound.sampleIndex)) break;
        this.measure(response, place);
        this.moveOn(place);
      }
      this.judge(response, place, rendering, place.at - sound.sampleIndex);
      place.at += samples;
      // Of audio in JSON nobody says that this was the end, and an owner may have measured it.
      if (segment === null && this.isAtEnd(response, place)) this.measure(response, place);
    }
    if (!last) return;
    place.isOver = true;
    this.judgeEnd(response, place);
  }

  /** Over another socket. Of the one that was lost an owner has measured what its client never received. */
  back(responses: readonly SeenResponse[]): void {
    for (const { id, texts } of responses) {
      for (const text of texts) for (const samples of this.voices.endsOf(spokenOf(text))) this.learn(samples, text);
      const place = this.places.get(id);
      // Also a segment that several voices spoke, one after the other.
      for (const end of place?.rendering?.ends ?? [])
        this.learn((place?.startsAt ?? 0) + end, texts[place?.segment ?? 0] ?? '');
    }
  }

  event(event: WireEvent, response: SeenResponse | undefined, atMs: number): void {
    if (event.type === 'error' && fieldsOf(event['error'])['code'] === 'tts_unavailable') this.noVoiceMs = atMs;
    if (event.type !== 'response.done' || response === undefined) return;
    const { status, texts, createdMs, id } = response;
    const ended = status === 'completed' || status === 'incomplete';
    if (!ended || texts.length === 0 || this.noVoiceMs >= createdMs) return;
    // No event of theirs caused it: only clients of ours are told that a text goes on without its voice.
    if (!this.parley && !this.outages.survivableSince(createdMs)) return;
    const place = this.placeOf(response, null);
    // Of audio in JSON no end was told.
    while (response.received.length === 0 && this.hasNext(response, place)) this.moveOn(place);
    if (place.segment === texts.length - 1 && this.isAtEnd(response, place)) return this.measure(response, place);
    const heard = `${place.at} samples of segment ${place.segment}`;
    this.fail('G6 heard-whole', `${id} ended with ${texts.length} segments, and ${heard} were heard`);
  }

  private placeOf(response: SeenResponse, segment: number | null): Place {
    let place = this.places.get(response.id);
    if (place === undefined) {
      place = { segment: segment ?? 0, ...beginning() };
      this.places.set(response.id, place);
    }
    if (segment !== null && segment !== place.segment) {
      // Over another socket the next one may follow without a word.
      if (!place.isOver) this.judgeEnd(response, place);
      this.moveOn(place);
    }
    return place;
  }

  private moveOn(place: Place): void {
    Object.assign(place, { segment: place.segment + 1, ...beginning() });
  }

  private judge(response: SeenResponse, place: Place, rendering: Rendering, startsAt: number): void {
    const goesOn = this.goesOn(response, place, rendering, startsAt);
    if (place.rendering !== rendering || place.startsAt !== startsAt) {
      place.begun.set(rendering, (place.begun.get(rendering) ?? 0) + 1);
    }
    Object.assign(place, { rendering, startsAt });
    if (goesOn) return;
    const what = `segment ${place.segment} of ${response.id}, "${response.texts[place.segment]}"`;
    this.fail('G6 samples', `at ${place.at} of ${what} comes sample ${place.at - startsAt} of "${rendering.text}"`);
  }

  private goesOn({ texts }: SeenResponse, place: Place, rendering: Rendering, startsAt: number): boolean {
    const isSame = place.rendering === rendering && place.startsAt === startsAt;
    // Where it begins anew the voice was asked anew.
    const isAsked = (place.begun.get(rendering) ?? 0) < rendering.times;
    return isSame || (isAsked && this.isRest(texts[place.segment] ?? '', rendering, startsAt));
  }

  /** Whether `rendering` is what is left to say of a segment behind its first `samples` samples, and not more. */
  private isRest(text: string, { text: rest, deterministic }: Rendering, samples: number): boolean {
    const whole = spokenOf(text);
    if (samples === 0) return rest === whole;
    if (deterministic || samples < 0 || !` ${whole}`.endsWith(` ${rest}`)) return false;
    const said = Math.max(0, whole.length - rest.length - 1);
    return heard(text, samples, this.slowest) <= said && said <= heard(text, samples, this.fastest);
  }

  /** It has ended, and another one follows. */
  private hasNext(response: SeenResponse, place: Place): boolean {
    return place.segment < response.texts.length - 1 && this.isAtEnd(response, place);
  }

  private isAtEnd({ texts }: SeenResponse, { rendering, segment, at, startsAt }: Place): boolean {
    if (rendering?.ends.has(at - startsAt) === true) return true;
    const text = texts[segment] ?? '';
    if (this.voices.some((asked) => this.endsUnheard(text, asked, at))) return true;
    // Lost when all its words were heard: there is nothing left to ask another voice for.
    return rendering?.deterministic === false && heard(text, at, this.fastest) === text.trimEnd().length;
  }

  /**
   * Asked again for what was lost, the voice has ended before it came to anything that was not heard: it ended early, or its owner knew
   * of less than was heard. One that does not repeat itself was asked for the last words, from where the owner knew of.
   */
  private endsUnheard(text: string, asked: Rendering, at: number): boolean {
    const whole = spokenOf(text);
    if (asked.deterministic) return asked.text === whole && isAnyAtMost(asked.ends, at);
    const said = Math.max(0, whole.length - asked.text.length - 1);
    return ` ${whole}`.endsWith(` ${asked.text}`) && isAnyAtMost(asked.ends, at - said * this.fastest);
  }

  private judgeEnd(response: SeenResponse, place: Place): void {
    const text = response.texts[place.segment] ?? '';
    const isAtEnd = this.isAtEnd(response, place);
    this.measure(response, place);
    if (isAtEnd) return;
    const spoken = place.rendering ? `"${place.rendering.text}" from ${place.startsAt} on` : 'nothing';
    this.fail('G6 samples', `segment ${place.segment} of ${response.id}, "${text}", ended at ${place.at}: ${spoken}`);
  }

  private measure({ texts }: SeenResponse, { segment, at }: Place): void {
    if (at > 0) this.learn(at, texts[segment] ?? '');
  }

  private learn(samples: number, text: string): void {
    const rate = samples / text.trimEnd().length;
    this.slowest = Math.max(this.slowest, rate);
    this.fastest = Math.min(this.fastest, rate);
  }
}

const beginning = (): Omit<Place, 'segment'> => ({
  at: 0,
  rendering: undefined,
  startsAt: 0,
  isOver: false,
  begun: new Map(),
});

const isAnyAtMost = (ends: ReadonlySet<number>, samples: number): boolean => [...ends].some((each) => each <= samples);

/** Marks that are for the eye are not spoken. */
const spokenOf = (text: string): string => text.trim().replaceAll('_', ' ');

/** Characters of whole words in the first `samples` samples of a text that goes on, at `rate` samples a character. */
const heard = (text: string, samples: number, rate: number): number =>
  heardAt([text], [{ samples, last: false }], samples, rate).length;
