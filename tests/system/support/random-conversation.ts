import type { LogEntry } from './judge';
import { sleep } from './sleep';
import { TestClient } from './test-client';

/** How a client reports its playback. */
export type ReportingHabit = 'honest' | 'silent' | 'too-much' | 'backwards' | 'stops';

export type TurnPlan = 'complete' | 'interrupt-playing' | 'interrupt-after-done' | 'interrupt-before-audio';

const REPORT_MS = 100;

/** mulberry32: small, seeded, good enough to vary a test. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Plays what arrives in real time, one response after the other, and reports its position as its habit is. */
class Ear {
  private readonly playedMs = new Map<string, number>();
  private readonly order: string[] = [];
  private readonly dropped = new Set<string>();
  private seen = 0;
  private lastMs = performance.now();

  constructor(
    private readonly client: TestClient,
    private readonly habit: ReportingHabit,
    private readonly random: () => number,
    private readonly send: (event: Record<string, unknown>) => void,
  ) {}

  tick(): void {
    this.advance();
    const current = this.current();
    if (current !== undefined) this.report(current);
  }

  /** The position right now, for the report that goes before an interrupt. */
  reportNow(): void {
    this.advance();
    const current = this.current() ?? this.order.filter((id) => !this.dropped.has(id)).at(-1);
    if (current !== undefined && this.habit === 'honest') this.sendPosition(current, this.played(current));
  }

  /** The client flushes its buffers when it interrupts. */
  flush(): void {
    for (const id of this.order) this.dropped.add(id);
  }

  isPlayed(responseId: string): boolean {
    this.advance();
    return this.played(responseId) >= this.availableMs(responseId) - 1;
  }

  private report(id: string): void {
    const played = this.played(id);
    if (this.habit === 'honest') this.sendPosition(id, played);
    if (this.habit === 'too-much') this.sendPosition(id, played + 5_000);
    if (this.habit === 'backwards') this.sendPosition(id, this.random() < 0.3 ? played / 2 : played);
    if (this.habit === 'stops' && played < 400) this.sendPosition(id, played);
  }

  private sendPosition(responseId: string, playedMs: number): void {
    const ended =
      this.habit === 'honest' && this.isDone(responseId) && playedMs >= this.availableMs(responseId) - 0.001;
    const position = Math.floor(playedMs);
    this.send({ type: 'parley.playback', response_id: responseId, played_ms: position, ...(ended ? { ended } : {}) });
  }

  private advance(): void {
    for (const arrival of this.client.arrivals.slice(this.seen)) {
      if (arrival.kind !== 'audio' || this.order.includes(arrival.responseId)) continue;
      this.order.push(arrival.responseId);
    }
    this.seen = this.client.arrivals.length;
    const nowMs = performance.now();
    let budgetMs = nowMs - this.lastMs;
    this.lastMs = nowMs;
    for (const id of this.order) {
      if (this.dropped.has(id)) continue;
      const stepMs = Math.min(budgetMs, this.availableMs(id) - this.played(id));
      this.playedMs.set(id, this.played(id) + stepMs);
      budgetMs -= stepMs;
      if (budgetMs <= 0 || !this.isDone(id)) return;
    }
  }

  private current(): string | undefined {
    return this.order.find((id) => !this.dropped.has(id) && this.played(id) < this.availableMs(id));
  }

  private isDone(id: string): boolean {
    return this.client.events().some((event) => event.type === 'response.done' && idOf(event['response']) === id);
  }

  private availableMs(id: string): number {
    return this.client.receivedSamples(id) / 24;
  }

  private played(id: string): number {
    return this.playedMs.get(id) ?? 0;
  }
}

const idOf = (response: unknown): string | undefined =>
  typeof response === 'object' && response !== null && 'id' in response ? String(response.id) : undefined;

export interface ConversationResult {
  log: LogEntry[];
  /** Turns whose id was repeated, and got its error and nothing else. */
  repeated: number;
}

