import { HeardOracle } from './heard-oracle';
import type { Arrival, ReceivedSegment, WireEvent } from './test-client';

/** One client's view of a conversation: what it sent and what arrived, in one order. */
export type LogEntry = Arrival | { kind: 'sent'; atMs: number; event: Record<string, unknown> };

/** A chat request as the provider received it. */
export interface ChatAsked {
  messages: readonly { role: string; content: string }[];
}

export interface Verdict {
  violations: string[];
  accepted: number;
  interrupted: { total: number; afterFirstAudio: number; afterDone: number; beforeAudio: number };
  heardCompared: number;
}

/** Whether the positions a client reported are its true ones: then the heard position is known to the millisecond. */
export type Reporting = 'exact' | 'bounded';

interface Heard {
  id: string;
  turnId: string;
  texts: string[];
  received: ReceivedSegment[];
  done: string | undefined;
  over: boolean;
  lastReportMs: number | undefined;
}

type Item = { role: 'user'; text: string } | { role: 'assistant'; responseId: string; text: string; cut: boolean };

const MARK = ' [interrupted by the user]';

/**
 * Judges G1, G3, G4 and the order of everything from one client's log and from what the model was asked. Knows only
 * PROTOCOL.md.
 */
export class Judge {
  private readonly responses = new Map<string, Heard>();
  private readonly history: Item[] = [];
  private readonly oracle = new HeardOracle();
  private readonly eventIds = new Set<string>();
  private readonly expectedChats = new Map<string, { role: string; content: string }[]>();
  private readonly userTextOfTurn = new Map<string, string>();
  readonly verdict: Verdict = {
    violations: [],
    accepted: 0,
    interrupted: { total: 0, afterFirstAudio: 0, afterDone: 0, beforeAudio: 0 },
    heardCompared: 0,
  };

  constructor(
    private readonly instructions: string,
    private readonly reporting: Reporting,
  ) {}

  judge(log: readonly LogEntry[], asked: readonly ChatAsked[]): Verdict {
    for (const entry of log) {
      if (entry.kind === 'sent') this.sent(entry.event);
      else if (entry.kind === 'audio') this.audio(entry);
      else this.event(entry.event);
    }
    for (const response of this.responses.values()) {
      if (response.done === undefined && !response.over) this.fail('G2', `response ${response.id} never ended`);
    }
    this.judgeChats(asked);
    return this.verdict;
  }

  private sent(event: Record<string, unknown>): void {
    if (event['type'] === 'parley.transcript.final') {
      this.userTextOfTurn.set(String(event['turn_id']), String(event['text']));
    }
    if (event['type'] !== 'parley.playback') return;
    const response = this.responses.get(String(event['response_id']));
    if (!response) return;
    // A report below the last one is ignored.
    response.lastReportMs = Math.max(response.lastReportMs ?? 0, Number(event['played_ms']));
  }

  private audio(chunk: Extract<LogEntry, { kind: 'audio' }>): void {
    const response = this.responses.get(chunk.responseId);
    if (!response) return this.fail('order', `audio of unknown response ${chunk.responseId}`);
    if (response.over) this.fail('G1', `audio of ${response.id} after its interruption`);
    if (response.done !== undefined) this.fail('order', `audio of ${response.id} after response.done`);
    const segment = (response.received[chunk.segment] ??= { samples: 0, last: false });
    if (chunk.segment > 0 && !response.received[chunk.segment - 1]?.last)
      this.fail('order', 'a segment began too early');
    if (segment.last) this.fail('order', 'audio after the last chunk of its segment');
    if (chunk.firstSample !== segment.samples) this.fail('order', `samples of ${response.id} are not contiguous`);
    segment.samples += chunk.samples;
    segment.last = chunk.last;
  }

  private event(event: WireEvent): void {
    const id = String(event.event_id);
    if (this.eventIds.has(id)) this.fail('order', `event id ${id} twice`);
    this.eventIds.add(id);
    const responseId = responseIdOf(event);
    const response = responseId === undefined ? undefined : this.responses.get(responseId);
    if (response?.over) this.fail('G1', `${event.type} of ${response.id} after its interruption`);
    switch (event.type) {
      case 'parley.turn.accepted':
        return this.accepted(event);
      case 'response.output_audio_transcript.delta':
        response?.texts.push(String(event['delta']));
        return;
      case 'response.done':
        return this.done(response, event);
      case 'parley.response.interrupted':
        return this.interrupted(response, event);
    }
  }

  private accepted(event: WireEvent): void {
    const turnId = String(event['turn_id']);
    const responseId = String(event['response_id']);
    const text = this.userTextOfTurn.get(turnId) ?? '';
    if (this.expectedChats.has(text)) this.fail('G3', `turn ${turnId} was accepted twice`);
    this.verdict.accepted++;
    this.history.push({ role: 'user', text });
    this.expectedChats.set(text, this.context());
    this.responses.set(responseId, {
      id: responseId,
      turnId,
      texts: [],
      received: [],
      done: undefined,
      over: false,
      lastReportMs: undefined,
    });
    this.history.push({ role: 'assistant', responseId, text: '', cut: false });
  }

