import { CONVERSATION_LANE, type Incarnation, type SessionId, type VoiceJobKey } from '@parley/model';
import type { BusPort, LogPort, TimersPort } from '@parley/ports';
import type { PeerWatch } from '@parley/service-link';
import type { Effect, EngineInput } from '@parley/turn-engine';
import type { VoiceBindingRecord } from '../session/session-record';
import { VoiceBinding, type VoiceListener } from './voice-binding';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;
type VoiceOrderEffect = EffectOf<'speak-segment' | 'end-voice' | 'cancel-voice'>;

/** A rendering of one response, as this owner names it. */
type NamedRendering = Pick<VoiceJobKey, 'lane' | 'ordinal' | 'attempt'>;

interface VoiceOwner {
  sessionId: SessionId;
  epoch: number;
  self: Incarnation;
  lipSync: boolean;
  voiceMap: Readonly<Record<string, string>>;
}

/**
 * The voice workers that speak for one session: one binding for each response that is not over. They are asked and
 * ordered before the write that holds response or segment: the gateway lets nobody hear a segment before its text.
 */
export class SessionVoice {
  private readonly bindings = new Map<number, VoiceBinding>();
  /** Opened for responses that no confirmed write holds yet: a new owner would not know of them. */
  private readonly unwritten = new Set<VoiceBinding>();
  /** What was bound for the owner before; its worker is asked to go on when the response is bound anew. */
  private inherited: VoiceBindingRecord | null;

  constructor(
    private readonly ports: { bus: BusPort; timers: TimersPort; log: LogPort },
    private readonly peers: PeerWatch,
    private readonly owner: VoiceOwner,
    /** Where the conversation's newest response was bound, for a later owner. */
    private boundTo: VoiceBindingRecord | null,
    private readonly onInput: (input: EngineInput) => void,
  ) {
    this.inherited = boundTo;
  }

  get bound(): VoiceBindingRecord | null {
    return this.boundTo;
  }

  /** What that worker has sent was sent to nobody: it is not asked to go on behind that. */
  disinherit(): void {
    this.inherited = null;
  }

  open({ responseId, voice, speed, segments, ...rendering }: EffectOf<'open-voice'>, traceparent: string): void {
    const { self, lipSync, voiceMap } = this.owner;
    // The name is a client's: it must not find what every object has.
    const named = voice !== null && Object.hasOwn(voiceMap, voice) ? voiceMap[voice] : undefined;
    const { bus, timers, log } = this.ports;
    const key = this.keyOf(rendering);
    const binding = new VoiceBinding(bus, timers, this.peers, key, traceparent, this.listenerOf(rendering), log);
    this.bindings.get(key.ordinal)?.cancel();
    this.bindings.set(key.ordinal, binding);
    this.unwritten.add(binding);
    const { inherited } = this;
    if (key.lane === inherited?.lane) this.inherited = null;
    // An older one than the last may have been lost, or have spoken to nobody.
    const isLast = inherited?.ordinal === key.ordinal && inherited.attempt === key.attempt - 1;
    const adopts = isLast ? { ...inherited, segments } : undefined;
    void binding.open({ responseId, owner: self, voice: named ?? voice, speed, lipSync }, adopts);
  }

  order(effect: VoiceOrderEffect): void {
    const binding = this.bindings.get(effect.ordinal);
    if (effect.kind === 'speak-segment') binding?.segment(effect);
    else if (effect.kind === 'end-voice') binding?.end(effect.segments);
    else binding?.cancel();
  }

  /** The state that holds every response so far is stored. */
  confirmWritten(): void {
    this.unwritten.clear();
  }

  /** The bus link was away. What was published meanwhile is lost, and nobody would notice the hole but the listener. */
  reconnected(): void {
    for (const binding of [...this.bindings.values()]) binding.lose('the bus was away');
  }

  /** No interest any more in the workers of other responses than the live ones. */
  keepOnly(ordinals: readonly number[]): void {
    for (const [each, binding] of this.bindings) {
      if (ordinals.includes(each)) continue;
      binding.release();
      this.bindings.delete(each);
    }
  }

  /** Nobody goes on with what is spoken. */
  cancelAll(): void {
    for (const binding of this.bindings.values()) binding.cancel();
  }

  /** This owner is none any more. What was bound in the state is its successor's; the rest nobody else would end. */
  close(): void {
    for (const binding of this.unwritten) binding.cancel();
    this.unwritten.clear();
    this.keepOnly([]);
  }

  private keyOf({ lane, ordinal, attempt }: NamedRendering): VoiceJobKey {
    const { sessionId, epoch } = this.owner;
    return { sessionId, epoch, lane, ordinal, attempt };
  }

  private listenerOf({ lane, ordinal, attempt }: NamedRendering): VoiceListener {
    const rendering = { lane, ordinal, attempt };
    return {
      onBound: (worker) => {
        if (lane === CONVERSATION_LANE) this.boundTo = { worker, epoch: this.owner.epoch, ...rendering };
        this.onInput({ kind: 'voice-bound', ...rendering });
      },
      onRefused: (failure) => this.onInput({ kind: 'voice-refused', ...rendering, failure }),
      onFailed: (failure) => this.onInput({ kind: 'voice-failed', ...rendering, failure }),
    };
  }
}
