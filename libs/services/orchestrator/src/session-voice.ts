import type { Incarnation, SessionId, VoiceJobKey } from '@parley/model';
import type { BusPort, LogPort } from '@parley/ports';
import type { PeerWatch } from '@parley/service-link';
import type { Effect, EngineInput } from '@parley/turn-engine';
import type { VoiceBindingRecord } from './session-record';
import { VoiceBinding, type VoiceListener } from './voice-binding';

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>;
type VoiceOrderEffect = EffectOf<'speak-segment' | 'end-voice' | 'cancel-voice'>;

/** One rendering per response until a later issue renders again. */
const ATTEMPT = 1;
const NO_TRACE = '';

interface VoiceOwner {
  sessionId: SessionId;
  epoch: number;
  self: Incarnation;
  lipSync: boolean;
}

/**
 * The voice workers that speak for one session: one binding for each response that is not over. They are asked and
 * ordered before the write that holds response or segment: the gateway lets nobody hear a segment before its text.
 */
export class SessionVoice {
  private readonly bindings = new Map<number, VoiceBinding>();
  /** Opened for responses that no confirmed write holds yet: a new owner would not know of them. */
  private readonly unwritten = new Set<VoiceBinding>();

  constructor(
    private readonly ports: { bus: BusPort; log: LogPort },
    private readonly peers: PeerWatch,
    private readonly owner: VoiceOwner,
    /** Where the newest response was bound, for a later owner. */
    private boundTo: VoiceBindingRecord | null,
    private readonly onInput: (input: EngineInput) => void,
  ) {
    if (boundTo) this.bindings.set(boundTo.ordinal, this.inherited(boundTo));
  }

  get bound(): VoiceBindingRecord | null {
    return this.boundTo;
  }

  open({ lane, ordinal, responseId, voice }: EffectOf<'open-voice'>, traceparent: string): void {
    const { self, lipSync } = this.owner;
    const { bus, log } = this.ports;
    const key = this.keyOf(lane, ordinal);
    const binding = new VoiceBinding(bus, this.peers, key, traceparent, this.listenerOf(lane, ordinal), log);
    this.bindings.set(ordinal, binding);
    this.unwritten.add(binding);
    void binding.open({ responseId, owner: self, voice, lipSync });
  }

  order(effect: VoiceOrderEffect): void {
    const binding = this.bindings.get(effect.ordinal);
    if (effect.kind === 'speak-segment') binding?.segment(effect.segment, effect.text);
    else if (effect.kind === 'end-voice') binding?.end(effect.segments);
    else binding?.cancel();
  }

  /** The state that holds every response so far is stored. */
  confirmWritten(): void {
    this.unwritten.clear();
  }

  /** No interest any more in the workers of other responses than the live one. */
  keepOnly(ordinal: number | undefined): void {
    for (const [each, binding] of this.bindings) {
      if (each === ordinal) continue;
      binding.release();
      this.bindings.delete(each);
    }
  }

  /** This owner is none any more. What was bound in the state is its successor's; the rest nobody else would end. */
  close(): void {
    for (const binding of this.unwritten) binding.cancel();
    this.unwritten.clear();
    this.keepOnly(undefined);
  }

  private keyOf(lane: number, ordinal: number): VoiceJobKey {
    const { sessionId, epoch } = this.owner;
    return { sessionId, epoch, lane, ordinal, attempt: ATTEMPT };
  }

  private listenerOf(lane: number, ordinal: number): VoiceListener {
    return {
      onBound: (worker) => {
        this.boundTo = { worker, lane, ordinal };
        this.onInput({ kind: 'voice-bound', lane, ordinal });
      },
      onRefused: (failure) => this.onInput({ kind: 'voice-refused', lane, ordinal, failure }),
      onFailed: (failure) => this.onInput({ kind: 'voice-failed', lane, ordinal, failure }),
    };
  }

  private inherited({ worker, lane, ordinal }: VoiceBindingRecord): VoiceBinding {
    const { bus, log } = this.ports;
    return VoiceBinding.of(worker, bus, this.peers, this.keyOf(lane, ordinal), NO_TRACE, log);
  }
}