  private done(response: Heard | undefined, event: WireEvent): void {
    if (!response) return this.fail('order', 'response.done of an unknown response');
    if (response.done !== undefined) this.fail('DR4', `response.done of ${response.id} twice`);
    response.done = String((event['response'] as Record<string, unknown>)['status']);
    this.oracle.measure(response.id, response.texts, response.received);
    const item = this.itemOf(response.id);
    if (item && response.done !== 'cancelled') item.text = response.texts.join('');
  }

  /** G4: the heard text follows from what arrived and what was reported. */
  private interrupted(response: Heard | undefined, event: WireEvent): void {
    if (!response) return this.fail('order', 'an unknown response was interrupted');
    const { interrupted } = this.verdict;
    interrupted.total++;
    const samples = response.received.reduce((sum, segment) => sum + segment.samples, 0);
    if (response.done === undefined) this.fail('order', `${response.id} was interrupted without closing events`);
    if (samples > 0) interrupted.afterFirstAudio++;
    else interrupted.beforeAudio++;
    if (response.done === 'completed') interrupted.afterDone++;
    response.over = true;
    this.oracle.measure(response.id, response.texts, response.received);
    const heardMs = Number(event['heard_ms']);
    this.judgePosition(response, heardMs, samples);
    const heard = this.oracle.heard(response.texts, response.received, heardMs * 24);
    const said = String(event['heard_text']);
    // In ms the position is rounded down; of a whole response the rest of that millisecond counts.
    const whole = this.oracle.heard(response.texts, response.received, Math.min(samples, heardMs * 24 + 23));
    if (said !== heard && said !== whole) this.fail('G4', `heard "${said}", expected "${heard}" at ${heardMs} ms`);
    this.verdict.heardCompared++;
    this.cutHistory(response, said);
  }

  private judgePosition(response: Heard, heardMs: number, samples: number): void {
    const deliveredMs = Math.floor(samples / 24);
    if (heardMs > deliveredMs) this.fail('G4', `heard ${heardMs} ms of ${deliveredMs} ms delivered`);
    const reportedMs = response.lastReportMs ?? 0;
    const exact = Math.min(Math.floor(reportedMs), deliveredMs);
    if (this.reporting === 'exact' && heardMs !== exact) {
      this.fail('G4', `heard ${heardMs} ms of ${response.id}, the client reported ${reportedMs} ms`);
    }
  }

  private cutHistory(response: Heard, heard: string): void {
    const item = this.itemOf(response.id);
    if (!item) return;
    const whole = response.done === 'completed' && heard === response.texts.join('').trimEnd();
    if (heard === '') this.history.splice(this.history.indexOf(item), 1);
    item.text = heard;
    item.cut = !whole;
  }

  private itemOf(responseId: string): Extract<Item, { role: 'assistant' }> | undefined {
    for (const item of this.history) {
      if (item.role === 'assistant' && item.responseId === responseId) return item;
    }
    return undefined;
  }

  private context(): { role: string; content: string }[] {
    const messages = this.history
      .filter((item) => item.text !== '')
      .map((item) => ({
        role: item.role,
        content: item.role === 'assistant' && item.cut ? item.text + MARK : item.text,
      }));
    return [{ role: 'system', content: this.instructions }, ...messages];
  }

  private judgeChats(asked: readonly ChatAsked[]): void {
    const counts = new Map<string, number>();
    for (const { messages } of asked) {
      const text = messages.at(-1)?.content ?? '';
      counts.set(text, (counts.get(text) ?? 0) + 1);
      const expected = this.expectedChats.get(text);
      if (!expected) this.fail('G3', 'the model was asked for a turn that was never accepted');
      else if (JSON.stringify(messages) !== JSON.stringify(expected)) {
        this.fail('G4', `the model got ${JSON.stringify(messages)}, expected ${JSON.stringify(expected)}`);
      }
    }
    for (const response of this.responses.values()) {
      const count = counts.get(this.userTextOfTurn.get(response.turnId) ?? '') ?? 0;
      // Interrupted at once, a turn may end before its request has left.
      const expected = response.over && response.texts.length === 0 ? [0, 1] : [1];
      if (!expected.includes(count)) this.fail('G3', `the model was asked ${count} times for one turn`);
    }
  }

  private fail(promise: string, message: string): void {
    this.verdict.violations.push(`[${promise}] ${message}`);
  }
}

function responseIdOf(event: WireEvent): string | undefined {
  if (typeof event['response_id'] === 'string') return event['response_id'];
  const response = event['response'];
  if (typeof response === 'object' && response !== null && 'id' in response) return String(response.id);
  return undefined;
}
