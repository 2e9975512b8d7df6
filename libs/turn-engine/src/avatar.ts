import type { Draft } from './draft';
import type { AvatarStream, AvatarTurn } from './state';

/**
 * The stream of an avatar that speaks the responses itself: it takes one at a time, and its "done" is the only word on
 * when it is free. What follows from that word happens in the step that brings it.
 */

interface OfResponse {
  lane: number;
  ordinal: number;
}

/** A response has begun: it is handed over at once when the avatar is free, else when it becomes free. */
export function offerToAvatar(draft: Draft, next: AvatarTurn): void {
  const { avatar } = draft.state;
  if (draft.state.session.avatar !== 'stream') return;
  if (avatar.stage === 'empty') handOver(draft, next);
  else setAvatar(draft, { ...avatar, next });
}

export function startedAvatar(draft: Draft, result: OfResponse): void {
  const { avatar } = draft.state;
  if (avatar.stage !== 'starting' || !isOf(avatar.turn, result)) return;
  const { turn, next } = avatar;
  if (avatar.cancelled) cancelStream(draft, turn, next);
  else setAvatar(draft, { stage: 'streaming', turn, next, deadlineMs: null });
}

/** AV1, AV6: it is free, whatever happened, and whoever waits has it in the same step. */
export function freeAvatar(draft: Draft, result: OfResponse): void {
  const { avatar } = draft.state;
  if (avatar.stage !== 'empty' && isOf(avatar.turn, result)) empty(draft);
}

/** It cannot speak: the client is told once, and the response goes on without it. */
export function failAvatar(draft: Draft, result: OfResponse & { message: string }): void {
  const { avatar } = draft.state;
  if (avatar.stage === 'empty' || !isOf(avatar.turn, result)) return;
  report(draft, result.message);
  empty(draft);
}

/** The response was interrupted: the avatar falls silent, and is free when it says so. A stream that has not begun cannot be cancelled yet. */
export function silenceAvatar(draft: Draft, ordinal: number): void {
  const { avatar } = draft.state;
  if (avatar.stage === 'empty' || avatar.turn.ordinal !== ordinal) return;
  if (avatar.stage === 'streaming') cancelStream(draft, avatar.turn, avatar.next);
  else if (avatar.stage === 'starting') setAvatar(draft, { ...avatar, cancelled: true });
}

/** Of a response that is over nothing more comes: its "done" is due, and it waits for the avatar no longer. */
export function settleAvatar(draft: Draft): void {
  const { avatar } = draft.state;
  if (avatar.stage === 'empty') return;
  const next = avatar.next && isGoingOn(draft, avatar.next) ? avatar.next : null;
  if (next !== avatar.next) setAvatar(draft, { ...avatar, next });
  if (avatar.deadlineMs !== null || isGoingOn(draft, avatar.turn)) return;
  setAvatar(draft, { ...avatar, next, deadlineMs: draft.nowMs + draft.policy.avatarDoneTimeoutMs });
}

/** A "done" that never comes must not keep the next response silent. */
export function passAvatar(draft: Draft): void {
  const { avatar } = draft.state;
  if (avatar.stage === 'empty' || avatar.deadlineMs === null || avatar.deadlineMs > draft.nowMs) return;
  const { stage, turn } = avatar;
  draft.do({ kind: 'observe', observation: { name: 'avatar-timeout', stage, responseId: turn.responseId } });
  if (isGoingOn(draft, turn)) report(draft, 'The avatar did not begin to speak in time.');
  empty(draft);
}

/** At a takeover everything that is waited for has its whole time again. */
export function watchAvatar(draft: Draft): void {
  const { avatar } = draft.state;
  const { avatarDoneTimeoutMs, avatarStartTimeoutMs } = draft.policy;
  if (avatar.stage === 'empty' || avatar.deadlineMs === null) return;
  const waitMs = avatar.stage === 'starting' ? avatarStartTimeoutMs : avatarDoneTimeoutMs;
  setAvatar(draft, { ...avatar, deadlineMs: draft.nowMs + waitMs });
}

/** The session is over: nobody waits for "done". */
export function releaseAvatar(draft: Draft): void {
  const { avatar } = draft.state;
  if (avatar.stage === 'starting' || avatar.stage === 'streaming') orderCancel(draft, avatar.turn);
  setAvatar(draft, { stage: 'empty' });
}

function handOver(draft: Draft, turn: AvatarTurn): void {
  const deadlineMs = draft.nowMs + draft.policy.avatarStartTimeoutMs;
  setAvatar(draft, { stage: 'starting', turn, next: null, cancelled: false, deadlineMs });
  draft.do({ kind: 'start-avatar', ...turn });
}

function cancelStream(draft: Draft, turn: AvatarTurn, next: AvatarTurn | null): void {
  const deadlineMs = draft.nowMs + draft.policy.avatarDoneTimeoutMs;
  setAvatar(draft, { stage: 'cancelling', turn, next, deadlineMs });
  orderCancel(draft, turn);
}

function orderCancel(draft: Draft, { lane, ordinal }: AvatarTurn): void {
  draft.do({ kind: 'cancel-avatar', lane, ordinal });
}

function empty(draft: Draft): void {
  const { avatar } = draft.state;
  const next = avatar.stage === 'empty' ? null : avatar.next;
  setAvatar(draft, { stage: 'empty' });
  if (next) handOver(draft, next);
}

function report(draft: Draft, message: string): void {
  draft.emit({ kind: 'error', error: { type: 'server_error', code: 'avatar_unavailable', message, param: null } });
}

/** It is generated or heard. */
const isGoingOn = ({ state, live }: Draft, { ordinal }: AvatarTurn): boolean =>
  [...state.tails, live].some((response) => response?.ordinal === ordinal);

const setAvatar = (draft: Draft, avatar: AvatarStream): void => draft.set({ avatar });

const isOf = (turn: AvatarTurn, { lane, ordinal }: OfResponse): boolean =>
  turn.lane === lane && turn.ordinal === ordinal;
