import { isSessionId, type Opening, type ReceivedResponse, type ResponseDelivery, type SessionId } from '@parley/model';
import { parseReceived } from '@parley/schemas';

/** A client that wants its session back: its token, and what it says it has. */
export interface ResumeRequest {
  sessionId: SessionId;
  token: string;
  lastEventId: string | undefined;
  /** Null: it remembers nothing. */
  received: ReceivedResponse[] | null;
}

/** As made by the session's owner: its id, and a secret. */
const TOKEN = /^(sess_\w+)\.\w+$/;
/** Of an output, or made by a gateway behind one: its number, and the place among its events. */
const EVENT_ID = /^event_\d+_(\d+)(?:_(\d+))?(_a\w+)?$/;
const POSITION = /^event_(\d+_\d+(?:_\d+)?)/;
/** Before the first output. */
export const NOWHERE = '0_0';

/** Reads the query of a connection; undefined where nothing is to be resumed. */
export function resumeRequestOf(
  query: Readonly<Record<string, string>>,
): { ok: true; request: ResumeRequest | undefined } | { ok: false; message: string; param: string | null } {
  const { resume: token, last_event_id: lastEventId, received: text } = query;
  if (token === undefined) return { ok: true, request: undefined };
  const parsed = text === undefined ? { ok: true as const, received: null } : parseReceived(text);
  if (!parsed.ok) return { ok: false, message: parsed.error.message, param: parsed.error.param };
  const sessionId = TOKEN.exec(token)?.[1];
  // None of ours leads to no session, as one that is over does.
  if (sessionId === undefined || !isSessionId(sessionId)) return { ok: true, request: undefined };
  return { ok: true, request: { sessionId, token, lastEventId, received: parsed.received } };
}

/** What a connection that continues another one need not be told again. */
export class Resumption {
  private readonly seen: { outSeq: number; events: number };

  constructor(
    private readonly request: Pick<ResumeRequest, 'lastEventId' | 'received'>,
    private readonly opening: Opening,
  ) {
    this.seen = seenOf(request.lastEventId);
  }

  /** So many events of this output have arrived before. */
  eventsSeen(outSeq: number): number {
    if (outSeq < this.seen.outSeq) return Infinity;
    return outSeq === this.seen.outSeq ? this.seen.events : 0;
  }

  /** It was said to an older connection. */
  isPast(outSeq: number): boolean {
    return outSeq <= this.opening.throughOutSeq;
  }

  /** Where the delivery of a response under way goes on; only the client knows whether its closing events have come. */
  deliveryOf(ordinal: number): ResponseDelivery | undefined {
    const delivery = this.opening.responses.find((each) => each.ordinal === ordinal);
    return delivery && { ...delivery, closed: this.received(delivery.responseId)?.done ?? false };
  }

  /** Nothing of a response that is not under way is awaited: the client has it, or remembers nothing of it. */
  isFinished(responseId: ResponseDelivery['responseId'], outSeq: number): boolean {
    if (this.request.received === null) return this.isPast(outSeq);
    return this.eventsSeen(outSeq) > 0 && (this.received(responseId)?.done ?? true);
  }

  /** Of the last event that arrived, as ids of events name it. */
  get position(): string {
    return POSITION.exec(this.request.lastEventId ?? '')?.[1] ?? NOWHERE;
  }

  private received(responseId: ResponseDelivery['responseId']): ReceivedResponse | undefined {
    return this.request.received?.find((each) => each.responseId === responseId);
  }
}

/** Of the output that an event stands for, or was made behind; 0 for none. */
export const outSeqOf = (eventId: string | undefined): number => seenOf(eventId).outSeq;

function seenOf(lastEventId: string | undefined): { outSeq: number; events: number } {
  const match = EVENT_ID.exec(lastEventId ?? '');
  if (!match) return { outSeq: 0, events: 0 };
  const [, outSeq, index, own] = match;
  // What a gateway makes itself comes behind the event it names, or without an index behind all events of the output.
  const isWhole = own !== undefined && index === undefined;
  return { outSeq: Number(outSeq), events: isWhole ? Infinity : Number(index ?? 0) + 1 };
}
