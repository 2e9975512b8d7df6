import { type Incarnation, queueGroups, subjects, type VisemesMessage } from '@parley/model';
import type {
  AvatarPort,
  BusPort,
  BusSubscription,
  LogPort,
  Readiness,
  Service,
  SystemPorts,
  TelemetryPort,
} from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings, EpochFence } from '@parley/service-link';

const FLUSH_TIMEOUT_MS = 2000;

export interface AvatarBridgePorts {
  bus: BusPort;
  avatar: AvatarPort;
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
}

/** Animates the local face: reads what the voices tell about their speech and publishes mouth shapes for the gateways. */
export const createAvatarBridge = (ports: AvatarBridgePorts): Service => new AvatarBridge(ports);

/** Stateless but for the fence: any worker of the group can animate any stretch, and none has anything to hand over. */
class AvatarBridge implements Service {
  readonly incarnation: Incarnation;
  private readonly log: LogPort;
  private readonly fence = new EpochFence();
  private phase: 'new' | 'running' | 'stopped' = 'new';
  private subscriptions: BusSubscription[] = [];

  constructor(private readonly ports: AvatarBridgePorts) {
    this.incarnation = `ava_${ports.system.random.hex(8)}`;
    this.log = ports.log.child({ worker: this.incarnation });
  }

  async start(): Promise<void> {
    const { bus } = this.ports;
    this.phase = 'running';
    this.subscriptions = [
      answerPings(bus, this.incarnation),
      bus.subscribe(subjects.anyTimings, ({ payload }) => this.animate(payload), { queue: queueGroups.avatar }),
    ];
    await bus.flush(FLUSH_TIMEOUT_MS);
  }

  stop(): Promise<void> {
    this.phase = 'stopped';
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.subscriptions = [];
    return Promise.resolve();
  }

  readiness(): Readiness {
    const reasons = [
      ...(this.phase === 'running' ? [] : [`the bridge is ${this.phase}`]),
      ...(this.ports.bus.connected ? [] : ['the bus cannot be reached']),
    ];
    return { ready: reasons.length === 0, reasons };
  }

  private animate(payload: Uint8Array): void {
    const decoded = decodeEnvelope(busSchemas.timings, payload);
    if (!decoded.ok) {
      this.log.warn('timings cannot be read', { reason: decoded.reason });
      return;
    }
    const { sessionId, epoch, lane, ordinal, attempt, segment } = decoded.body;
    if (!this.fence.admits(sessionId, epoch)) return;
    const visemes = this.ports.avatar.animate(decoded.body);
    this.ports.telemetry.count('parley_avatar_segments_total', {});
    if (visemes.length === 0) return;
    const message: VisemesMessage = { sessionId, epoch, lane, ordinal, attempt, segment, visemes };
    this.ports.bus.publish(subjects.visemes(sessionId), encodeEnvelope(decoded.traceparent, message));
  }
}
