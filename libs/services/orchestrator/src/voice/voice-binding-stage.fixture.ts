import { SEGMENT_START, type ProviderFailure, type VoiceJobKey, type WorkerId } from '@parley/model';
import { PeerWatch } from '@parley/service-link';
import { OrchestratorStage, SESSION, TRACE, WorkerDouble } from '../orchestrator-stage.fixture';
import { VoiceBinding } from './voice-binding';

export const KEY: VoiceJobKey = { sessionId: SESSION, epoch: 2, lane: 0, ordinal: 3, attempt: 1 };
export const REQUEST = { responseId: 'resp_3', owner: 'orc_one', voice: 'anna', speed: 1, lipSync: true } as const;

export const spoken = (segment: number, text: string) => ({ segment, text, from: SEGMENT_START });

/** The voice of one response, and what its owner is told of it. */
export class VoiceBindingStage extends OrchestratorStage {
  readonly told: string[] = [];
  readonly binding: VoiceBinding;
  private readonly peers: PeerWatch;

  constructor(key = KEY) {
    super();
    const bus = this.link();
    this.peers = new PeerWatch(bus, this.system, 'orc_one');
    const tell = (what: string) => (failure: ProviderFailure) =>
      void this.told.push(`${what} ${failure.kind}: ${failure.message}`);
    this.binding = new VoiceBinding(
      bus,
      this.system.timers,
      this.peers,
      key,
      TRACE,
      {
        onBound: (worker: WorkerId) => void this.told.push(`bound ${worker}`),
        onRefused: tell('refused'),
        onFailed: tell('failed'),
      },
      this.log,
    );
  }

  open(): void {
    void this.binding.open(REQUEST);
  }

  /** Opens it at a worker that accepts, of which nothing is told any more. */
  async bound(): Promise<WorkerDouble> {
    const worker = new WorkerDouble(this);
    this.open();
    await this.pass();
    expect(this.told).toEqual(['bound tts_one']);
    this.told.length = 0;
    return worker;
  }

  /** Releases it, which leaves nothing behind. */
  async end(): Promise<void> {
    this.binding.release();
    this.peers.close();
    // As long as an offer that nobody answered stays asked.
    await this.pass(70_000);
    expect(this.system.pendingTimers).toBe(0);
  }
}
