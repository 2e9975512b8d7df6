import {
  deliveredSamples,
  type ProviderFailure,
  type ResponseDelivery,
  type SegmentDelivery,
  type WordTiming,
} from '@parley/model';
import { spokenCharacters } from '@parley/speech-text';
import type { Draft } from './draft';
import { providerError } from './errors';
import { emitEnd, liveOf } from './generation';
import { cutTailItem, dropTail, failLive, finishLive, watchTails, watchVoice } from './response';
import type { Delivery, Segment } from './state';

interface OfResponse {
  lane: number;
  ordinal: number;
}

export function bindVoice(draft: Draft, result: OfResponse): void {
  const live = liveOf(draft, result);
  if (live?.voice.stage !== 'opening') return;
  draft.patchLive({ voice: { stage: 'bound', deadlineMs: null } });
  watchVoice(draft);
}

/** No voice can be had: the client is told once for this turn, and the text goes on. */
export function goOnWithoutVoice(draft: Draft, result: OfResponse & { failure: ProviderFailure }): void {
  const live = liveOf(draft, result);
  if (live?.voice.stage !== 'opening') return;
  draft.do({ kind: 'cancel-voice', lane: live.lane, ordinal: live.ordinal });
  draft.patchLive({ voice: { stage: 'absent', deadlineMs: null } });
  draft.emit({ kind: 'error', error: providerError('tts', result.failure) });
  draft.do({
    kind: 'observe',
    observation: {
      name: 'provider-failed',
      provider: 'tts',
      failure: result.failure.kind,
      responseId: live.responseId,
    },
  });
  if (live.generation.stage === 'ended') emitEnd(draft);
  watchVoice(draft);
}

/** The bound voice failed, or its process is gone. */
export function failVoice(draft: Draft, result: OfResponse & { failure: ProviderFailure }): void {
  if (liveOf(draft, result)?.voice.stage === 'bound') failLive(draft, 'tts', result.failure);
}

export function timeWords(draft: Draft, result: OfResponse & { segment: number; words: WordTiming[] }): void {
  const timed = (segments: Segment[]): Segment[] =>
    segments.map((segment, index) =>
      index === result.segment ? { ...segment, words: [...segment.words, ...result.words] } : segment,
    );
  const live = liveOf(draft, result);
  if (live) draft.patchLive({ segments: timed(live.segments) });
  draft.set({
    tails: draft.state.tails.map((tail) =>
      tail.ordinal === result.ordinal && tail.lane === result.lane ? { ...tail, segments: timed(tail.segments) } : tail,
    ),
  });
}

/** What the gateway says was delivered and played: speaking begins, responses close, tails drain. */
export function applyReport(draft: Draft, announcedOrdinal: number, responses: readonly ResponseDelivery[]): void {
  const moved = takeDelivery(draft, responses);
  const live = draft.live;
  if (live && moved) watchVoice(draft);
  hearFirstSample(draft);
  const own = live && responses.find((each) => each.ordinal === live.ordinal && each.lane === live.lane);
  if (own?.closed) finishLive(draft, 'reported');
  drain(draft, announcedOrdinal, responses);
}

/** Takes over the gateway's numbers; true when anything was delivered or played since. */
export function takeDelivery(draft: Draft, responses: readonly ResponseDelivery[]): boolean {
  let moved = false;
  for (const reported of responses) {
    const delivery: Delivery = { segments: reported.segments, playedSamples: reported.playedSamples };
    const live = liveOf(draft, reported);
    if (live) {
      moved ||= hasMoved(live.delivery, delivery);
      measureVoice(draft, live.segments, live.delivery.segments, delivery.segments);
      draft.patchLive({ delivery });
      continue;
    }
    const tail = draft.state.tails.find((each) => each.ordinal === reported.ordinal && each.lane === reported.lane);
    if (!tail) continue;
    moved ||= hasMoved(tail.delivery, delivery);
    measureVoice(draft, tail.segments, tail.delivery.segments, delivery.segments);
    const changed = { ...tail, delivery };
    draft.set({ tails: draft.state.tails.map((each) => (each === tail ? changed : each)) });
    if (tail.cutToHeard) cutTailItem(draft, changed);
  }
  return moved;
}

/** DR1: speaking begins with the first sample, whoever reports it first. */
export function hearFirstSample(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'thinking' || deliveredSamples(phase.response.delivery) === 0) return;
  const { response } = phase;
  const firstAudioMs = Math.round(draft.nowMs - response.beganAtMs);
  draft.enter({ name: 'speaking', response: { ...response, marks: { ...response.marks, firstAudioMs } } });
}

/** DR2, DR4, DR7: a tail ends when its own audio was played, once, whatever else begins or ends. */
function drain(draft: Draft, announcedOrdinal: number, responses: readonly ResponseDelivery[]): void {
  if (draft.state.tails.length === 0) return;
  for (const tail of draft.state.tails) {
    const reported = responses.find((each) => each.ordinal === tail.ordinal && each.lane === tail.lane);
    // The gateway no longer reports a response it has closed and played.
    const played = reported
      ? reported.closed && (reported.ended || tail.delivery.playedSamples >= deliveredSamples(tail.delivery))
      : announcedOrdinal >= tail.ordinal;
    if (played) dropTail(draft, tail);
  }
  watchTails(draft);
}

function hasMoved(before: Delivery, after: Delivery): boolean {
  return deliveredSamples(after) > deliveredSamples(before) || after.playedSamples > before.playedSamples;
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
