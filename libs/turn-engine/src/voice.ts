import {
  deliveredSamples,
  SEGMENT_START,
  type ProviderFailure,
  type ResponseDelivery,
  type SegmentPosition,
} from '@parley/model';
import { heardText } from '@parley/speech-text';
import type { Draft, OfResponse } from './draft';
import { providerError } from './errors';
import { emitEnd } from './generation';
import { spoken } from './history';
import { fail, owesAudio, watchVoice } from './response';
import type { LiveResponse } from './state';

/** The voice of a live response: bound, refused, and when its worker is lost bound anew. */

/** So often in a row a rendering may be lost without a sample of it delivered: then it is the text that is to blame. */
const MAX_BARREN_RENDERINGS = 3;

interface OfRendering extends OfResponse {
  attempt: number;
}

/** The live response a word of a voice belongs to; that of an earlier rendering is nobody's. */
function renderedOf(draft: Draft, result: OfRendering): LiveResponse | undefined {
  const response = draft.response(result);
  return response?.rendering.attempt === result.attempt ? response : undefined;
}

export function bindVoice(draft: Draft, result: OfRendering): void {
  const response = renderedOf(draft, result);
  if (response?.voice.stage !== 'opening') return;
  watchVoice(draft, draft.patch(response, { voice: { stage: 'bound', deadlineMs: null } }));
}

/** No voice can be had: the client is told once for this turn, and the text goes on. */
export function goOnWithoutVoice(draft: Draft, result: OfRendering & { failure: ProviderFailure }): void {
  const response = renderedOf(draft, result);
  if (response?.voice.stage !== 'opening') return;
  const { lane, ordinal, responseId } = response;
  draft.do({ kind: 'cancel-voice', lane, ordinal });
  const silent = draft.patch(response, { voice: { stage: 'absent', deadlineMs: null } });
  draft.emit({ kind: 'error', error: providerError('tts', result.failure) });
  draft.do({
    kind: 'observe',
    observation: { name: 'provider-failed', provider: 'tts', failure: result.failure.kind, responseId },
  });
  emitEnd(draft, silent);
  watchVoice(draft, silent);
}

/** The bound voice failed, or its worker is gone. One that has delivered everything is not missed. */
export function failVoice(draft: Draft, result: OfRendering & { failure: ProviderFailure }): void {
  const response = renderedOf(draft, result);
  if (response?.voice.stage !== 'bound') return;
  if (response.generation.stage === 'ended' && !owesAudio(response)) return;
  const { failure } = result;
  if (failure.kind !== 'worker_lost' || !renderAgain(draft, response)) fail(draft, response, 'tts', failure);
}

/** Audio of the rendering that speaks was lost on its way to the client: it is rendered again from there on. */
export function repairHoles(draft: Draft, reports: readonly ResponseDelivery[]): void {
  for (const report of reports) {
    const response = draft.response(report);
    if (response?.voice.stage !== 'bound' || !owesAudio(response)) continue;
    if (report.holedAttempt !== response.rendering.attempt || renderAgain(draft, response)) continue;
    const message = 'The audio of this answer was lost on its way, again and again.';
    fail(draft, response, 'tts', { kind: 'cut', message });
  }
}

/**
 * The gateway's bus link was away: what a voice sent until now may have reached nobody, and where that was all there was to send,
 * no hole shows it. Where nobody listens, the client's return has it rendered.
 */
export function renderLost(draft: Draft, linkLosses: number): void {
  const isNew = linkLosses > draft.state.linkLosses;
  draft.set({ linkLosses });
  if (!isNew || draft.state.connection.stage === 'lost') return;
  for (const response of draft.responses) {
    if (response.voice.stage !== 'bound' || !owesAudio(response)) continue;
    draft.do({ kind: 'observe', observation: { name: 'voice-rebound', responseId: response.responseId } });
    bindAnew(draft, response, response.rendering.barren);
  }
}

/** The bound voice delivers nothing any more. Where it had begun, another one may get on, or its last audio was lost on its way. */
export function replaceSilentVoice(draft: Draft, response: LiveResponse): void {
  if (hasDelivered(response) && renderAgain(draft, response)) return;
  fail(draft, response, 'tts', { kind: 'timeout', message: 'The voice stopped in the middle of the answer.' });
}

/** Another worker goes on where the lost one ended. False when that has been tried often enough. */
function renderAgain(draft: Draft, response: LiveResponse): boolean {
  const { rendering, responseId } = response;
  if (!hasDelivered(response) && rendering.barren + 1 >= MAX_BARREN_RENDERINGS) return false;
  draft.do({ kind: 'observe', observation: { name: 'voice-rebound', responseId } });
  bindAnew(draft, response, rendering.barren + 1);
  return true;
}

const hasDelivered = ({ rendering, delivery }: LiveResponse): boolean =>
  deliveredSamples(delivery) > rendering.fromSamples;

/** Asks for another rendering of what is left of a live response; `barren`: if nothing came of the present one. */
export function bindAnew(draft: Draft, response: LiveResponse, barren: number): void {
  const { rendering, delivery } = response;
  const bound = draft.patch(response, {
    rendering: {
      ...rendering,
      attempt: rendering.attempt + 1,
      fromSamples: deliveredSamples(delivery),
      barren: hasDelivered(response) ? 0 : barren,
    },
    voice: { stage: 'opening', deadlineMs: draft.nowMs + draft.policy.voiceTimeoutMs },
  });
  orderRest(draft, bound);
}

/** Orders a voice for everything of a live response that was not delivered to its end. */
function orderRest(draft: Draft, response: LiveResponse): void {
  const { lane, ordinal, responseId, segments } = response;
  const { attempt, voice, speed } = response.rendering;
  draft.do({ kind: 'open-voice', lane, ordinal, attempt, responseId, voice, speed, segments: segments.length });
  segments.forEach(({ text }, segment) => {
    if (response.delivery.segments[segment]?.last) return;
    draft.do({ kind: 'speak-segment', lane, ordinal, segment, text, from: restOf(draft, response, segment) });
  });
  if (response.generation.stage === 'ended') {
    draft.do({ kind: 'end-voice', lane, ordinal, segments: segments.length });
  }
}

/** Where the rest of a segment begins: at the words that were not delivered whole. */
function restOf(draft: Draft, response: LiveResponse, segment: number): SegmentPosition {
  const under = spoken(response.segments, response.delivery)[segment];
  if (!under || under.samples === 0) return SEGMENT_START;
  const delivered = heardText([under], under.samples, draft.state.voiceRate);
  return { sample: under.samples, character: delivered.length };
}
