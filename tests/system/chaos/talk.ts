import type { RandomPort } from '@parley/ports';
import { fieldsOf } from '../support/fields';
import { Refused, TestClient, type WireEvent } from '../support/test-client';
import { Ear } from './ear';
import type { Asked, Recording } from './judge';
import { Memory } from './memory';
import { answerOf, questionOf, turnIdOf } from './story';
import { sleep } from '../support/sleep';

const LOOK_EVERY_MS = 10;
const REPORT_EVERY_MS = 200;
/** The model's own deadline is 20 s; with that of a voice and a fail-over everything has an end by then. */
const TURN_TIMEOUT_MS = 45_000;
/** One try at once, and then for as long as a gateway may take to be started again. */
const RESUME_TRIES = 8;
const RESUME_PAUSE_MS = 100;
const RESUMED_TIMEOUT_MS = 3_000;

export interface TalkOptions {
  talk: number;
  turns: number;
  /** Of each answer. */
  sentences: number;
  /** Tells the server what was played, or leaves that to the server's reckoning. */
  reports: boolean;
  /** Leaves a gateway that says it stops; the others wait to be closed. */
  moves: boolean;
  /** The last turn is interrupted. */
  interrupts: boolean;
  /** With silence for so long in mid-turn it asks for a sign of life, and gives the link up when none comes in as much again. */
  patienceMs: number | undefined;
  /** Where to connect; after a loss, the next one. */
  addresses: readonly string[];
  random: RandomPort;
}

/** Of the time that a gateway which stops gives its clients: they leave at a moment in the first half. */
const MOVE_SHARE = 0.5;

/** A session that came back: after how long, at which try. */
export interface Resume {
  ms: number;
  tries: number;
}

/** A turn under way at the client. */
class CurrentTurn {
  acceptedMs: number | undefined;
  responseId: string | undefined;
  isOver = false;
  interruptAtMs: number | undefined;
  reportedAtMs = 0;
  /** Of the response, once it is known. */
  ear = new Ear();

  constructor(
    readonly turnId: string,
    readonly askedMs: number,
    readonly willBeInterrupted: boolean,
  ) {}

  get isAudible(): boolean {
    return this.ear.playedMs(Infinity) > 0;
  }

  isHeard(nowMs: number): boolean {
    return this.isOver && this.ear.queuedMs(nowMs) === 0;
  }
}

/** A conversation from outside: asks, listens to the end, asks again, and resumes when the line is lost. */
export class Talk {
  readonly recording: Omit<Recording, 'prompts'> & { asked: Asked[]; connections: TestClient['arrivals'][] } = {
    asked: [],
    connections: [],
  };
  readonly resumes: Resume[] = [];
  /** Upgrades that were not granted. */
  readonly refusals: Refused[] = [];
  /** Why it ended before its last turn. */
  lostBecause: string | undefined;
  sessionId: string | undefined;
  current: CurrentTurn | undefined;
  private client: TestClient | undefined;
  private readonly memory = new Memory();
  private seen = 0;
  private lastArrivalMs = 0;
  private pingedMs: number | undefined;
  /** The gateway stops, and this client leaves it then. */
  private moveAtMs = Infinity;
  private addressAt: number;
  /** What was sent and must arrive, oldest first. */
  private readonly sent: { id: string; event: Record<string, unknown> }[] = [];

  constructor(private readonly options: TalkOptions) {
    this.addressAt = options.talk;
  }

  get number(): number {
    return this.options.talk;
  }

  get isConnected(): boolean {
    return this.sessionId !== undefined && this.client?.closed === undefined;
  }

  get addresses(): readonly string[] {
    return this.options.addresses;
  }

  /** The one that carries its socket. */
  get address(): string {
    const { addresses } = this;
    return addresses[this.addressAt % addresses.length] ?? '';
  }

  /** The whole conversation; `isOver` ends it after the turn under way. */
  async hold(isOver: () => boolean): Promise<void> {
    const { talk, turns } = this.options;
    try {
      await this.connectSomewhere();
      for (let turn = 1; turn <= turns && !isOver(); turn++) await this.take(talk, turn, turn === turns);
    } catch (error) {
      this.lostBecause = error instanceof Error ? error.message : String(error);
    } finally {
      this.current = undefined;
      await this.client?.close().catch(() => undefined);
    }
  }

  /** As a load balancer would: where one gateway is away, at the next. */
  private async connectSomewhere(): Promise<void> {
    try {
      await this.connect('');
    } catch {
      this.addressAt++;
      await this.connect('');
    }
  }

  private async connect(query: string): Promise<WireEvent> {
    const client = await TestClient.connect({ url: this.address, query }).catch((error: unknown) => {
      if (error instanceof Refused) this.refusals.push(error);
      throw error;
    });
    this.client = client;
    this.seen = 0;
    this.pingedMs = undefined;
    this.moveAtMs = Infinity;
    this.recording.connections.push(client.arrivals);
    const session = await client.waitForType('parley.session', RESUMED_TIMEOUT_MS);
    this.sessionId = String(session['session_id']);
    this.lastArrivalMs = performance.now();
    return session;
  }

