import type { ChunkView, DeliveryReport, SessionInput } from '@parley/model';
import { PeerWatch } from '@parley/service-link';
import { GatewayStage, OwnerDouble, SESSION } from '../gateway-stage.fixture';
import { SessionLink, type ClientOutput, type LinkListener, type OutputNumber } from './session-link';

export const INPUT: SessionInput = { kind: 'session-updated', patch: {} };

/** Writes down what it is told. */
export class ListenerDouble implements LinkListener {
  readonly outputs: { text: string; number: string }[] = [];
  readonly chunks: ChunkView[] = [];
  readonly told: string[] = [];
  admits: ((chunk: ChunkView) => boolean) | undefined;

  onOutput(output: ClientOutput, { epoch, outSeq }: OutputNumber): void {
    this.outputs.push({ text: output.kind === 'text' ? output.text : output.kind, number: `${epoch}/${outSeq}` });
  }
  onRepeated(): void {
    this.told.push('repeated');
  }
  onAudio(chunk: ChunkView): void {
    this.chunks.push(chunk);
  }
  onVisemes(): void {
    this.told.push('visemes');
  }
  onOwnerChanged(admits: (chunk: ChunkView) => boolean): void {
    this.told.push('owner changed');
    this.admits = admits;
  }
  delivered(): Pick<DeliveryReport, 'announcedOrdinal' | 'responses'> {
    return { announcedOrdinal: 1, responses: [] };
  }
  onLinkBack(): void {
    this.told.push('link back');
  }
  onGone(reason: string): void {
    this.told.push(`gone: ${reason}`);
  }
  onSuperseded(): void {
    this.told.push('superseded');
  }
}

/** A gateway's link to a session, and the owner it finds. */
export class LinkStage extends GatewayStage {
  readonly owner = new OwnerDouble(this);
  readonly listener = new ListenerDouble();
  readonly ports = { bus: this.bus, system: this.system, log: this.log, telemetry: this.telemetry };
  private readonly peers = new PeerWatch(this.bus, this.system, 'gw_one');
  readonly sessionLink = new SessionLink(this.ports, 'gw_one', this.peers, SESSION, this.log);

  attach(): ReturnType<SessionLink['attach']> {
    return this.sessionLink.attach({ kind: 'new', connection: { parley: true, model: 'm' } });
  }

  /** With a session of its own, which the listener hears. */
  async attached(): Promise<void> {
    await this.now(this.attach());
    this.sessionLink.listen(this.listener);
  }

  send(closedOrdinal = 0): number {
    return this.sessionLink.send(INPUT, closedOrdinal, undefined);
  }

  /** Closes the link, which leaves nothing behind. */
  async end(): Promise<void> {
    this.sessionLink.close();
    await this.leavesNothing();
  }

  /** The link is closed, by whoever had it. */
  async leavesNothing(): Promise<void> {
    this.peers.close();
    await this.pass(5_000);
    expect(this.system.pendingTimers).toBe(0);
  }
}
