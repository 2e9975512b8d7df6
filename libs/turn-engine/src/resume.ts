import { deliveredSamples, type ReceivedResponse, type SegmentDelivery } from '@parley/model';
import { goOn } from './connection';
import type { Draft } from './draft';
import { cutToDelivered, dropTail, finish, owesAudio } from './response';
import { discardSpeculation } from './speculation';
import { endSpeech } from './speech';
import { isOfConversation, type Delivery, type LiveResponse, type ResponseName, type Tail } from './state';
import { bindAnew } from './voice';

/**
 * The client is back, with another connection. Nobody knows better what reached its ear, so its word replaces the gateways': what
 * it has not received of a response is owed again, also where the closing events had been written for nobody.
 *
 * `received`: what it says it has. Null: it remembers nothing, and hears on from its last known position.
 */
export function resume(draft: Draft, received: readonly ReceivedResponse[] | null): void {
  const { finished, phase, tails } = draft.state;
  if (phase.name === 'idle') return;
  // Also where nobody had noticed that the old connection was gone.
  endSpeech(draft);
  draft.set({ connection: { stage: 'connected' }, linkLosses: 0 });
  const reception = new Reception(received, draft.state.recentResponses);
  for (const tail of tails) resumeTail(draft, tail, reception.of(tail));
  // Of one that was played to its end, as far as anybody knew, only the client can know better.
  const isOver = finished !== null && !tails.some(({ ordinal }) => ordinal === finished.ordinal);
  const over = [...draft.state.finishedAsides, ...(isOver ? [finished] : [])];
  if (received !== null) for (const each of over) resumeFinished(draft, each, reception.of(each));
  for (const response of draft.responses) resumeLive(draft, response, reception.of(response));
  goOn(draft);
}

interface Received {
  delivery: Delivery;
  done: boolean;
}

function resumeTail(draft: Draft, tail: Tail, has: Received | undefined): void {
  if (!has) return dropTail(draft, tail);
  const resumed = { ...tail, delivery: has.delivery };
  const isClosed = has.done || tail.cutToHeard;
  draft.set({
    tails: draft.state.tails.flatMap((each) => (each === tail ? (isClosed ? [resumed] : []) : [each])),
  });
  if (tail.cutToHeard) cutToDelivered(draft, resumed);
  if (!isClosed) openAgain(draft, resumed);
}

function resumeFinished(draft: Draft, finished: LiveResponse, has: Received | undefined): void {
  if (has && !has.done) openAgain(draft, { ...finished, delivery: has.delivery });
}

/**
 * Its closing events have not arrived, nor perhaps its end: it is as live as it was. Where another response has the floor by now, it
 * ends with what was received: two cannot speak at a time.
 */
function openAgain(draft: Draft, closed: LiveResponse | Tail): void {
  const { finished, finishedAsides } = draft.state;
  const { delivery, lane, ordinal } = closed;
  const whole = [finished, ...finishedAsides].find((each) => each?.ordinal === ordinal);
  if (!whole || (draft.live && isOfConversation(closed))) {
    cutToDelivered(draft, closed);
    draft.emit({ kind: 'close', lane, ordinal });
    return;
  }
  const opened = { ...whole, delivery, wasClosed: true };
  if (!isOfConversation(opened)) {
    draft.set({ finishedAsides: finishedAsides.filter((each) => each !== whole) });
    return enterLive(draft, opened);
  }
  draft.set({ finished: null });
  discardSpeculation(draft, 'interrupted');
  enterLive(draft, opened);
}

function resumeLive(draft: Draft, response: LiveResponse, has: Received | undefined): void {
  const resumed = { ...response, delivery: has?.delivery ?? response.delivery };
  enterLive(draft, resumed);
  if (!has || has.done) return finish(draft, resumed);
  // What had been sent to the lost connection is nowhere any more.
  if (owesAudio(resumed)) bindAnew(draft, resumed, resumed.rendering.barren);
}

function enterLive(draft: Draft, response: LiveResponse): void {
  if (isOfConversation(response)) {
    return draft.enter({ name: deliveredSamples(response.delivery) > 0 ? 'speaking' : 'thinking', response });
  }
  const others = draft.state.asides.filter(({ ordinal }) => ordinal !== response.ordinal);
  draft.set({ asides: [...others, response] });
}

/** What a client has of each response, by its own word where it gives one. */
class Reception {
  /** It has heard of every response up to this ordinal. */
  private readonly newest: number;

  constructor(
    private readonly received: readonly ReceivedResponse[] | null,
    begun: readonly ResponseName[],
  ) {
    this.newest = begun.findLast((each) => this.named(each))?.ordinal ?? 0;
  }

  /** Undefined: it has finished with it. */
  of(response: LiveResponse | Tail): Received | undefined {
    if (this.received === null) return { delivery: upToPlayed(response.delivery), done: false };
    const named = this.named(response);
    if (named) return { delivery: deliveryOf(response, named), done: named.done };
    if (response.ordinal < this.newest) return undefined;
    return { delivery: { segments: [], playedSamples: 0 }, done: false };
  }

  private named({ responseId }: ResponseName): ReceivedResponse | undefined {
    return this.received?.find((each) => each.responseId === responseId);
  }
}

/** What lies behind the playhead is gone with the client that had it. */
function upToPlayed({ segments, playedSamples }: Delivery): Delivery {
  const kept: SegmentDelivery[] = [];
  let left = playedSamples;
  for (const segment of segments) {
    const isPlayed = segment.last && left >= segment.samples;
    kept.push(isPlayed ? segment : { ...segment, samples: left, last: false });
    if (!isPlayed) break;
    left -= segment.samples;
  }
  return { segments: kept, playedSamples };
}

/** A client that says more than there is harms only itself. */
function deliveryOf(response: LiveResponse | Tail, { samples, playedSamples }: ReceivedResponse): Delivery {
  const segments = samples.slice(0, response.segments.length).map((received, index): SegmentDelivery => {
    const before = response.delivery.segments[index];
    const isWhole = index < samples.length - 1 || (before?.last === true && received >= before.samples);
    return { attempt: before?.attempt ?? 1, samples: received, last: isWhole };
  });
  return { segments, playedSamples: Math.min(playedSamples, deliveredSamples({ segments })) };
}
