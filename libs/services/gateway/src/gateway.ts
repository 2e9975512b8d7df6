import { REALTIME_PATHS, type Incarnation, type Opening, type SessionDefaults, type SessionId } from '@parley/model';
import type {
  Admission,
  BusSubscription,
  CancelTimer,
  HttpReply,
  HttpRequest,
  Readiness,
  Service,
  UpgradeRequest,
} from '@parley/ports';
import { answerPings, Intake, newTraceparent, PeerWatch } from '@parley/service-link';
import { authenticate, selectSubprotocol, UNKNOWN_KEY, type Authentication } from './admission/authentication';
import { ClientSecrets } from './admission/client-secrets';
import { ClientSession } from './client-session';
import { PING_PERIOD_MS, type GatewayConfig } from './config';
import { Departures } from './departures';
import { dialectOf, type Language } from './dialects/upgrade';
import { errorReply, keyReply } from './admission/error-reply';
import { outSeqOf, resumeRequestOf, Resumption, type ResumeRequest } from './downlink/resumption';
import { modelOf, routeOf } from './admission/route';
import { SecretEndpoint } from './admission/secret-endpoint';
import type { GatewayPorts } from './ports';
import { SessionLink } from './link/session-link';

export interface GatewayService extends Service {
  /** Decides about an upgrade before it is answered; an admitted one has its session already. */
  admit(request: UpgradeRequest): Promise<Admission>;
  /** `POST …/client_secrets`. */
  createSecret(request: HttpRequest): Promise<HttpReply>;
}

/** Whether a key counts, and what its sessions begin with. */
type Identity =
  { kind: 'known'; defaults: SessionDefaults | undefined } | { kind: 'unknown' } | { kind: 'unavailable' };

/** A connection that is to be admitted if it can be. */
interface Candidate {
  request: UpgradeRequest;
  language: Language;
  authentication: Exclude<Authentication, { kind: 'refused' }>;
  resume: ResumeRequest | undefined;
}

/** How a connection comes to its session. */
type Entry =
  | { kind: 'entered'; link: SessionLink; opening: Opening; resumption: Resumption | undefined }
  | { kind: 'full' }
  | { kind: 'unavailable' };

const UNAVAILABLE = 'No session can be opened now.';
const FLUSH_TIMEOUT_MS = 1_000;
const STOP_POLL_MS = 20;
const RETRY_AFTER_S = 1;
/** Who was refused for want of room comes back spread over so long, or all would be refused together again. */
const CAPACITY_SPREAD_S = 10;

