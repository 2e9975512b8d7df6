import { fieldsOf } from '../../support/fields';
import type { Outages } from './outages';
import type { WireEvent } from './observation';
import type { Fail } from './violation';

/** Not the model's time: whatever a client sends is answered as soon as it is stored. */
const ANSWER_MS = 4_000;
/** Where an outage took the answer and the session with it, the gateway's next look at the connection tells. */
const LOOK_MS = 32_000;

interface Pending {
  type: string;
  sentMs: number;
  isAnswer: (event: WireEvent) => boolean;
}

/** G2: everything a client sends is answered, by what it asked for or by an error. */
export class AnswersJudge {
  private readonly pending = new Map<string, Pending>();

  constructor(
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {}

  sent(event: WireEvent, atMs: number): void {
    const isAnswer = answerTo(event);
    if (isAnswer) this.pending.set(String(event['event_id']), { type: event.type, sentMs: atMs, isAnswer });
  }

  received(event: WireEvent): void {
    if (this.pending.size === 0) return;
    if (event.type === 'error') return void this.pending.delete(String(fieldsOf(event['error'])['event_id']));
    for (const [id, pending] of this.pending) {
      if (!pending.isAnswer(event)) continue;
      this.pending.delete(id);
      return;
    }
  }

  passed(nowMs: number): void {
    for (const { type, sentMs } of this.pending.values()) {
      const lateMs = this.outages.calmSince(sentMs) ? 0 : LOOK_MS;
      if (nowMs <= Math.max(sentMs, this.outages.recoveredMs) + ANSWER_MS + lateMs) continue;
      return this.fail('G2 unanswered', `${type} sent at ${Math.round(sentMs)} ms`);
    }
  }

  /** Everything has been well for longer than any answer takes. */
  finish(): void {
    for (const { type, sentMs } of this.pending.values()) {
      this.fail('G2 unanswered', `${type} sent at ${Math.round(sentMs)} ms`);
    }
  }
}

/** PROTOCOL.md, "Client events". Undefined where nothing answers. */
function answerTo(sent: WireEvent): ((event: WireEvent) => boolean) | undefined {
  const is = (type: string) => (event: WireEvent) => event.type === type;
  switch (sent.type) {
    case 'parley.transcript.final':
      return (event) => event.type === 'parley.turn.accepted' && event['turn_id'] === sent['turn_id'];
    case 'response.create':
      return is('response.created');
    case 'conversation.item.create': {
      const asked = fieldsOf(sent['item']);
      return (event) => {
        const item = fieldsOf(event['item']);
        return (
          event.type === 'conversation.item.done' &&
          item['call_id'] === asked['call_id'] &&
          textOf(item) === textOf(asked)
        );
      };
    }
    case 'parley.say':
      return (event) => event.type === 'parley.turn.accepted' && String(event['turn_id']).startsWith('turn_');
    case 'conversation.item.truncate':
      return is('conversation.item.truncated');
    case 'parley.interrupt':
      return is('parley.response.interrupted');
    case 'response.cancel':
      return (event) =>
        event.type === 'parley.response.interrupted' ||
        (event.type === 'response.done' && fieldsOf(event['response'])['status'] === 'cancelled');
    case 'session.update':
      return is('session.updated');
    case 'parley.policy.update':
      return is('parley.policy.updated');
    case 'parley.playback':
    case 'parley.speech.started':
    case 'parley.speech.stopped':
    case 'parley.transcript.partial':
    case 'parley.mute':
    case 'parley.transcript.speculative':
    case 'parley.transcript.resumed':
      return undefined;
    default:
      // Unknown events are refused.
      return () => false;
  }
}

export function textOf(item: unknown): string {
  const content = fieldsOf(item)['content'];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return String(fieldsOf(first)['text'] ?? '');
}
