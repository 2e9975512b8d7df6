import type { ItemId, ToolCall, TurnId, Usage } from '@parley/model';
import type { Draft } from './draft';
import { boundHistory, insertItem } from './history';
import type { SpeculationOutcome } from './effects';
import { NO_WISHES, orderGeneration } from './request';
import type { SpeculativeRun } from './state';
import { wordsOf } from './words';

/** A transcript that may still change: the model begins to answer, and nothing of it leaves until the final says so. */
export function speculate(draft: Draft, { turnId, text }: { turnId: TurnId; text: string }): void {
  const { state, policy, nowMs } = draft;
  // SP8: while a turn or another speculation runs, and for a turn that was accepted, it is no use.
  if (state.muted || draft.live || state.speculation.run || text.trim() === '' || state.recentTurnIds.includes(turnId))
    return;
  const starts = state.speculation.turnId === turnId ? state.speculation.starts : 0;
  if (starts >= policy.maxSpeculativeStarts) return;
  const { lane, ordinal } = draft.nextKey();
  const run: SpeculativeRun = {
    ...{ lane, ordinal, text, buffer: '', calls: [], finished: null },
    deadlineMs: nowMs + policy.speculationTimeoutMs,
  };
  draft.set({ speculation: { turnId, starts: starts + 1, run } });
  const heard = insertItem(state.history, { id: '', role: 'user', text }, undefined);
  orderGeneration(
    draft,
    { lane, ordinal, instructions: null, wishes: NO_WISHES },
    boundHistory(heard, policy.maxContextChars),
    null,
  );
}

/** The user speaks on: what was answered so far answers something else. */
export function resumeSpeech(draft: Draft, turnId: TurnId): void {
  if (draft.state.speculation.turnId === turnId) discardSpeculation(draft, 'resumed');
}

/** Nothing of the run was ever sent, and nothing of it ever will be. */
export function discardSpeculation(draft: Draft, outcome: Exclude<SpeculationOutcome, 'committed'>): void {
  const { run } = draft.state.speculation;
  if (!run) return;
  const { lane, ordinal } = run;
  leave(draft, outcome);
  if (!run.finished) draft.do({ kind: 'abort-generation', lane, ordinal });
}

/** What the final transcript makes of the run: its answer, or undefined when the turn has to be run anew. */
export function commitSpeculation(draft: Draft, final: { turnId: TurnId; text: string }): SpeculativeRun | undefined {
  const { run, turnId } = draft.state.speculation;
  if (!run) return undefined;
  if (turnId !== final.turnId || !matches(run.text, final.text, draft.chosen('commit'))) {
    discardSpeculation(draft, 'mismatch');
    return undefined;
  }
  // White space is not yet an answer; should nothing follow it, the turn would fail for a guess.
  if (run.buffer.trim() === '' && run.calls.length === 0) {
    discardSpeculation(draft, 'empty');
    return undefined;
  }
  leave(draft, 'committed');
  return run;
}

/** More of its text; that of another run is nobody's here, as everywhere. */
export function growSpeculation(draft: Draft, result: { lane: number; ordinal: number; text: string }): void {
  const run = runOf(draft, result);
  if (run) patchRun(draft, { ...run, buffer: run.buffer + result.text });
}

/** No function runs before the final transcript has come: the client does not hear of it. */
export function bufferCall(
  draft: Draft,
  result: { lane: number; ordinal: number; itemId: ItemId; call: ToolCall },
): void {
  const run = runOf(draft, result);
  const { itemId, call } = result;
  if (run) patchRun(draft, { ...run, calls: [...run.calls, { itemId, call }] });
}

/** SP9: its end is kept too; the final transcript may come later. */
export function finishSpeculation(
  draft: Draft,
  result: { lane: number; ordinal: number; reason: 'stop' | 'length' | 'content_filter'; usage: Usage },
): void {
  const run = runOf(draft, result);
  const { reason, usage } = result;
  if (run) patchRun(draft, { ...run, finished: { reason, usage } });
}

/** A broken answer is none: the turn is run anew when its final transcript comes. */
export function failSpeculation(draft: Draft, result: { lane: number; ordinal: number }): void {
  const run = runOf(draft, result);
  if (run) discardSpeculation(draft, 'empty');
}

function leave(draft: Draft, outcome: SpeculationOutcome): void {
  draft.set({ speculation: { ...draft.state.speculation, run: null } });
  draft.do({ kind: 'observe', observation: { name: 'speculation', outcome } });
}

/** The run that a result is of, as long as it runs: what a model says behind its end is part of no answer (GE7). */
function runOf(draft: Draft, { lane, ordinal }: { lane: number; ordinal: number }): SpeculativeRun | undefined {
  const { run } = draft.state.speculation;
  return run && run.lane === lane && run.ordinal === ordinal && !run.finished ? run : undefined;
}

function patchRun(draft: Draft, run: SpeculativeRun): void {
  draft.set({ speculation: { ...draft.state.speculation, run } });
}

function matches(speculative: string, final: string, rule: 'prefix' | 'exact'): boolean {
  const [before, after] = [wordsOf(speculative), wordsOf(final)];
  if (rule === 'exact' && before.length < after.length) return false;
  return before.every((word, index) => word === after[index]);
}
