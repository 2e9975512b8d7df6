import { decodeRecord } from '@parley/service-orchestrator';
import { z } from 'zod';
import type { ObservationOf, WireEvent } from './observation';
import type { Fail } from './violation';

/** PROTOCOL.md §5: an event that an owner output stands for has its numbers in its id. */
const OWNER_EVENT = /^event_(\d+)_(\d+)/;

/** Of each owner's writes one in so many is read as a new owner would: all of them would take an eighth of the time of a seed. */
const READ_EVERY = 4;

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
}

/** What lies in the store: readable, of one writer at a time, and there before anybody hears of it. */
export class StoreJudge {
  private readonly sessions = new Map<string, Stored>();

  stored({ sessionId, epoch, rev, state }: ObservationOf<'stored'>, fail: Fail): void {
    const before = this.sessions.get(sessionId) ?? { epoch: 0, rev: 0, outSeq: 0, turnIds: new Set() };
    if (epoch < before.epoch || (epoch === before.epoch && rev <= before.rev)) {
      fail('store fenced-writer', `(${epoch}, ${rev}) over (${before.epoch}, ${before.rev}) of ${sessionId}`);
    }
    const read = rev % READ_EVERY === 1 ? decodeRecord(state) : skim(state);
    if (!read.ok) return fail('store readable', `${sessionId}: ${read.reason}`);
    const { record } = read;
    if (record.outSeq < before.outSeq) fail('store written-first', `outSeq of ${sessionId} went back`);
    for (const turnId of record.engine.recentTurnIds) before.turnIds.add(turnId);
    this.sessions.set(sessionId, { epoch, rev, outSeq: record.outSeq, turnIds: before.turnIds });
    judgeUsers(record, fail);
  }

  /** The first owner has epoch 1, and each takeover raises it. */
  takeovers(sessionId: string | undefined): number {
    return Math.max(1, this.sessions.get(sessionId ?? '')?.epoch ?? 1) - 1;
  }

  /** Nothing leaves before the write that holds it. */
  received(sessionId: string, event: WireEvent, fail: Fail): void {
    const numbers = OWNER_EVENT.exec(String(event['event_id']));
    if (!numbers) return;
    const stored = this.sessions.get(sessionId);
    if (Number(numbers[2]) > (stored?.outSeq ?? 0)) fail('store written-first', `${event.type} left before its write`);
    if (event.type === 'parley.turn.accepted' && stored?.turnIds.has(String(event['turn_id'])) !== true) {
      fail('store written-first', `${String(event['turn_id'])} was accepted and is not in the store`);
    }
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
