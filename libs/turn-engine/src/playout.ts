import { deliveredSamples, type ResponseDelivery, type SegmentDelivery, type WordTiming } from '@parley/model';
import { spokenCharacters } from '@parley/speech-text';
import type { Draft, OfResponse } from './draft';
import { cutToDelivered, dropTail, finish, sinceBegun, watchTails, watchVoices } from './response';
import type { Delivery, Segment } from './state';

export function timeWords(draft: Draft, result: OfResponse & { segment: number; words: WordTiming[] }): void {
  const timed = (segments: Segment[]): Segment[] =>
    segments.map((segment, index) =>
      index === result.segment ? { ...segment, words: mergeWords(segment.words, result.words) } : segment,
    );
  const response = draft.response(result);
  if (response) draft.patch(response, { segments: timed(response.segments) });
  draft.set({
    tails: draft.state.tails.map((tail) =>
      tail.ordinal === result.ordinal && tail.lane === result.lane ? { ...tail, segments: timed(tail.segments) } : tail,
    ),
  });
}

/** A bus may repeat a stretch, or bring two in the wrong order. */
const mergeWords = (known: readonly WordTiming[], told: readonly WordTiming[]): WordTiming[] => [
  ...known.filter((word) => !told.some((each) => each.charStart === word.charStart)),
  ...told,
];

/** What the gateway says was delivered and played: speaking begins, responses close, tails drain. */
export function applyReport(draft: Draft, announcedOrdinal: number, responses: readonly ResponseDelivery[]): void {
  const moved = takeDelivery(draft, responses);
  if (moved.any) watchVoices(draft);
  if (moved.tails) watchTails(draft);
  hearFirstSample(draft);
  for (const response of draft.responses) {
    const own = responses.find((each) => each.ordinal === response.ordinal && each.lane === response.lane);
    // Announced and no longer listed: it was closed and played, and the report that said so never came.
    if (own ? own.closed : announcedOrdinal >= response.ordinal) finish(draft, response);
  }
  drain(draft, announcedOrdinal, responses);
}

/** Takes over the gateway's numbers; says whether anything was delivered or played since. */
function takeDelivery(draft: Draft, responses: readonly ResponseDelivery[]): { any: boolean; tails: boolean } {
  const moved = { any: false, tails: false };
  for (const reported of responses) {
    const tail = draft.state.tails.find((each) => each.ordinal === reported.ordinal && each.lane === reported.lane);
    const live = draft.response(reported);
    const response = live ?? tail;
    if (!response) continue;
    const delivery = mergeDelivery(response.delivery, reported);
    const hasMoved = isFurther(delivery, response.delivery);
    moved.any ||= hasMoved;
    moved.tails ||= hasMoved && tail !== undefined;
    measureVoice(draft, response.segments, response.delivery.segments, delivery.segments);
    if (!draft.state.hasSpoken && deliveredSamples(delivery) > 0) draft.set({ hasSpoken: true });
    if (live) draft.patch(live, { delivery });
    if (!tail) continue;
    const changed = { ...tail, delivery };
    draft.set({ tails: draft.state.tails.map((each) => (each === tail ? changed : each)) });
    if (tail.cutToHeard) cutToDelivered(draft, changed);
  }
  return moved;
}

/**
 * What was delivered stays delivered, even when the numbers come late (an input is sent again as it was). The playhead
 * is the newest word: a client's report corrects one that was only estimated, downwards too.
 */
function mergeDelivery(known: Delivery, reported: ResponseDelivery): Delivery {
  const length = Math.max(known.segments.length, reported.segments.length);
  const segments: SegmentDelivery[] = [];
  for (let index = 0; index < length; index++) {
    const before = known.segments[index];
    const after = reported.segments[index];
    const isNewer = after && (!before || (!before.last && after.samples >= before.samples));
    const newer = isNewer ? after : before;
    if (newer) segments.push(newer);
  }
  return { segments, playedSamples: Math.min(reported.playedSamples, deliveredSamples({ segments })) };
}

/** DR1: speaking begins with the first sample, whoever reports it first. */
function hearFirstSample(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'thinking' || deliveredSamples(phase.response.delivery) === 0) return;
  const { response } = phase;
  const firstAudioMs = response.marks.firstAudioMs ?? sinceBegun(draft, response);
  draft.enter({ name: 'speaking', response: { ...response, marks: { ...response.marks, firstAudioMs } } });
}

/** DR2, DR4, DR7: a tail ends when its own audio was played, once, whatever else begins or ends. */
function drain(draft: Draft, announcedOrdinal: number, responses: readonly ResponseDelivery[]): void {
  for (const tail of draft.state.tails) {
    const reported = responses.find((each) => each.ordinal === tail.ordinal && each.lane === tail.lane);
    // The gateway no longer reports a response it has closed and played.
    const played = reported
      ? reported.closed && (reported.ended || tail.delivery.playedSamples >= deliveredSamples(tail.delivery))
      : announcedOrdinal >= tail.ordinal;
    if (played) dropTail(draft, tail);
  }
}

const endedSegments = (delivery: Delivery): number => delivery.segments.filter((segment) => segment.last).length;

/** The end of a segment may come without a sample, and counts as much. */
function isFurther(after: Delivery, before: Delivery): boolean {
  return (
    deliveredSamples(after) > deliveredSamples(before) ||
    endedSegments(after) > endedSegments(before) ||
    after.playedSamples > before.playedSamples
  );
}

/** Segments that were delivered to their end since show how fast the voice speaks. */
function measureVoice(
  draft: Draft,
  segments: readonly Segment[],
  before: readonly SegmentDelivery[],
  after: readonly SegmentDelivery[],
): void {
  let { samples, characters } = draft.state.voiceRate;
  after.forEach((delivery, index) => {
    const segment = segments[index];
    if (!segment || !delivery.last || before[index]?.last || delivery.samples === 0) return;
    samples += delivery.samples;
    characters += spokenCharacters(segment.text);
  });
  draft.set({ voiceRate: { samples, characters } });
}
