import { fieldsOf } from '../../support/fields';
import { Ear } from '../checker/ear';
import { askerOf, newestQuestion } from '../checker/names';
import type { Observation, ObservationOf, WireEvent } from '../checker/observation';

/** What an answer is in the middle of. */
export const MOMENTS = [
  'before-first-token',
  'between-tokens',
  'audio-flowing',
  'generated-and-playing',
  'during-takeover',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** PROTOCOL.md §5: an event that an owner output stands for has its epoch in its id. */
const OWNER_EVENT = /^event_(\d+)_/;

/** Which worker will speak is seen when it is asked for the first words; a gateway is not hunted in so short a moment. */
const UNSEEN = ['tts before-first-token', 'tts during-takeover', 'gateway during-takeover'];

/** One session as it can be seen from outside: which answer is under way, how far it is, and who carries it. */
export class SeenSession {
  owner: string | undefined;
  /** Of the last write, and of the last event of an owner. */
  epochs = { stored: 0, told: 0 };
  /** The newest answer's. */
  responseId: string | undefined;
  texts: string[] = [];
  token = false;
  audible = false;
  live = false;
  /** Processes that were killed while they carried this answer, and when the last of them was. */
  kills = 0;
  killedMs = Number.NEGATIVE_INFINITY;
  readonly ear = new Ear();

  /** `gateway`: the process that carries its socket. */
  constructor(public gateway: string) {}

  begins(responseId: string): void {
    if (this.responseId === responseId) return;
    Object.assign(this, { responseId, texts: [], audible: false, live: true, kills: 0 });
  }

  /** Undefined when nothing is under way. */
  momentAt(nowMs: number): Moment | undefined {
    if (!this.live) return this.ear.queuedMs(nowMs) > 0 ? 'generated-and-playing' : undefined;
    if (this.epochs.told > 0 && this.epochs.stored > this.epochs.told) return 'during-takeover';
    if (this.audible) return 'audio-flowing';
    return this.token ? 'between-tokens' : 'before-first-token';
  }
}

/** All sessions, for whoever wants to kill a process at a certain moment, and what was hit at each kill. */
export class Sight {
  /** Of each kind of kill, how many answers it hit in which moment. */
  readonly hits = new Map<string, number>(
    ['orchestrator', 'tts', 'gateway']
      .flatMap((role) => [...MOMENTS.map((moment) => `${role} ${moment}`), `${role} twice-in-a-row`])
      .concat('both at-once')
      .filter((name) => !UNSEEN.includes(name))
      .map((name) => [name, 0]),
  );
  private readonly open = new Map<string, SeenSession>();
  private readonly connectionOf = new Map<string, string>();
  private readonly sessionOfCall = new Map<number, SeenSession>();
  /** Which process speaks a text, as it was asked last. */
  private readonly speaker = new Map<string, string>();

  get sessions(): Iterable<SeenSession> {
    return this.open.values();
  }

  /** The voice worker that speaks the newest segment of its answer that anybody was asked for. */
  voiceOf({ texts }: SeenSession): string | undefined {
    const spoken = texts.findLast((text) => this.speaker.has(text));
    return spoken === undefined ? undefined : this.speaker.get(spoken);
  }

  observe(seen: Observation): void {
    switch (seen.kind) {
      case 'connected':
        return void this.open.set(seen.connection, new SeenSession(seen.gateway));
      case 'back': {
        const session = this.open.get(seen.connection);
        if (session) session.gateway = seen.gateway;
        return;
      }
      case 'closed':
      case 'vanished':
        return void this.open.delete(seen.connection);
      case 'received':
        return this.received(seen);
      case 'audio': {
        const session = this.open.get(seen.connection);
        session?.ear.arrived(seen.responseId, seen.samples / 24, seen.atMs);
        if (session && seen.samples > 0) session.audible = true;
        return;
      }
      case 'asked': {
        const name = /^(c\d+\.\d+)t/.exec(askerOf(newestQuestion(seen.messages)))?.[1] ?? '';
        const session = this.open.get(name);
        if (session === undefined) return;
        this.sessionOfCall.set(seen.call, session);
        session.token = false;
        return;
      }
      case 'answered': {
        const session = this.sessionOfCall.get(seen.call);
        if (session) session.token = true;
        return;
      }
      case 'spoke':
        return void this.speaker.set(seen.text, seen.process);
      case 'stored': {
        const session = this.open.get(this.connectionOf.get(seen.sessionId) ?? '');
        if (session === undefined) return;
        session.owner = seen.process;
        session.epochs.stored = seen.epoch;
        return;
      }
      // Nothing of these tells where an answer stands.
      case 'caught-up':
      case 'fault':
      case 'hung-up':
      case 'passed':
      case 'sent':
      case 'settled':
      case 'slowed':
      case 'lost':
      case 'said-again':
    }
  }

  /** Called right before a process is killed. */
  killed(process: string, nowMs: number): void {
    for (const session of this.open.values()) {
      const moment = session.momentAt(nowMs);
      const role = this.roleOf(process, session);
      if (moment === undefined || role === undefined) continue;
      this.count(`${role} ${moment}`);
      if (session.killedMs === nowMs) this.count('both at-once');
      else if (session.kills > 0) this.count(`${role} twice-in-a-row`);
      session.kills++;
      session.killedMs = nowMs;
    }
  }

  private roleOf(process: string, session: SeenSession): 'orchestrator' | 'gateway' | 'tts' | undefined {
    if (session.owner === process) return 'orchestrator';
    if (session.gateway === process) return 'gateway';
    return this.voiceOf(session) === process ? 'tts' : undefined;
  }

  private received({ connection, event, atMs }: ObservationOf<'received'>): void {
    const session = this.open.get(connection);
    if (session === undefined) return;
    const epoch = Number(OWNER_EVENT.exec(String(event['event_id']))?.[1] ?? 0);
    session.epochs.told = Math.max(session.epochs.told, epoch);
    const named = event['response_id'] ?? fieldsOf(event['response'])['id'];
    if (typeof named === 'string') this.ofResponse(session, event, named, atMs);
    else if (event.type === 'session.created') {
      this.connectionOf.set(String(fieldsOf(event['session'])['id']), connection);
      session.epochs.stored = session.epochs.told;
    }
  }

  private ofResponse(session: SeenSession, event: WireEvent, responseId: string, atMs: number): void {
    switch (event.type) {
      case 'parley.turn.accepted':
        // One that waits is not under way.
        return event['queued'] === true ? undefined : session.begins(responseId);
      case 'response.created':
        return session.begins(responseId);
      case 'response.output_audio_transcript.delta':
        return void session.texts.push(String(event['delta']).trim());
      case 'response.done':
        session.live = false;
        return session.ear.finished(responseId, atMs);
      case 'parley.response.interrupted':
        return session.ear.drop(responseId, atMs);
    }
  }

  private count(hit: string): void {
    const before = this.hits.get(hit);
    if (before !== undefined) this.hits.set(hit, before + 1);
  }
}
