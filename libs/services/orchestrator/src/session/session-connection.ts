import type { Incarnation, InputMessage, InputNumber, InputReply, Opening, SessionId } from '@parley/model';
import type { RandomPort } from '@parley/ports';
import type { PeerWatch } from '@parley/service-link';
import type { Welcome } from '@parley/turn-engine';
import { InputLedger } from './input-ledger';
import { PendingOpening } from './pending-opening';
import type { Connection, ResumeTokens, SessionRecord } from './session-record';

type Reply = (reply: InputReply) => void;

/** What is stored of the connection. */
type Stored = Pick<SessionRecord, 'connection' | 'resume' | 'lastClientEventId'>;

/** A connection that takes the session over from an older one. */
export interface Successor {
  gateway: Incarnation;
  connectionId: string;
  attachment: number;
}

const SECRET_BYTES = 16;

/** Names its session, so that a gateway knows whom to ask. */
export const newResumeToken = (sessionId: SessionId, random: RandomPort): string =>
  `${sessionId}.${random.hex(SECRET_BYTES)}`;

/** A token is good until its successor is used: the answer that brought that one may have been lost. */
export const isValidToken = (resume: ResumeTokens | null, token: string): boolean =>
  resume !== null && (token === resume.token || token === resume.previous);

/** The client connection that inputs come from: their order, their answers, and who may take its place. */
export class SessionConnection {
  private connection: Connection;
  private resume: ResumeTokens | null;
  private lastClientEventId: string | null;
  private ledger: InputLedger;
  private unanswered: { seq: number; reply: Reply }[] = [];
  private unwatchGateway: () => void;
  private pendingOpening = new PendingOpening();

  constructor(
    stored: Stored,
    private readonly peers: PeerWatch,
    private readonly onGatewayLost: () => void,
  ) {
    this.connection = stored.connection;
    this.resume = stored.resume;
    this.lastClientEventId = stored.lastClientEventId;
    this.ledger = new InputLedger(stored.connection.attachment, stored.connection.lastSeq);
    this.unwatchGateway = this.watch();
  }

  get attachment(): number {
    return this.ledger.currentAttachment;
  }

  /** The newest input that is or will be applied. */
  get lastInput(): InputNumber {
    return this.ledger.lastInput;
  }

  get stored(): Stored {
    return { connection: this.connection, resume: this.resume, lastClientEventId: this.lastClientEventId };
  }

  get welcome(): Omit<Welcome, 'resumed'> {
    return { resumeToken: this.resume?.token ?? '', lastClientEventId: this.lastClientEventId };
  }

  /** What it begins with, once that is stored. */
  get opening(): Promise<Opening | undefined> {
    return this.pendingOpening.opening;
  }

  opened(opening: Opening): void {
    this.pendingOpening.settle(opening);
  }

  /** True for one that is to be applied now; any other is answered here, or with that one. */
  receive({ attachment, seq }: InputMessage, reply: Reply): boolean {
    const verdict = this.ledger.judge({ attachment, seq });
    if (verdict.kind === 'answer') reply(verdict.reply);
    else this.unanswered.push({ seq, reply });
    return verdict.kind === 'next';
  }

  /** The input is applied, and stored with the next write. */
  applied({ attachment, seq }: InputNumber, clientEventId: string | undefined): void {
    this.lastClientEventId = clientEventId ?? this.lastClientEventId;
    // One of the connection before may be applied behind its back.
    if (attachment === this.attachment) this.connection = { ...this.connection, lastSeq: seq };
  }

  /** The write that holds what was applied until then is confirmed. */
  confirm({ attachment, lastSeq }: Connection): void {
    if (attachment !== this.attachment) return;
    this.ledger.confirm(lastSeq);
    const answered = this.unanswered.filter(({ seq }) => seq <= lastSeq);
    this.unanswered = this.unanswered.filter(({ seq }) => seq > lastSeq);
    for (const { reply } of answered) reply({ kind: 'applied', seq: lastSeq });
  }

  isNamed(connectionId: string): boolean {
    return this.connection.connectionId === connectionId;
  }

  admits(token: string): boolean {
    return isValidToken(this.resume, token);
  }

  /** `used`: the token it came with. What the older connection waits for it will not hear from this session. */
  replaceWith({ gateway, connectionId, attachment }: Successor, used: string, next: string): void {
    this.connection = { attachment, lastSeq: 0, gateway, connectionId };
    this.resume = { token: next, previous: used };
    this.ledger = new InputLedger(attachment, 0);
    this.unanswered = [];
    this.pendingOpening.settle(undefined);
    this.pendingOpening = new PendingOpening();
    this.watchAgain();
  }

  /** The gateway was lost, or taken for lost. */
  watchAgain(): void {
    this.unwatchGateway();
    this.unwatchGateway = this.watch();
  }

  close(): void {
    this.unwatchGateway();
    this.pendingOpening.settle(undefined);
  }

  private watch(): () => void {
    return this.peers.watch(this.connection.gateway, this.onGatewayLost, 'until-silent');
  }
}
