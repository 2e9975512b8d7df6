import { deliveredSamples, InvariantError, samplesOfMs, type OwnerOutput } from '@parley/model';
import type { Effect } from '../effects';
import { floorOf } from '../floor';
import { liveResponse, liveResponses, type EngineState } from '../state';
import type { EngineDriver } from './engine-driver';

function must(holds: boolean, rule: string): void {
  if (!holds) throw new InvariantError(rule);
}

type OfResponse = Exclude<Extract<OwnerOutput, { ordinal: number }>, { kind: 'adopted' }>;

/** What the outputs of one response have shown so far. */
interface Seen {
  segments: number;
  text: string;
  renderings: number;
  announcedEnds: number;
  endings: number;
  interrupted: boolean;
  observedEnds: number;
}

/** Watches a conversation from outside and throws, naming the rule, at the first step that breaks one. */
export class RuleWatch {
  private readonly responses = new Map<number, Seen>();
  /** Lanes by ordinal. */
  private readonly generating = new Map<number, number>();
  private readonly ordinals = new Map<string, number>();
  private told = 'idle ';
  private closings = 0;
  private avatar: { ordinal: number; cancelled: boolean } | undefined;
  private readonly called = new Set<string>();
  private paused: number | undefined;

  /** Looks at the step that `talk` has just made. */
  look(talk: EngineDriver): void {
    // What the old owner had under way died with it, before anybody could abort it.
    const isTakeover = talk.lastInput === 'taken-over';
    if (isTakeover) this.generating.clear();
    // Whoever comes back is told of the floor with the greeting, and of some responses the end once more.
    if (talk.lastInput === 'resumed')
      for (const seen of this.responses.values()) if (seen.announcedEnds > 0) seen.endings = 0;
    for (const effect of talk.effects) if (!isTakeover || effect.kind !== 'abort-generation') this.take(effect);
    const live = liveResponses(talk.state);
    for (const each of live) if (each.generation.stage === 'ended') this.generating.delete(each.ordinal);
    const { run } = talk.state.speculation;
    must(!(run && liveResponse(talk.state)), 'SU1: no speculation beside a live response');
    if (run?.finished) this.generating.delete(run.ordinal);
    const speculative = run && !run.finished ? [run.ordinal] : [];
    const running = live.flatMap(({ generation, ordinal }) => (generation.stage === 'running' ? [ordinal] : []));
    const expected = [...running, ...speculative].sort((a, b) => a - b);
    must(
      [...this.generating.keys()].sort((a, b) => a - b).join() === expected.join(),
      'LI6: only live ones are generated',
    );
    must(new Set(live.map(({ lane }) => lane)).size === live.length, 'OB1: each has a lane of its own');
    this.lookAtState(talk);
  }

  private lookAtState(talk: EngineDriver): void {
    const { state } = talk;
    const waits = state.phase.name !== 'idle' && state.phase.name !== 'closed';
    if (waits || state.phase.name === 'closed') {
      must((talk.deadlineMs !== undefined) === waits, 'LI1: what waits has a deadline, what is closed has none');
    }
    must(state.queue.length === 0 || liveResponse(state) !== undefined, 'TU12: nothing waits for a free floor');
    const { state: floor, responseId } = floorOf(state);
    if (talk.lastInput === 'attached' || talk.lastInput === 'resumed') this.told = `${floor} ${responseId ?? ''}`;
    if (waits) must(this.told === `${floor} ${responseId ?? ''}`, 'DR8: the floor that was told is the floor');
    if (state.phase.name !== 'closed') this.lookAtCalls(state);
    must(this.paused === state.pause?.ordinal, 'PA2: a pause that ended was told, as its end or as an interruption');
    must(state.pause === null || state.speech.stage !== 'silent', 'PA2: no pause outlives the speech it is for');
    must(!(state.muted && state.speech.stage !== 'silent'), 'MU1: who is muted does not speak');
    for (const { delivery } of [...state.tails, ...liveResponses(state)]) {
      must(delivery.playedSamples <= deliveredSamples(delivery), 'HE4: nothing was played that was not delivered');
    }
    const chars = state.history.slice(1).reduce((sum, item) => sum + ('text' in item ? item.text.length : 0), 0);
    // An answer grows after it was added; it is bounded again at the next addition.
    must(chars <= talk.policy.maxContextChars + 5_000, 'IT4: the history is bounded');
  }

  private lookAtCalls({ calls, history, phase }: EngineState): void {
    // A closed session waits for nothing.
    if (phase.name === 'closed') return;
    const pending = history.flatMap((item) =>
      item.role === 'call' && item.outcome.stage === 'pending' ? [item.id] : [],
    );
    const awaited = calls.map(({ itemId }) => itemId);
    must(
      pending.every((id) => awaited.includes(id)),
      'TO8: a call without a result is awaited or given up',
    );
  }

