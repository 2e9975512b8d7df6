import {
  DEFAULT_POLICY,
  DEFAULT_SETTINGS,
  InvariantError,
  type DeliveryReport,
  type OwnerOutput,
  type TurnPolicy,
} from '@parley/model';
import { PeerWatch } from '@parley/service-link';
import { initialState } from '@parley/turn-engine';
import {
  CONFIG,
  GATEWAY,
  GatewayDouble,
  OrchestratorStage,
  SESSION,
  TRACE,
  turnOf,
  WorkerDouble,
} from '../orchestrator-stage.fixture';
import { OUTBOX_MAX_BYTES } from './outbox';
import { OwnedSession } from './owned-session';
import { decodeRecord, type SessionRecord } from './session-record';

const ENGINE = initialState({
  sessionId: SESSION,
  model: 'model-1',
  otherModels: [],
  defaultInstructions: '',
  instructions: '',
  voice: null,
  tools: [],
  toolChoice: 'auto',
  settings: DEFAULT_SETTINGS,
  avatar: null,
  capabilities: ['text'],
  resumable: false,
  expiresAtS: null,
});
const FRESH: SessionRecord = {
  v: 1,
  engine: ENGINE,
  connection: { attachment: 1, lastSeq: 0, gateway: GATEWAY, connectionId: null },
  resume: null,
  lastClientEventId: null,
  outSeq: 0,
  acknowledgedOutSeq: 0,
  outbox: [],
  voice: null,
};
/** What the gateway hands over: nothing that the stored state does not say. */
const NOTHING_NEW: DeliveryReport = { acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 0, responses: [] };

/** Three bytes a character; code is the longest that is spoken in one. */
export const MORE_THAN_IS_KEPT = `\`\`\`\n${'語'.repeat(3_000)}\n\`\`\`\n`.repeat(OUTBOX_MAX_BYTES / 9_000);

/** A process and the session that it carries. */
interface Owner {
  ports: ReturnType<OrchestratorStage['process']>;
  peers: PeerWatch;
  session: OwnedSession;
}

/** One session in the hands of its owner, with its gateway and a voice worker. */
export class OwnedSessionStage extends OrchestratorStage {
  readonly gateway = new GatewayDouble(this);
  readonly worker = new WorkerDouble(this);
  /** How often the session said that it is over here. */
  overs = 0;
  /** What the policy does when the engine reads the named time; thrown. */
  poisoned: keyof TurnPolicy | undefined;
  isLapsed = false;
  /** Throws where the poison is read: what a bug in the engine would do. */
  private readonly policy = new Proxy(DEFAULT_POLICY, {
    get: (target, name: keyof TurnPolicy) => {
      if (name === this.poisoned) throw new Error('poisoned');
      return target[name];
    },
  });
  private owner = this.claimed(FRESH, 1);

  /** A session that has begun. */
  static async started(): Promise<OwnedSessionStage> {
    const stage = new OwnedSessionStage();
    await stage.pass();
    stage.session.begin();
    await stage.pass();
    return stage;
  }

  get ports(): Owner['ports'] {
    return this.owner.ports;
  }

  get session(): OwnedSession {
    return this.owner.session;
  }

  /** Has the session let go, which leaves nothing behind. */
  async end(): Promise<void> {
    await this.system.runUntil(this.session.release());
    expect(this.overs).toBe(1);
    this.owner.peers.close();
    await this.pass(20_000);
    expect(this.system.pendingTimers).toBe(0);
  }

  /** Another process goes on with the session as `record` has it; what came of the first one is forgotten here. */
  async takeOver(record: SessionRecord, delivered = NOTHING_NEW): Promise<void> {
    this.owner.peers.close();
    // The first process runs no more; its session object is only let go so that its timers end.
    await this.now(this.session.release());
    this.overs = 0;
    this.gateway.messages.length = 0;
    this.worker.orders.length = 0;
    this.owner = this.claimed(record, 2);
    await this.pass();
    this.session.takeOver(delivered);
    await this.pass();
  }

  /** Another process takes the session. */
  lose(): void {
    const lost = this.storeServer.sessions.claim({
      ...{ sessionId: SESSION, owner: 'orc_two', expectedEpoch: 1, seenEpoch: 1, newAttachment: false, ttlMs: 1e9 },
    });
    expect(lost.kind).toBe('claimed');
  }

  get stored(): SessionRecord {
    const found = this.storeServer.sessions.load(SESSION);
    const decoded = found.kind === 'found' && found.session.state ? decodeRecord(found.session.state) : undefined;
    if (!decoded?.ok) throw new InvariantError('nothing readable is stored');
    return decoded.record;
  }

  /** A turn that was accepted; the model writes. */
  async thinking(): Promise<void> {
    await this.now(this.gateway.send(turnOf(1)));
  }

  /** How responses ended. */
  get statuses(): Extract<OwnerOutput, { kind: 'end' }>['status'][] {
    return this.gateway.of('end').map(({ status }) => status);
  }

  /** A process that has claimed the session with this epoch. */
  private claimed(record: SessionRecord, epoch: number): Owner {
    const ports = this.process();
    const peers = new PeerWatch(ports.bus, this.system, 'orc_one');
    const claimed = this.storeServer.sessions.claim({
      ...{ sessionId: SESSION, owner: 'orc_one', expectedEpoch: epoch - 1, seenEpoch: 0, ttlMs: 1e9 },
      newAttachment: epoch === 1,
    });
    if (claimed.kind !== 'claimed') throw new InvariantError(claimed.kind);
    const { rev } = claimed.session;
    const session = new OwnedSession(
      ports,
      { ...CONFIG, policy: this.policy },
      'orc_one',
      peers,
      { sessionId: SESSION, epoch, rev, record, traceparent: TRACE, isLapsed: () => this.isLapsed },
      () => this.overs++,
    );
    session.open();
    return { ports, peers, session };
  }
}
