import {
  deliveredSamples,
  SEGMENT_START,
  type ProviderFailure,
  type ResponseDelivery,
  type SegmentPosition,
} from '@parley/model';
import { heardText } from '@parley/speech-text';
import type { Draft } from './draft';
import { providerError } from './errors';
import { emitEnd, liveOf } from './generation';
import { spoken } from './history';
import { failLive, owesAudio, watchVoice } from './response';
import type { LiveResponse } from './state';

/** The voice of the live response: bound, refused, and when its worker is lost bound anew. */

/** So often in a row a rendering may be lost without a sample of it delivered: then it is the text that is to blame. */
const MAX_BARREN_RENDERINGS = 3;

interface OfRendering {
  lane: number;
  ordinal: number;
  attempt: number;
}

/** The live response a word of a voice belongs to; that of an earlier rendering is nobody's. */
function renderedOf(draft: Draft, result: OfRendering): LiveResponse | undefined {
  const live = liveOf(draft, result);
  return live?.rendering.attempt === result.attempt ? live : undefined;
}

export function bindVoice(draft: Draft, result: OfRendering): void {
  const live = renderedOf(draft, result);
  if (live?.voice.stage !== 'opening') return;
  draft.patchLive({ voice: { stage: 'bound', deadlineMs: null } });
  watchVoice(draft);
}

/** No voice can be had: the client is told once for this turn, and the text goes on. */
export function goOnWithoutVoice(draft: Draft, result: OfRendering & { failure: ProviderFailure }): void {
  const live = renderedOf(draft, result);
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
  emitEnd(draft);
  watchVoice(draft);
}

/** The bound voice failed, or its worker is gone. One that has delivered everything is not missed. */
export function failVoice(draft: Draft, result: OfRendering & { failure: ProviderFailure }): void {
  const live = renderedOf(draft, result);
  if (live?.voice.stage !== 'bound') return;
  if (live.generation.stage === 'ended' && !owesAudio(live)) return;
  if (result.failure.kind !== 'worker_lost' || !renderAgain(draft, live)) failLive(draft, 'tts', result.failure);
}

/** Audio of the rendering that speaks was lost on its way to the client: it is rendered again from there on. */
export function repairHole(draft: Draft, responses: readonly ResponseDelivery[]): void {
  const { live } = draft;
  if (live?.voice.stage !== 'bound' || !owesAudio(live)) return;
  const reported = responses.find(({ lane, ordinal }) => lane === live.lane && ordinal === live.ordinal);
  if (reported?.holedAttempt !== live.rendering.attempt || renderAgain(draft, live)) return;
  failLive(draft, 'tts', { kind: 'cut', message: 'The audio of this answer was lost on its way, again and again.' });
}

/** The bound voice delivers nothing any more. Where it had begun, another one may get on, or its last audio was lost on its way. */
export function replaceSilentVoice(draft: Draft, live: LiveResponse): void {
  if (hasDelivered(live) && renderAgain(draft, live)) return;
  failLive(draft, 'tts', { kind: 'timeout', message: 'The voice stopped in the middle of the answer.' });
}

/** Another worker goes on where the lost one ended. False when that has been tried often enough. */
function renderAgain(draft: Draft, live: LiveResponse): boolean {
  const { rendering } = live;
  if (!hasDelivered(live) && rendering.barren + 1 >= MAX_BARREN_RENDERINGS) return false;
  draft.do({ kind: 'observe', observation: { name: 'voice-rebound', responseId: live.responseId } });
  bindAnew(draft, live, rendering.barren + 1);
  return true;
}

const hasDelivered = ({ rendering, delivery }: LiveResponse): boolean =>
  deliveredSamples(delivery) > rendering.fromSamples;

/** Asks for another rendering of what is left of the live response; `barren`: if nothing came of the present one. */
export function bindAnew(draft: Draft, live: LiveResponse, barren: number): void {
  const { rendering, delivery } = live;
  draft.patchLive({
    rendering: {
      ...rendering,
      attempt: rendering.attempt + 1,
      fromSamples: deliveredSamples(delivery),
      barren: hasDelivered(live) ? 0 : barren,
    },
    voice: { stage: 'opening', deadlineMs: draft.nowMs + draft.policy.voiceTimeoutMs },
  });
  orderRest(draft);
}

/** Orders a voice for everything of the live response that was not delivered to its end. */
function orderRest(draft: Draft): void {
  const live = draft.live;
  if (!live) return;
  const { lane, ordinal, responseId, segments } = live;
  const { attempt, voice } = live.rendering;
  draft.do({ kind: 'open-voice', lane, ordinal, attempt, responseId, voice, segments: segments.length });
  segments.forEach(({ text }, segment) => {
    if (live.delivery.segments[segment]?.last) return;
    draft.do({ kind: 'speak-segment', lane, ordinal, segment, text, from: restOf(draft, live, segment) });
  });
  if (live.generation.stage === 'ended') draft.do({ kind: 'end-voice', lane, ordinal, segments: segments.length });
}

/** Where the rest of a segment begins: at the words that were not delivered whole. */
function restOf(draft: Draft, live: LiveResponse, segment: number): SegmentPosition {
  const under = spoken(live.segments, live.delivery)[segment];
  if (!under || under.samples === 0) return SEGMENT_START;
  const delivered = heardText([under], under.samples, draft.state.voiceRate);
  return { sample: under.samples, character: delivered.length };
}
