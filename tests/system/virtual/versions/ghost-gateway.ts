import type { MemoryBus } from '@parley/adapter-bus-memory';
import { subjects, type Incarnation, type OwnerOutput, type SessionId, type SessionInput } from '@parley/model';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings, ask } from '@parley/service-link';

const NO_TRACE = '';
const CLAIM_TIMEOUT_MS = 1_000;
const INPUT_TIMEOUT_MS = 300;

/** What its connection was when its owner was lost. */
export interface Connection {
  sessionId: SessionId;
  gateway: Incarnation;
  attachment: number;
  lastSeq: number;
  outSeq: number;
}

/** The gateway of a session whose owner is gone: claims it, acknowledges what comes, and says a turn. */
export class GhostGateway {
  readonly outputs: OwnerOutput[] = [];
  private epoch = 0;
  private acknowledgedOutSeq: number;

  constructor(
    private readonly bus: MemoryBus,
    private readonly of: Connection,
  ) {
    this.acknowledgedOutSeq = of.outSeq;
    answerPings(bus, of.gateway);
    bus.subscribe(subjects.output(of.sessionId), ({ payload }) => {
      const decoded = decodeEnvelope(busSchemas.output, payload);
      if (!decoded.ok) throw new Error(decoded.reason);
      const { firstOutSeq, outputs } = decoded.body;
      this.outputs.push(...outputs);
      this.acknowledgedOutSeq = firstOutSeq + outputs.length - 1;
      const { sessionId, attachment } = of;
      bus.publish(subjects.report(sessionId), encodeEnvelope(NO_TRACE, { sessionId, attachment, ...this.delivered() }));
    });
  }

  async claim(): Promise<string> {
    const { sessionId, gateway, attachment } = this.of;
    const answer = await ask(this.bus, subjects.claim, {
      traceparent: NO_TRACE,
      body: { sessionId, gateway, seenEpoch: 1, attach: { kind: 'keep', attachment, delivered: this.delivered() } },
      reply: busSchemas.claimReply,
      timeoutMs: CLAIM_TIMEOUT_MS,
      isFinal: ({ kind }) => kind !== 'probing',
    });
    if (answer.kind !== 'answer' || answer.body.kind !== 'granted') return JSON.stringify(answer);
    this.epoch = answer.body.epoch;
    return 'granted';
  }

  async send(input: SessionInput): Promise<string> {
    const { sessionId, attachment, lastSeq } = this.of;
    const answer = await ask(this.bus, subjects.input(sessionId, this.epoch), {
      traceparent: NO_TRACE,
      body: { sessionId, attachment, seq: lastSeq + 1, closedOrdinal: 0, input },
      reply: busSchemas.inputReply,
      timeoutMs: INPUT_TIMEOUT_MS,
    });
    return answer.kind === 'answer' ? answer.body.kind : answer.kind;
  }

  /** Nothing is announced to it: it holds no client's audio. */
  private delivered() {
    return { acknowledgedOutSeq: this.acknowledgedOutSeq, announcedOrdinal: 0, responses: [] };
  }
}