  private async take(talk: number, turn: number, isLast: boolean): Promise<void> {
    const { random, interrupts, sentences } = this.options;
    const current = new CurrentTurn(turnIdOf({ talk, turn }), performance.now(), interrupts && isLast);
    const place = { talk, turn };
    const asked = {
      turnId: current.turnId,
      askedMs: current.askedMs,
      question: questionOf(place),
      answer: answerOf(place, sentences),
      interrupted: false,
    };
    this.recording.asked.push(asked);
    this.current = current;
    this.send({ type: 'parley.transcript.final', turn_id: current.turnId, text: asked.question });
    while (!current.isHeard(performance.now())) {
      await sleep(LOOK_EVERY_MS);
      this.hear();
      if (this.isLineLost()) await this.resume();
      const nowMs = performance.now();
      if (nowMs > current.askedMs + TURN_TIMEOUT_MS) throw new Error('the turn did not end');
      if (current.willBeInterrupted && current.isAudible)
        current.interruptAtMs ??= nowMs + 500 + random.fraction() * 5_000;
      if (nowMs >= (current.interruptAtMs ?? Infinity) && !asked.interrupted && !current.isOver) {
        asked.interrupted = true;
        this.send({ type: 'parley.interrupt', response_id: current.responseId });
      }
      this.report(current, nowMs);
    }
    this.report(current, performance.now());
    await sleep(random.fraction() * 400);
  }

  private send(event: Record<string, unknown>): void {
    const id = `${this.options.talk}-${this.sent.length}`;
    this.sent.push({ id, event: { event_id: id, ...event } });
    this.client?.send({ event_id: id, ...event });
  }

  /** Takes what has arrived since the last look. */
  private hear(): void {
    const arrivals = this.client?.arrivals ?? [];
    for (; this.seen < arrivals.length; this.seen++) {
      const arrival = arrivals[this.seen];
      if (!arrival) break;
      this.lastArrivalMs = arrival.atMs;
      this.pingedMs = undefined;
      this.memory.take(arrival);
      if (arrival.kind === 'event') this.prepareToMove(arrival.event, arrival.atMs);
      if (arrival.kind === 'event' && this.current) this.react(this.current, arrival.event, arrival.atMs);
    }
  }

  private prepareToMove(event: WireEvent, atMs: number): void {
    if (event.type !== 'parley.going_away' || !this.options.moves) return;
    this.moveAtMs = atMs + Number(event['reconnect_within_ms']) * MOVE_SHARE * this.options.random.fraction();
  }

  private react(current: CurrentTurn, event: WireEvent, atMs: number): void {
    const responseId = event['response_id'] ?? fieldsOf(event['response'])['id'];
    if (event.type === 'parley.turn.accepted' && event['turn_id'] === current.turnId) {
      current.acceptedMs ??= atMs;
      current.responseId = String(responseId);
      current.ear = this.memory.earOf(current.responseId);
    } else if (event.type === 'error') {
      const error = fieldsOf(event['error']);
      // Refused: it will not be accepted any more. A repetition after a loss is refused because it is one.
      const isOwn = error['event_id'] === this.sent.at(-1)?.id;
      if (isOwn && current.acceptedMs === undefined && error['code'] !== 'turn_duplicate') current.isOver = true;
    } else if (responseId === current.responseId) {
      if (event.type === 'response.done' || event.type === 'parley.response.interrupted') current.isOver = true;
    }
  }

  private report(current: CurrentTurn, nowMs: number): void {
    const { responseId, ear } = current;
    if (!this.options.reports || !current.isAudible) return;
    const ended = current.isHeard(nowMs);
    if (!ended && nowMs < current.reportedAtMs + REPORT_EVERY_MS) return;
    current.reportedAtMs = nowMs;
    const played = { response_id: responseId, played_ms: Math.floor(ear.playedMs(nowMs)) };
    this.client?.send({ type: 'parley.playback', ...played, ...(ended ? { ended } : {}) });
  }

  private isLineLost(): boolean {
    if (this.client?.closed || performance.now() >= this.moveAtMs) return true;
    const { patienceMs } = this.options;
    if (patienceMs === undefined) return false;
    const nowMs = performance.now();
    if (this.pingedMs === undefined) {
      if (nowMs < this.lastArrivalMs + patienceMs) return false;
      this.pingedMs = nowMs;
      this.client?.send({ type: 'parley.ping' });
      return false;
    }
    return nowMs > this.pingedMs + patienceMs;
  }

  /** One try at once, at another address; then again with a pause. */
  private async resume(): Promise<void> {
    const lostMs = performance.now();
    for (let attempt = 1; attempt <= RESUME_TRIES; attempt++) {
      await this.letGo();
      const query = this.memory.resumeQuery(performance.now());
      if (query === undefined) throw new Error('the line was lost, and no resume token had been given');
      this.addressAt++;
      const session = await this.connect(query).catch(() => undefined);
      if (session?.['resumed'] === false) throw new Error('the session was not resumed');
      if (session) {
        this.resumes.push({ ms: performance.now() - lostMs, tries: attempt });
        return this.sendAgain(session['last_client_event_id']);
      }
      await sleep(RESUME_PAUSE_MS * (1 + this.options.random.fraction()));
    }
    throw new Error('the session could not be resumed');
  }

  /** A socket hands over what it had received until it is closed: what the client states must hold all of that. */
  private async letGo(): Promise<void> {
    this.client?.socket.terminate();
    await this.client?.waitClosed();
    this.hear();
  }

  /** What came after the last event that the server has applied. */
  private sendAgain(lastApplied: unknown): void {
    const from = this.sent.findIndex(({ id }) => id === lastApplied) + 1;
    for (const { event } of this.sent.slice(from)) this.client?.send(event);
  }
}