/** Runs one conversation of the planned turns and returns everything that was sent and came. */
export async function converse(
  url: string,
  session: number,
  habit: ReportingHabit,
  plans: readonly TurnPlan[],
  random: () => number,
): Promise<ConversationResult> {
  const client = await TestClient.connect({ url });
  const sent: { at: number; entry: LogEntry }[] = [];
  const send = (event: Record<string, unknown>): void => {
    // An entry knows its place among the arrivals.
    sent.push({ at: client.arrivals.length, entry: { kind: 'sent', atMs: performance.now(), event } });
    client.send(event);
  };
  const ear = new Ear(client, habit, random, send);
  const timer = setInterval(() => ear.tick(), REPORT_MS);
  let repeated = 0;
  try {
    for (const [turn, plan] of plans.entries()) {
      repeated += await runTurn(client, ear, send, plan, `s${session} t${turn}`, random);
    }
    await client.waitFor('listening', () => lastState(client) === 'listening', 20_000);
  } finally {
    clearInterval(timer);
    await client.close();
  }
  return { log: merge(client, sent), repeated };
}

const lastState = (client: TestClient): unknown =>
  client.events().findLast((event) => event.type === 'parley.state')?.['state'];

async function runTurn(
  client: TestClient,
  ear: Ear,
  send: (event: Record<string, unknown>) => void,
  plan: TurnPlan,
  name: string,
  random: () => number,
): Promise<number> {
  const from = client.arrivals.length;
  const turnId = `turn ${name}`;
  const transcript = { type: 'parley.transcript.final', turn_id: turnId, text: `question ${name}` };
  send(transcript);
  if (plan === 'interrupt-before-audio') {
    await sleep(random() * 8);
    return interruptTurn(client, ear, send, from, random);
  }
  const accepted = await client.waitFor(
    'acceptance',
    (e) => e.type === 'parley.turn.accepted' && e['turn_id'] === turnId,
  );
  const responseId = String(accepted['response_id']);
  const repeats = random() < 0.2;
  if (repeats) {
    send(transcript);
    await client.waitFor('turn_duplicate', (e) => codeOf(e) === 'turn_duplicate', 5_000, from);
  }
  await client.waitUntil('first audio', () => client.receivedSamples(responseId) > 0, 20_000);
  if (plan === 'interrupt-playing') {
    await sleep(20 + random() * 500);
    await interruptTurn(client, ear, send, from, random);
  } else {
    await client.waitFor(
      'response.done',
      (e) => e.type === 'response.done' && idOf(e['response']) === responseId,
      30_000,
    );
    if (plan === 'interrupt-after-done') {
      await sleep(random() * 150);
      await interruptTurn(client, ear, send, from, random);
      // Some go on while the last answer still plays, most wait for its end.
    } else if (random() < 0.8) {
      await client.waitUntil('listening', () => lastState(client) === 'listening', 30_000);
    }
  }
  return repeats ? 1 : 0;
}

async function interruptTurn(
  client: TestClient,
  ear: Ear,
  send: (event: Record<string, unknown>) => void,
  from: number,
  random: () => number,
): Promise<number> {
  ear.reportNow();
  send({ type: 'parley.interrupt' });
  ear.flush();
  const answered = (event: { type: string }): boolean =>
    event.type === 'parley.response.interrupted' || codeOf(event) === 'nothing_to_interrupt';
  // Half of the clients go on at once, without the confirmation.
  if (random() < 0.5) await client.waitFor('the interrupt to be answered', answered, 5_000, from);
  return 0;
}

const codeOf = (event: { type: string; error?: unknown }): unknown =>
  event.type === 'error' && typeof event.error === 'object' && event.error !== null && 'code' in event.error
    ? event.error.code
    : undefined;

function merge(client: TestClient, sent: readonly { at: number; entry: LogEntry }[]): LogEntry[] {
  const log: LogEntry[] = [];
  let next = 0;
  client.arrivals.forEach((arrival, index) => {
    for (; next < sent.length; next++) {
      const each = sent[next];
      if (!each || each.at > index) break;
      log.push(each.entry);
    }
    log.push(arrival);
  });
  return [...log, ...sent.slice(next).map((each) => each.entry)];
}