  private take(effect: Effect): void {
    switch (effect.kind) {
      case 'start-generation':
        must(![...this.generating.values()].includes(effect.lane), 'LI6: one generation at a time on each lane');
        this.generating.set(effect.ordinal, effect.lane);
        return;
      case 'abort-generation':
        must(this.generating.delete(effect.ordinal), 'EN6: only a generation that did not finish is aborted');
        return;
      case 'speak-segment':
      case 'end-voice':
        must(this.seen(effect.ordinal).endings === 0, 'IN7: no order for a response that is over');
        return;
      case 'open-voice':
        must(this.seen(effect.ordinal).endings === 0, 'IN7: no voice for a response that is over');
        must(effect.attempt === ++this.seen(effect.ordinal).renderings, 'VO9: renderings are counted from 1');
        return;
      case 'close-session':
        must(++this.closings === 1, 'CL2: released once');
        this.paused = undefined;
        this.generating.clear();
        return;
      case 'observe':
        return this.observe(effect);
      case 'start-avatar':
        must(effect.ordinal > (this.avatar?.ordinal ?? 0), 'AV1: an avatar is given each response once, in order');
        this.avatar = { ordinal: effect.ordinal, cancelled: false };
        return;
      case 'cancel-avatar':
        must(this.avatar?.ordinal === effect.ordinal && !this.avatar.cancelled, 'AV7: a stream is cancelled once');
        this.avatar = { ordinal: effect.ordinal, cancelled: true };
        return;
      case 'cancel-voice':
        return;
      case 'emit':
        return this.emit(effect.output);
    }
  }

  private observe({ observation }: Extract<Effect, { kind: 'observe' }>): void {
    if (observation.name !== 'response-ended') return;
    const seen = this.seen(this.ordinals.get(observation.responseId) ?? 0);
    must(++seen.observedEnds === 1, 'EN8: a response ends once');
  }

  private emit(output: OwnerOutput): void {
    must(this.closings === 0, 'CL3: nothing is said after closing');
    if (output.kind === 'event' && output.event.type === 'parley.state') {
      const told = `${String(output.event['state'])} ${String(output.event['response_id'] ?? '')}`;
      must(told !== this.told, 'FL2: the floor is told when it changes');
      this.told = told;
    }
    if ('ordinal' in output && output.kind !== 'adopted') this.emitOfResponse(output);
  }

  private emitOfResponse(output: OfResponse): void {
    if (output.kind === 'announce') {
      must(output.ordinal > Math.max(0, ...this.responses.keys()), 'TU8: ordinals grow');
      const fresh = {
        segments: 0,
        text: '',
        renderings: 0,
        announcedEnds: 0,
        endings: 0,
        interrupted: false,
        observedEnds: 0,
      };
      this.responses.set(output.ordinal, fresh);
      this.ordinals.set(output.responseId, output.ordinal);
      return;
    }
    const seen = this.seen(output.ordinal);
    must(!seen.interrupted, 'IN7: interrupted is the last word');
    switch (output.kind) {
      case 'text':
        must(output.segment === seen.segments++, 'GE1: segments have no gap');
        must(seen.announcedEnds + seen.endings === 0, 'EN2: no text after the end');
        seen.text += output.text;
        return;
      case 'call':
        must(!this.called.has(output.call.callId), 'TO1: a call is made once');
        this.called.add(output.call.callId);
        must(seen.announcedEnds + seen.endings === 0, 'EN2: no call after the end');
        return;
      case 'end':
        must(output.segments === seen.segments, 'EN2: the end names the number of segments');
        if (output.status === 'failed') must(++seen.endings === 1, 'EN8: one end');
        else must(++seen.announcedEnds <= 2 && seen.endings === 0, 'VO3: announced once more at most');
        return;
      case 'close':
        must(seen.announcedEnds > 0 && !this.generating.has(output.ordinal), 'EN7: closed after generation');
        must(++seen.endings === 1, 'EN8: one end');
        return;
      case 'paused':
        must(this.paused === undefined, 'PA1: held once');
        this.paused = output.ordinal;
        return;
      case 'resumed':
        must(this.paused === output.ordinal, 'PA2: only what was held goes on');
        this.paused = undefined;
        return;
      case 'interrupted':
        if (this.paused === output.ordinal) this.paused = undefined;
        seen.interrupted = true;
        must(seen.text.startsWith(output.heardText), 'HE1: heard text is a beginning of the answer');
        return;
    }
  }

  private seen(ordinal: number): Seen {
    const seen = this.responses.get(ordinal);
    if (!seen) throw new InvariantError(`EN1: response ${ordinal} was not announced`);
    return seen;
  }
}

/** The longest that `talk` may keep the floor from the user when nothing else happens (LI3). */
export function boundMs({ state, policy, nowMs }: EngineDriver): number {
  const live = liveResponse(state);
  const deliveries = [...state.tails, ...(live ? [live] : [])].map(({ delivery }) => delivery);
  const queued = deliveries.reduce((sum, each) => sum + deliveredSamples(each) - each.playedSamples, 0);
  const { firstTokenTimeoutMs, tokenTimeoutMs, voiceTimeoutMs, drainTimeoutMs } = policy;
  const turnMs = Math.max(firstTokenTimeoutMs, tokenTimeoutMs) + 2 * voiceTimeoutMs;
  const pausedMs = state.pause ? Math.max(0, state.pause.deadlineMs - nowMs) : 0;
  return turnMs * (1 + state.queue.length) + pausedMs + queued / samplesOfMs(1) + drainTimeoutMs;
}
