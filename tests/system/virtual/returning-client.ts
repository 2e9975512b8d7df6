import type { GatewayService } from '@parley/service-gateway';
import type { Arrival, WireEvent } from '../support/test-client';
import type { Stage, StagedClient } from './stage';

/** What a client that comes back still has of what arrived. */
export interface Memory {
  /** Nothing that arrived after this moment has reached it. */
  untilMs?: number;
  /** It was started anew and knows its token alone. */
  forgets?: true;
  /** Another token than its newest. */
  token?: unknown;
  audio?: 'binary' | 'json';
}

/** A client of `parley.v1` that resumes its session as PROTOCOL.md says, from what arrived at its sockets. */
export class ReturningClient {
  readonly connections: StagedClient[] = [];
  /** What reached it, over all connections. */
  readonly got: Arrival[] = [];
  private sent = 0;
  private readonly kept: { event_id: string; [field: string]: unknown }[] = [];

  constructor(private readonly stage: Stage) {}

  async connect(gateway: GatewayService, query: Record<string, string> = { audio: 'binary' }): Promise<void> {
    this.connections.push(await this.stage.connect(gateway, { query }));
  }

  get current(): StagedClient {
    const current = this.connections.at(-1);
    if (!current) throw new Error('never connected');
    return current;
  }

  /** Each event with an id, kept until it is known to be applied. */
  send(event: Record<string, unknown>): void {
    const kept = { event_id: `mine_${++this.sent}`, ...event };
    this.kept.push(kept);
    this.current.send(kept);
  }

  say(text: string, turnId: string): void {
    this.send({ type: 'parley.transcript.final', text, turn_id: turnId });
  }

  /** The socket breaks; the gateway notices. */
  drop(): void {
    this.current.listener?.onClosed(1006);
  }

  async resume(gateway: GatewayService, memory: Memory = {}): Promise<void> {
    const { untilMs = Infinity, forgets, audio = 'binary' } = memory;
    this.keep(untilMs);
    const token = String(memory.token ?? this.token);
    const statement = {
      ...(this.lastEventId === undefined ? {} : { last_event_id: this.lastEventId }),
      received: JSON.stringify(this.received(this.stage.system.nowMs)),
    };
    await this.connect(gateway, { audio, resume: token, ...(forgets ? {} : statement) });
    const session = this.current.events('parley.session')[0];
    const applied = this.kept.findIndex(({ event_id: id }) => id === session?.['last_client_event_id']);
    if (session?.['resumed'] === true && !forgets)
      for (const event of this.kept.slice(applied + 1)) this.current.send(event);
  }

  /** Everything that reached it until now, the newest connection included. */
  all(): Arrival[] {
    return [...this.got, ...(this.connections.at(-1)?.arrivals ?? [])];
  }

  events(type?: string): WireEvent[] {
    return this.all().flatMap((arrival) =>
      arrival.kind === 'event' && (type === undefined || arrival.event.type === type) ? [arrival.event] : [],
    );
  }

  get token(): unknown {
    return this.events('parley.session').at(-1)?.['resume_token'];
  }

  private keep(untilMs: number): void {
    this.got.push(...this.current.arrivals.splice(0).filter(({ atMs }) => atMs <= untilMs));
  }

  private get lastEventId(): string | undefined {
    return this.got.flatMap((arrival) => (arrival.kind === 'event' ? [arrival.event.event_id] : [])).at(-1);
  }

  /** Of every response it knows: more than it must say is allowed. */
  private received(nowMs: number): unknown[] {
    const known = new Map<string, { samples: number[]; heardMs: number; emptyAtMs: number; done: boolean }>();
    for (const arrival of this.got) {
      if (arrival.kind === 'event') {
        const response = arrival.event['response'] as { id: string } | undefined;
        if (arrival.event.type === 'response.created' && response)
          known.set(response.id, { samples: [], heardMs: 0, emptyAtMs: 0, done: false });
        if (arrival.event.type === 'response.done' && response)
          Object.assign(known.get(response.id) ?? {}, { done: true });
        continue;
      }
      const of = known.get(arrival.responseId);
      if (!of) continue;
      of.samples[arrival.segment] = (of.samples[arrival.segment] ?? 0) + arrival.samples;
      if (arrival.last) of.samples[arrival.segment + 1] ??= 0;
      of.emptyAtMs = Math.max(of.emptyAtMs, arrival.atMs) + arrival.samples / 24;
      of.heardMs += arrival.samples / 24;
    }
    return [...known].map(([id, { samples, heardMs, emptyAtMs, done }]) => ({
      response_id: id,
      samples,
      played_ms: Math.max(0, heardMs - Math.max(0, emptyAtMs - nowMs)),
      done,
    }));
  }
}
