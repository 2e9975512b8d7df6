import { subjects, type Claim, type ClaimReply, type Incarnation, type SessionId } from '@parley/model';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import type { OrchestratorConfig } from './config';
import { Orchestrator } from './orchestrator';
import { CONFIG, GatewayDouble, newClaim, OrchestratorStage, read, TRACE } from './orchestrator-stage.fixture';

/** One process. */
class RunningOrchestrator {
  readonly ports: ReturnType<OrchestratorStage['process']>;
  readonly service: Orchestrator;

  constructor(
    private readonly stage: OrchestratorStage,
    config: Partial<OrchestratorConfig>,
  ) {
    this.ports = stage.process();
    this.service = new Orchestrator(this.ports, { ...CONFIG, ...config });
  }

  /** As SIGKILL. */
  kill(): void {
    this.ports.bus.kill();
    this.ports.store.inner.setUnavailable(true);
  }

  /** The store takes its claims as ever, and its answers come so much later. */
  delayClaims(ms: number): void {
    const { store } = this.ports;
    const { claim } = store;
    store.claim = async (request) => {
      const outcome = await claim(request);
      await new Promise<void>((resolve) => this.stage.system.timers.after(ms, resolve));
      return outcome;
    };
  }
}

/** Orchestrators beside each other, and a gateway that claims sessions of them. */
export class RunningOrchestrators extends OrchestratorStage {
  readonly gateway = new GatewayDouble(this);
  private readonly started: RunningOrchestrator[] = [];

  async start(config: Partial<OrchestratorConfig> = {}): Promise<RunningOrchestrator> {
    const one = new RunningOrchestrator(this, config);
    this.started.push(one);
    await this.now(one.service.start());
    return one;
  }

  /** Stops all of them, which leaves nothing behind. */
  async end(): Promise<void> {
    for (const { service } of this.started) await this.system.runUntil(service.stop(1_000));
    await this.pass(20_000);
    expect(this.system.pendingTimers).toBe(0);
  }

  claim(body: Claim = newClaim()): Promise<ClaimReply | string> {
    return this.now(this.gateway.claim(body));
  }

  /** What an owner says when it is asked whether it carries a session. */
  async probe(owner: Incarnation, sessionId: SessionId): Promise<unknown> {
    const payload = encodeEnvelope(TRACE, { sessionId });
    const outcome = await this.now(this.gateway.bus.request(subjects.ownerProbe(owner), payload, { timeoutMs: 100 }));
    return outcome.kind === 'reply' ? read(busSchemas.ownerProbeReply, outcome.payload) : outcome.kind;
  }
}