/** The client edge: admits connections and carries each of them to the owner of its session. */
export class Gateway implements GatewayService {
  readonly incarnation: Incarnation;
  private readonly sessions = new Set<ClientSession>();
  private readonly peers: PeerWatch;
  private readonly intake: Intake;
  private readonly secrets: ClientSecrets;
  private readonly secretEndpoint: SecretEndpoint;
  /** Admitted and not yet open: they count against the limit. */
  private opening = 0;
  private subscription: BusSubscription | undefined;
  private stopPings: CancelTimer | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly ports: GatewayPorts,
    private readonly config: GatewayConfig,
  ) {
    this.incarnation = `gw_${ports.system.random.hex(8)}`;
    this.peers = new PeerWatch(ports.bus, ports.system, this.incarnation);
    const limits = { count: config.maxConnections, lagMs: config.maxLagMs };
    this.intake = new Intake(ports, 'gateway', limits, () => this.sessions.size + this.opening);
    this.secrets = new ClientSecrets(ports);
    this.secretEndpoint = new SecretEndpoint(this.secrets, config, ports.system.random);
  }

  async start(): Promise<void> {
    this.subscription = answerPings(this.ports.bus, this.incarnation);
    this.stopPings = this.ports.system.timers.every(PING_PERIOD_MS, () => {
      for (const session of this.sessions) session.checkAlive();
    });
    this.intake.open();
    await this.ports.bus.flush(FLUSH_TIMEOUT_MS);
  }

  /** Also without room: an unready gateway gets no connections, and so nobody would be told `capacity` and when to come again. */
  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.stopping) reasons.push('stopping');
    if (!this.ports.bus.connected) reasons.push('the bus cannot be reached');
    return { ready: reasons.length === 0, reasons };
  }

  /** Lets every connection leave, also those that are being admitted (see `Departures`), until their owners know, or the deadline. */
  stop(deadlineMs: number): Promise<void> {
    this.stopping ??= this.drain(deadlineMs);
    return this.stopping;
  }

  createSecret(request: HttpRequest): Promise<HttpReply> {
    return this.secretEndpoint.answer(request);
  }

  async admit(request: UpgradeRequest): Promise<Admission> {
    const route = routeOf(request);
    if (!route) return this.refuse(404, 'path', `Connect to ${REALTIME_PATHS.join(' or ')}.`);
    const authentication = authenticate(route.key, request, this.config);
    if (authentication.kind === 'refused') return this.refuseKey(authentication);
    const { language } = route;
    const parley = language === 'parley';
    const refusal = this.refusalOf(request, parley);
    if (refusal) return refusal;
    const resume = parley ? resumeRequestOf(request.query) : { ok: true as const, request: undefined };
    if (!resume.ok) return this.refuse(400, 'query', resume.message, resume.param);
    // A conversation under way is none of the work that a late gateway leaves to others.
    const hasRoom = resume.request ? !this.intake.isFull : this.intake.hasRoom;
    if (!hasRoom) return this.refuse(503, 'capacity', 'The server is full.');
    this.opening++;
    const settle = once(() => this.opening--);
    try {
      return await this.decide({ request, language, authentication, resume: resume.request }, settle);
    } catch (error) {
      settle();
      throw error;
    }
  }

  /** `settle`: it is no longer opening. */
  private async decide(
    { request, language, authentication, resume }: Candidate,
    settle: () => void,
  ): Promise<Admission> {
    const parley = language === 'parley';
    const identity = await this.identify(authentication);
    if (identity.kind !== 'known') {
      settle();
      return identity.kind === 'unknown' ? this.refuseKey(UNKNOWN_KEY) : this.refuse(503, identity.kind, UNAVAILABLE);
    }
    const entry = await this.enter(request, parley, resume, identity.defaults);
    if (entry.kind !== 'entered') {
      settle();
      return this.refuse(503, entry.kind === 'full' ? 'capacity' : 'unavailable', UNAVAILABLE);
    }
    const { link, opening, resumption } = entry;
    return {
      kind: 'admitted',
      subprotocol: selectSubprotocol(request.subprotocols, language),
      open: (connection) => {
        settle();
        const options = { dialect: dialectOf(language), parley, binary: parley && request.query['audio'] === 'binary' };
        return this.open((onOver) => {
          const { greeting } = opening;
          return new ClientSession(this.ports, link, connection, options, greeting, resumption, this.ports.log, onOver);
        });
      },
      abandon: () => {
        settle();
        // Of a session that was there before, its client may be back.
        link.send({ kind: 'disconnected', reason: resumption ? 'lost' : 'client' }, 0, undefined);
        link.close();
      },
    };
  }

  private async identify(authentication: Exclude<Authentication, { kind: 'refused' }>): Promise<Identity> {
    if (authentication.kind === 'accepted') return { kind: 'known', defaults: undefined };
    const found = await this.secrets.find(authentication.secret, newTraceparent(this.ports.system.random));
    return found.kind === 'found' ? { kind: 'known', defaults: found.defaults } : found;
  }

  /** The session the client wants back, or a new one where that is over. */
  private async enter(
    request: UpgradeRequest,
    parley: boolean,
    resume: ResumeRequest | undefined,
    defaults: SessionDefaults | undefined,
  ): Promise<Entry> {
    const { random } = this.ports.system;
    if (resume) {
      const link = this.linkOf(resume.sessionId);
      const { token, received, lastEventId } = resume;
      const receivedOutSeq = outSeqOf(lastEventId);
      const connectionId = random.hex(16);
      const attached = await link.attach({ kind: 'resume', connectionId, token, received, receivedOutSeq });
      this.ports.telemetry.count('parley_resumes_total', { outcome: attached.kind });
      if (attached.kind === 'attached') {
        const { opening } = attached;
        return { kind: 'entered', link, opening, resumption: new Resumption(resume, opening) };
      }
      if (attached.kind !== 'gone') return attached;
      // It counts as opening already; only the lag is asked about.
      if (this.intake.isLate) return { kind: 'full' };
    }
    const link = this.linkOf(`sess_${random.hex(16)}`);
    const model = modelOf(request) ?? defaults?.model ?? null;
    const connection = { parley, model, ...(defaults ? { defaults: defaults.patch } : {}) };
    const attached = await link.attach({ kind: 'new', connection });
    if (attached.kind === 'gone') return { kind: 'unavailable' };
    return attached.kind === 'attached'
      ? { kind: 'entered', link, opening: attached.opening, resumption: undefined }
      : attached;
  }

  private linkOf(sessionId: SessionId): SessionLink {
    return new SessionLink(this.ports, this.incarnation, this.peers, sessionId, this.ports.log);
  }

  private open(create: (onOver: () => void) => ClientSession): ClientSession {
    const session: ClientSession = create(() => {
      this.sessions.delete(session);
      this.countSessions();
    });
    this.sessions.add(session);
    this.ports.telemetry.count('parley_sessions_total', { role: 'gateway' });
    this.countSessions();
    return session;
  }

  private refusalOf(request: UpgradeRequest, parley: boolean): Admission | undefined {
    const audio = parley ? request.query['audio'] : undefined;
    if (audio !== undefined && audio !== 'binary' && audio !== 'json') {
      return this.refuse(400, 'query', 'The query parameter "audio" is "json" or "binary".');
    }
    if (this.stopping) return this.refuse(503, 'stopping', 'The server is restarting.');
    return undefined;
  }

  private refuse(status: number, reason: string, message: string, param: string | null = null): Admission {
    this.countRefusal(reason);
    const retryAfterS = status === 503 ? this.retryAfterS(reason) : undefined;
    return { kind: 'refused', ...errorReply(status, { code: reason, message, param }, retryAfterS) };
  }

  private refuseKey(refused: Extract<Authentication, { kind: 'refused' }>): Admission {
    this.countRefusal('authentication');
    return { kind: 'refused', ...keyReply(refused) };
  }

  private countRefusal(reason: string): void {
    this.ports.telemetry.count('parley_connections_refused_total', { reason });
  }

  private retryAfterS(reason: string): number {
    const spreadS = reason === 'capacity' ? CAPACITY_SPREAD_S : RETRY_AFTER_S;
    return RETRY_AFTER_S + Math.floor(this.ports.system.random.fraction() * spreadS);
  }

  private async drain(deadlineMs: number): Promise<void> {
    const { clock, timers } = this.ports.system;
    this.intake.close();
    const untilMs = clock.nowMs() + deadlineMs;
    const departures = new Departures(this.ports.system, deadlineMs);
    departures.look(this.sessions);
    while (this.sessions.size + this.opening > 0 && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => timers.after(STOP_POLL_MS, resolve));
      departures.look(this.sessions);
    }
    this.stopPings?.();
    this.subscription?.unsubscribe();
    this.peers.close();
  }

  private countSessions(): void {
    this.ports.telemetry.gauge('parley_sessions_active', { role: 'gateway' }, this.sessions.size);
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}

/** The gateway over its ports. */
export const createGateway = (ports: GatewayPorts, config: GatewayConfig): GatewayService => new Gateway(ports, config);
