import type { RandomPort } from '@parley/ports';
import type { Refused } from '../support/test-client';
import { orderFaults } from '../support/response-order';
import { judge, type Prompt, type TurnVerdict } from './judge';
import { SAMPLES_PER_CHARACTER } from './scene';
import { Talk, type Resume } from './talk';
import { sleep } from '../support/sleep';

const AFTER_LOSS_MS = 500;
const LOOK_EVERY_MS = 50;

export interface CrowdOptions {
  size: number;
  /** Its talks have numbers above this one. */
  above?: number;
  /** They begin one after the other within so many ms, so that turns are at all their moments at any time. */
  spreadMs: number;
  turnsPerTalk: number;
  /** Of each answer. */
  sentences: number;
  random: RandomPort;
  patienceMs: number | undefined;
  /** Where the talks of one place connect, one after the other. */
  addressesOf(place: number): readonly string[];
  /** What the model was asked with in this turn. */
  promptsOf(turnId: string): readonly Prompt[];
}

/** A turn when all is over. */
export interface JudgedTurn extends TurnVerdict {
  talk: number;
  interrupted: boolean;
}

/** For want of room; whoever is refused for another reason complains. */
const isTurnedAway = ({ sessionId, refusals }: Talk): boolean =>
  sessionId === undefined && refusals.length > 0 && refusals.every(({ code }) => code === 'capacity');

/** So many conversations at any time: where one ends another begins. */
export class Crowd {
  readonly judged: JudgedTurn[] = [];
  readonly resumes: Resume[] = [];
  /** What those were told who were not let in. */
  readonly refusals: Refused[] = [];
  /** Why talks ended early, and what came out of order: how often each. */
  readonly complaints = new Map<string, number>();
  private readonly running = new Map<number, Talk>();
  private isOver = false;
  private begun: number;
  private places: Promise<void>[] = [];

  constructor(private readonly options: CrowdOptions) {
    this.begun = options.above ?? 0;
  }

  get talks(): Talk[] {
    return [...this.running.values()];
  }

  start(): void {
    this.places = Array.from({ length: this.options.size }, (_, place) => this.fill(place));
  }

  /** Resolves when the turns under way have ended and are judged. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.places);
  }

  private async fill(place: number): Promise<void> {
    const { size, random, patienceMs, addressesOf, spreadMs, turnsPerTalk, sentences } = this.options;
    await sleep((place * spreadMs) / size);
    while (!this.isOver) {
      const number = ++this.begun;
      const habits = {
        reports: number % 2 === 0,
        interrupts: number % 4 < 2,
        moves: number % 3 > 0,
        turns: turnsPerTalk,
        sentences,
        patienceMs,
        random,
      };
      const talk = new Talk({ talk: number, addresses: addressesOf(place), ...habits });
      this.running.set(number, talk);
      await talk.hold(() => this.isOver);
      this.running.delete(number);
      this.take(talk);
      const waitMs = (talk.refusals.at(-1)?.retryAfterS ?? 0) * 1_000;
      if (isTurnedAway(talk)) await this.waitOutside(waitMs);
      // Where nobody listens at the moment the next one would be refused as fast as this one.
      else if (talk.lostBecause !== undefined) await sleep(AFTER_LOSS_MS);
    }
  }

  private async waitOutside(ms: number): Promise<void> {
    for (const endMs = performance.now() + ms; performance.now() < endMs && !this.isOver;) await sleep(LOOK_EVERY_MS);
  }

  private take(talk: Talk): void {
    const { number, recording, lostBecause, resumes, refusals } = talk;
    this.refusals.push(...refusals);
    if (isTurnedAway(talk)) return;
    const interrupted = new Map(recording.asked.map((asked) => [asked.turnId, asked.interrupted]));
    const prompts = new Map(recording.asked.map(({ turnId }) => [turnId, this.options.promptsOf(turnId)]));
    for (const verdict of judge({ ...recording, prompts }, SAMPLES_PER_CHARACTER)) {
      this.judged.push({ ...verdict, talk: number, interrupted: interrupted.get(verdict.turnId) ?? false });
    }
    this.resumes.push(...resumes);
    if (lostBecause !== undefined) return this.complain(lostBecause);
    const [only, ...others] = recording.connections;
    // Of one connection the order of events is known from the page; where a resumed one begins is not.
    if (only && others.length === 0) orderFaults(only).forEach((fault) => this.complain(fault));
  }

  private complain(complaint: string): void {
    const kind = complaint.replace(/\b(resp|evt|event|sess)_\w+/g, '$1_…');
    this.complaints.set(kind, (this.complaints.get(kind) ?? 0) + 1);
  }
}
