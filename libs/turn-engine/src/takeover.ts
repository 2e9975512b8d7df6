import { watchAvatar } from './avatar';
import { takeOverLost } from './connection';
import type { Draft } from './draft';
import { continueGeneration } from './generation';
import type { BoundRendering, EngineInput } from './inputs';
import { applyReport } from './playout';
import { close, fail, owesAudio, restIdle, watchTails, watchVoice } from './response';
import { discardSpeculation } from './speculation';
import { keepLifetime } from './session';
import { endSpeech } from './speech';
import type { LiveResponse } from './state';
import { watchCalls } from './tools';
import { bindAnew } from './voice';

type TakenOver = Extract<EngineInput, { kind: 'taken-over' }>;

/**
 * The owner is another process now. What had left the old one is in the state, and goes on: the model continues the answer
 * where its last segment ended, the worker speaks on, the client hears no more than a pause. What had not left it, the
 * speculation above all, is lost. Every deadline starts again in full, because two hosts' clocks are not compared.
 *
 * The gateway's report is part of it: a turn that waited for the end of the answer begins behind all this, as its own.
 */
export function takeOver(draft: Draft, taken: TakenOver): void {
  adopt(draft, taken.epoch, taken.rendering);
  keepLifetime(draft);
  for (const response of draft.responses) draft.patch(response, { beganAtMs: null });
  draft.set({ linkLosses: taken.linkLosses });
  applyReport(draft, taken.announcedOrdinal, taken.responses);
  discardSpeculation(draft, 'interrupted');
  endSpeech(draft);
  takeOverLost(draft);
  for (const response of draft.responses) {
    if (taken.unwritten) loseAnswer(draft, response, taken);
    else continueAnswer(draft, response);
  }
  draft.set({ tails: draft.state.tails.map((tail) => ({ ...tail, closedAtMs: draft.nowMs })) });
  watchTails(draft);
  watchCalls(draft);
  watchAvatar(draft);
  restIdle(draft);
}

/** Says which audio of the old owner's still counts: that of the stored segments, by the worker that was bound last. */
function adopt(draft: Draft, epoch: number, rendering: BoundRendering | null): void {
  const { live } = draft;
  const isOfLive = live && rendering?.ordinal === live.ordinal && rendering.attempt === live.rendering.attempt;
  draft.emit({
    kind: 'adopted',
    epoch,
    ordinal: live?.ordinal ?? draft.state.nextOrdinal - 1,
    segments: isOfLive
      ? live.segments.map((_, index) => ({ index, epoch: rendering.epoch, attempt: rendering.attempt }))
      : [],
  });
}

/**
 * The client has more of the answer than the state says, also its end perhaps: nobody knows what would have to be continued, and
 * what is generated anew would be other words under the same numbers.
 */
function loseAnswer(draft: Draft, response: LiveResponse, { announcedOrdinal, responses }: TakenOver): void {
  const own = responses.find(({ lane, ordinal }) => lane === response.lane && ordinal === response.ordinal);
  const isClosed = own ? own.closed : announcedOrdinal >= response.ordinal;
  const lost = draft.patch(response, { wasClosed: response.wasClosed || isClosed });
  fail(draft, lost, 'llm', { kind: 'unavailable', message: 'The rest of this answer was lost.' });
}

function continueAnswer(draft: Draft, response: LiveResponse): void {
  const { generation, voice, rendering } = response;
  if (generation.stage === 'ended' && !owesAudio(response)) return close(draft, response);
  // The worker may live and go on for the new owner; whether it does, only asking tells.
  if (voice.stage === 'absent' || voice.stage === 'held') watchVoice(draft, response);
  else bindAnew(draft, response, rendering.barren);
  continueGeneration(draft, response);
}
