import { decodeRecord } from '@parley/service-orchestrator';
import { z } from 'zod';
import type { ObservationOf, WireEvent } from './observation';
import type { Outages } from './outages';
import type { Fail } from './violation';

/** PROTOCOL.md §5: an event that an owner output stands for has its numbers in its id. */
const OWNER_EVENT = /^event_(\d+)_(\d+)/;

/** Of each owner's writes one in so many is read as a new owner would: all of them would take an eighth of the time of a seed. */
const READ_EVERY = 4;

/**
 * What an answer under way leads to, which a store that is away does not hold up: of its own events all but the first, and
 * what the gateway makes itself, which is named after the output before it.
 */
const GOES_ON =
  /^(response\.(?!created$|function_call)|conversation\.item\.(added|done)$|parley\.(state|turn\.metrics)$)/;
const GATEWAYS_OWN = /_a\d+n\d+$/;

/** What is judged of every write. */
const judged = z.object({
  outSeq: z.number(),
  engine: z.object({
    recentTurnIds: z.array(z.string()),
    history: z.array(z.object({ role: z.string(), text: z.string().optional() })),
  }),
});
type Judged = z.infer<typeof judged>;

interface Stored {
  epoch: number;
  rev: number;
  outSeq: number;
  turnIds: Set<string>;
  /** The last output that a client has heard of. */
  heardOutSeq: number;
}

/** What lies in the store: readable, of one writer at a time, and there before anybody hears of it. */
export class StoreJudge {
  private readonly sessions = new Map<string, Stored>();

  constructor(private readonly outages: Outages) {}

  stored({ sessionId, epoch, rev, state }: ObservationOf<'stored'>, fail: Fail): void {
    const before = this.of(sessionId);
    if (epoch < before.epoch || (epoch === before.epoch && rev <= before.rev)) {
      fail('store fenced-writer', `(${epoch}, ${rev}) over (${before.epoch}, ${before.rev}) of ${sessionId}`);
    }
    const read = rev % READ_EVERY === 1 ? decodeRecord(state) : skim(state);
    if (!read.ok) return fail('store readable', `${sessionId}: ${read.reason}`);
    const { record } = read;
    if (record.outSeq < before.outSeq) fail('store written-first', `outSeq of ${sessionId} went back`);
    for (const turnId of record.engine.recentTurnIds) before.turnIds.add(turnId);
    this.sessions.set(sessionId, { ...before, epoch, rev, outSeq: record.outSeq });
    judgeUsers(record, fail);
  }

  /** The first owner has epoch 1, and each takeover raises it. */
  takeovers(sessionId: string | undefined): number {
    return Math.max(1, this.sessions.get(sessionId ?? '')?.epoch ?? 1) - 1;
  }

  /** Nothing leaves before the write that holds it, but what goes on while the store is away. */
  received(sessionId: string, event: WireEvent, atMs: number, fail: Fail): void {
    const numbers = OWNER_EVENT.exec(String(event['event_id']));
    if (!numbers) return;
    const outSeq = Number(numbers[2]);
    const stored = this.of(sessionId);
    stored.heardOutSeq = Math.max(stored.heardOutSeq, outSeq);
    const goesOn = GOES_ON.test(event.type) || GATEWAYS_OWN.test(String(event['event_id']));
    const mayBeUnwritten = goesOn && this.outages.storeIsAway(atMs);
    if (outSeq > stored.outSeq && !mayBeUnwritten) fail('store written-first', `${event.type} left before its write`);
    if (event.type === 'parley.turn.accepted' && !stored.turnIds.has(String(event['turn_id']))) {
      fail('store written-first', `${String(event['turn_id'])} was accepted and is not in the store`);
    }
  }

  /** What left unwritten is written by whoever owns the session when the store is back. */
  finish(sessionId: string, fail: Fail): void {
    const { heardOutSeq, outSeq } = this.of(sessionId);
    if (heardOutSeq > outSeq) fail('store written-first', `output ${heardOutSeq} of ${sessionId} was never written`);
  }

  private of(sessionId: string): Stored {
    const known = this.sessions.get(sessionId);
    if (known) return known;
    const unknown: Stored = { epoch: 0, rev: 0, outSeq: 0, turnIds: new Set(), heardOutSeq: 0 };
    this.sessions.set(sessionId, unknown);
    return unknown;
  }
}

const decoder = new TextDecoder();

/** What is judged, without the rest. */
function skim(state: Uint8Array): { ok: true; record: Judged } | { ok: false; reason: string } {
  try {
    return { ok: true, record: judged.parse(JSON.parse(decoder.decode(state))) };
  } catch (error) {
    return { ok: false, reason: String(error) };
  }
}

/** Each text of a user is said once in a simulation, so it is stored once. */
function judgeUsers({ engine }: Judged, fail: Fail): void {
  const texts = engine.history.flatMap((item) => (item.role === 'user' ? [item.text] : []));
  if (new Set(texts).size < texts.length) fail('G3 turn-twice', 'a text of the user is stored twice');
}
