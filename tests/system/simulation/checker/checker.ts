import { ConnectionJudge } from './connection-judge';
import { askerOf, newestQuestion } from './names';
import type { Observation, ObservationOf } from './observation';
import { Outages } from './outages';
import { StoreJudge } from './store-judge';
import { Voices } from './voices';
import type { Invariant, Violation } from './violation';

/**
 * Judges G1–G6 after every observation, from outside alone: what clients sent and received, what model and voice were
 * asked and gave, and the bytes in the store. Keeps the first violation of each connection's story and goes on.
 */
export class Checker {
  readonly violations: Violation[] = [];
  private readonly outages = new Outages();
  private readonly store = new StoreJudge(this.outages);
  private readonly voices = new Voices();
  private readonly open = new Map<string, ConnectionJudge>();
  private readonly connectionOfCall = new Map<number, ConnectionJudge>();
  private nowMs = 0;

  constructor(private readonly instructions: string) {}

  observe(observation: Observation): void {
    this.nowMs = observation.atMs;
    switch (observation.kind) {
      case 'connected':
        return this.connected(observation);
      case 'sent':
        return this.open.get(observation.connection)?.sent(observation.event, observation.atMs);
      case 'said-again':
        return this.open.get(observation.connection)?.saidAgain(observation.event, observation.atMs);
      case 'lost':
        return this.open.get(observation.connection)?.lost(observation.atMs);
      case 'back':
        return this.open.get(observation.connection)?.back(observation);
      case 'received':
        return this.open.get(observation.connection)?.received(observation.event, observation.atMs);
      case 'audio':
        return this.open.get(observation.connection)?.audio(observation);
      case 'closed':
        this.open.get(observation.connection)?.closed(observation);
        return void this.open.delete(observation.connection);
      case 'vanished':
        return void this.open.delete(observation.connection);
      case 'slowed':
        return this.open.get(observation.connection)?.reads('slowly', observation.atMs);
      case 'caught-up':
        return this.open.get(observation.connection)?.reads('well', observation.atMs);
      case 'asked':
        return this.asked(observation);
      case 'answered':
        return this.connectionOfCall.get(observation.call)?.answered(observation);
      case 'hung-up':
        return this.connectionOfCall.get(observation.call)?.hungUp(observation.call, observation.atMs);
      case 'spoke':
        return this.voices.spoke(observation);
      case 'stored':
        return this.store.stored(observation, this.fail);
      case 'fault':
        return this.outages.observe(observation);
      case 'passed':
        for (const connection of this.open.values()) connection.passed(observation.atMs);
        return;
      case 'settled':
        for (const connection of this.open.values()) connection.finish();
    }
  }

  private readonly fail = (invariant: Invariant, message: string): void => {
    this.violations.push({ invariant, message, atMs: this.nowMs });
  };

  private connected(connected: ObservationOf<'connected'>): void {
    const { connection } = connected;
    const fail = (invariant: Invariant, message: string): void => this.fail(invariant, `${connection}: ${message}`);
    const { instructions, store, voices, outages } = this;
    this.open.set(connection, new ConnectionJudge(connected, { instructions, store, voices, outages }, fail));
  }

  /** Whose conversation it is says the text of the user. */
  private asked(asked: ObservationOf<'asked'>): void {
    const name = /^(c\d+\.\d+)t/.exec(askerOf(newestQuestion(asked.messages)))?.[1] ?? '';
    const connection = this.open.get(name);
    if (connection === undefined) return;
    this.connectionOfCall.set(asked.call, connection);
    connection.asked(asked);
  }
}
