import { fieldsOf } from '../../support/fields';
import { heardBefore, heardTexts, MeasuredVoice, mostHeard } from './heard';
import type { ChatMessage, Habit, ObservationOf, WireEvent } from './observation';
import { textOf } from './answers-judge';
import { askerOf, callOf, dictatedOf, newestQuestion } from './names';
import type { Outages } from './outages';
import type { SeenResponse } from './seen-response';
import { ToolsJudge } from './tools-judge';
import type { Fail } from './violation';

/** PROTOCOL.md §4, "Heard text". */
const MARK = ' [interrupted by the user]';
/** Reports go with the gateway's, every 200 ms. */
const REPORT_MS = 400;

/** A request to the model, with what its client knew when it was made. */
interface Call {
  readonly number: number;
  readonly atMs: number;
  readonly messages: readonly ChatMessage[];
  readonly itemsSeen: number;
}

/** One conversation's history, from its client's end: G3 and G4. */
export class HistoryJudge {
  private readonly voice = new MeasuredVoice();
  private readonly calls = new Map<number, Call>();
  private readonly responseOfCall = new Map<number, SeenResponse>();
  /** Texts of users, in the order in which their client was told of them. */
  private readonly userItems: string[] = [];
  private readonly sentTexts = new Set<string>();
  private readonly instructions: Set<string>;
  private readonly acceptedTurns = new Set<string>();
  private readonly guesses = new Map<string, number>();
  private readonly asks = new Map<string, number>();
  /** For whose question which process asked the model last, and how many user items its client knew of. */
  private readonly itemsSeen = new Map<string, { process: string; items: number }>();
  /** When each turn was first said, and when the client interrupted. */
  private readonly finalMs = new Map<string, number>();
  private readonly interruptsMs: number[] = [];
  private readonly tools: ToolsJudge;
  /** What the agent was told to say, by its name. */
  private readonly dictated = new Map<string, string>();
  private readonly responseOfDictated = new Map<string, SeenResponse>();
  /** Answers asked for without anything new from the user: to what came of a function. */
  private followUps = 0;
  /** An item of the user's waits for a `response.create`. */
  private saysAnew = false;

  constructor(
    instructions: string,
    private readonly connectedMs: number,
    private readonly habit: Habit,
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {
    this.instructions = new Set([instructions]);
    this.tools = new ToolsJudge(fail);
  }

  sent(event: WireEvent, atMs: number, responses: readonly SeenResponse[]): void {
    switch (event.type) {
      case 'parley.transcript.speculative': {
        const asker = askerOf(String(event['text']));
        this.guesses.set(asker, (this.guesses.get(asker) ?? 0) + 1);
        return void this.sentTexts.add(String(event['text']));
      }
      case 'parley.transcript.final': {
        const asker = askerOf(String(event['text']));
        if (!this.finalMs.has(asker)) this.finalMs.set(asker, atMs);
        this.says(String(event['text']));
        return void (this.saysAnew = false);
      }
      case 'conversation.item.create': {
        const item = fieldsOf(event['item']);
        this.tools.sentItem(item);
        return item['type'] === 'message' ? this.says(textOf(item)) : undefined;
      }
      case 'response.create':
        // To whichever question was taken last; one that was refused is not known here in time.
        if (!this.saysAnew) this.followUps++;
        this.saysAnew = false;
        return this.instruct(fieldsOf(event['response'])['instructions']);
      case 'parley.say':
        return void this.dictated.set(dictatedOf(String(event['text'])) ?? '', String(event['text']));
      case 'session.update':
        return this.instruct(fieldsOf(event['session'])['instructions']);
      case 'parley.interrupt':
      case 'response.cancel':
        return void this.interruptsMs.push(atMs);
      case 'parley.playback': {
        const response = responses.find(({ id }) => id === event['response_id']);
        return void response?.reports.push({ atMs, playedMs: Number(event['played_ms']) });
      }
    }
  }

  private says(text: string): void {
    this.sentTexts.add(text);
    this.saysAnew = true;
  }

  /** The conversation's own name of who asked is in the newest text of the user. */
  asked({ call, process, messages, atMs }: ObservationOf<'asked'>): void {
    const asker = askerOf(newestQuestion(messages));
    const seen = this.itemsSeen.get(asker);
    // What was said after the first owner's call for an answer stands behind the answer, also for its successor's.
    const itemsSeen = seen !== undefined && seen.process !== process ? seen.items : this.userItems.length;
    this.itemsSeen.set(asker, { process, items: itemsSeen });
    this.calls.set(call, { number: call, atMs, messages, itemsSeen });
    this.asks.set(asker, (this.asks.get(asker) ?? 0) + 1);
    this.tools.asked(messages);
  }

  /** Once for each turn, each guess at it, and each owner that was lost before it was stored. */
  judgeAsks(takeovers: number): void {
    for (const [asker, asks] of this.asks) {
      const allowed = 1 + (this.guesses.get(asker) ?? 0) + this.followUps + takeovers;
      if (asks > allowed) this.fail('G3 turn-twice', `the model was asked ${asks} times for ${asker}`);
    }
    this.asks.clear();
  }

  event(event: WireEvent, response: SeenResponse | undefined, atMs: number, responses: readonly SeenResponse[]): void {
    this.tools.event(event);
    switch (event.type) {
      case 'parley.turn.accepted': {
        const turnId = String(event['turn_id']);
        if (this.acceptedTurns.has(turnId)) this.fail('G3 turn-twice', `${turnId} was accepted twice`);
        return void this.acceptedTurns.add(turnId);
      }
      case 'conversation.item.added':
        if (fieldsOf(event['item'])['role'] === 'user') this.userItems.push(textOf(event['item']));
        return;
      case 'response.output_audio_transcript.delta':
        if (response?.texts.length === 1) this.judgeCall(response, atMs, responses);
        return;
      case 'response.done':
        if (response) this.voice.measure(response);
        return;
      case 'parley.response.interrupted':
        if (response) this.judgeInterruption(response, atMs);
        return;
      case 'conversation.item.truncated': {
        const truncated = responses.find(({ itemId }) => itemId === event['item_id']);
        return void truncated?.truncations.push({ atMs, audioEndMs: Number(event['audio_end_ms']) });
      }
    }
  }

  private instruct(instructions: unknown): void {
    if (typeof instructions === 'string') this.instructions.add(instructions);
  }

  /** An answer is heard: what the model was given for it is judged now, when all that led to it has been told. */
  private judgeCall(response: SeenResponse, nowMs: number, responses: readonly SeenResponse[]): void {
    const dictated = dictatedOf(response.text);
    if (dictated !== undefined) return this.judgeDictated(dictated, response);
    const call = this.calls.get(callOf(response.text) ?? 0);
    if (call === undefined) return this.fail('G4 context', `${response.id} says what no model was asked for here`);
    const before = this.responseOfCall.get(call.number);
    if (before !== undefined) this.fail('G3 turn-twice', `${before.id} and ${response.id} are the same answer`);
    response.call = call.number;
    this.responseOfCall.set(call.number, response);
    const [system, ...rest] = call.messages;
    if (system?.role !== 'system' || !this.instructions.has(system.content)) {
      this.fail('G4 context', `the model got the instructions ${JSON.stringify(system?.content)}`);
    }
    this.judgeCommit(call);
    this.judgeUsers(call, rest);
    this.judgeAnswers(call, rest, nowMs, responses);
  }

  /** The agent's own words are said once, and are those it was told. */
  private judgeDictated(name: string, response: SeenResponse): void {
    const text = this.dictated.get(name);
    if (text?.startsWith(response.text) !== true) {
      this.fail('G4 context', `${response.id} says "${response.text}", which nobody told it to`);
    }
    const before = this.responseOfDictated.get(name);
    if (before !== undefined) this.fail('G3 turn-twice', `${before.id} and ${response.id} say the same`);
    this.responseOfDictated.set(name, response);
  }

  /** SP2: what the model began to say before an interrupt is not the answer to what was said after it. */
  private judgeCommit(call: Call): void {
    const asker = askerOf(newestQuestion(call.messages));
    const saidMs = this.finalMs.get(asker) ?? 0;
    if (!this.interruptsMs.some((atMs) => call.atMs < atMs && atMs <= saidMs)) return;
    this.fail('G1 commit-after-interrupt', `${asker} is answered by what the model was asked before the interrupt`);
  }

  private judgeUsers(call: Call, messages: readonly ChatMessage[]): void {
    const got = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
    const expected = this.userItems.slice(0, call.itemsSeen);
    expected.forEach((text, index) => {
      if (got[index] === text) return;
      this.fail('G4 context', `the model got ${JSON.stringify(got[index])} where the user had said "${text}"`);
    });
    for (const text of got) {
      if (!this.sentTexts.has(text)) this.fail('G4 context', `the model got "${text}", which nobody said`);
    }
    if (new Set(got).size < got.length) this.fail('G3 turn-twice', 'the model got a text of the user twice');
  }

  private judgeAnswers(
    call: Call,
    messages: readonly ChatMessage[],
    nowMs: number,
    responses: readonly SeenResponse[],
  ): void {
    const given = new Map<SeenResponse, string>();
    for (const { role, content } of messages) {
      // An answer may be calls alone.
      if (role !== 'assistant' || content === '') continue;
      const response =
        this.responseOfDictated.get(dictatedOf(content) ?? '') ?? this.responseOfCall.get(callOf(content) ?? 0);
      if (response === undefined) this.fail('G4 context', `the model got "${content}", which the client never read`);
      else given.set(response, content);
    }
    for (const response of responses) {
      if (response.doneMs === undefined || response.doneMs > call.atMs || response.texts.length === 0) continue;
      const content = given.get(response);
      const refusal = this.refusalOf(response, content ?? '', call.atMs, nowMs);
      if (refusal !== undefined) {
        this.fail('G4 context', `the model got ${JSON.stringify(content)} of ${response.id}: ${refusal}`);
      }
    }
  }

  /** Undefined when `content` is what may stand in the history for this answer; '' stands for no message. */
  private refusalOf(response: SeenResponse, content: string, askedMs: number, nowMs: number): string | undefined {
    const allowed = new Set<string>();
    const allow = (heard: string): void => void allowed.add(heard === '' ? '' : heard + MARK);
    const { interruption, truncations, status, text } = response;
    const isWhole = interruption === undefined || interruption.heardText === text.trimEnd();
    if (interruption) allow(interruption.heardText);
    // What was said while the model was being asked may have come before or after.
    // A client of the Realtime API alone is not told what was heard of what it cancelled.
    const isCut = status === 'failed' || (status === 'cancelled' && !interruption);
    // Cut after its last word was heard it is no cut.
    if (status === 'cancelled' && !interruption) allowed.add(text.trimEnd());
    if ((isWhole || (interruption?.atMs ?? 0) >= askedMs) && !isCut) allowed.add(text).add(text.trimEnd());
    const cut = truncations.filter(({ atMs }) => atMs <= nowMs);
    for (const { audioEndMs } of cut) for (const heard of heardTexts(response, audioEndMs, this.voice)) allow(heard);
    if (cut.some(({ atMs, audioEndMs }) => atMs < askedMs && this.lowers(response, audioEndMs))) {
      allowed.delete(text);
      allowed.delete(text.trimEnd());
    }
    if (allowed.has(content)) return undefined;
    const isCalm = this.outages.survivableSince(response.createdMs);
    // Where the last report was lost its owner does not know how long the answer was, and a cut beyond what it knows is none (IN9).
    if (!isCut && !isCalm && cut.length > 0 && content === text.trimEnd()) return undefined;
    // A successor that was not told of its end counts it as cut.
    if (isCut || !isCalm) return this.refusalOfCut(response, content);
    if (response.received.length === 0 && cut.length > 0) return undefined;
    return `expected one of ${JSON.stringify([...allowed])}`;
  }

  /** Where it is not known how much was heard: never more than was delivered, and marked as cut. */
  private refusalOfCut(response: SeenResponse, content: string): string | undefined {
    if (content === '') return undefined;
    if (!content.endsWith(MARK)) return 'it was cut, and is not marked';
    const heard = content.slice(0, -MARK.length);
    if (response.received.length === 0 && response.samples > 0) return undefined;
    const most = mostHeard(response);
    if (most.startsWith(heard)) return undefined;
    return `it was cut, and at most ${JSON.stringify(most)} was delivered`;
  }

  private lowers(response: SeenResponse, audioEndMs: number): boolean {
    if (response.received.length === 0) return false;
    const heard = [...heardTexts(response, audioEndMs, this.voice)];
    return heard.every((text) => text.length < response.text.trimEnd().length);
  }

  private judgeInterruption(response: SeenResponse, atMs: number): void {
    this.voice.measure(response);
    const { heardMs, heardText } = response.interruption ?? { heardMs: 0, heardText: '' };
    const [lowest, highest] = this.positionOf(response, atMs);
    if (heardMs > highest || heardMs < lowest) {
      this.fail('G4 heard-position', `${heardMs} ms of ${response.id}, not ${lowest} to ${highest}`);
    }
    // Audio in JSON does not say where a segment ends.
    if (response.received.length === 0 && response.samples > 0) {
      if (!response.text.startsWith(heardText)) this.fail('G4 heard-text', `"${heardText}" of "${response.text}"`);
      return;
    }
    const heard = heardTexts(response, heardMs, this.voice);
    if (heard.has(heardText)) return;
    if (!this.cutByClient(response) && heardBefore(response, heardMs, this.voice).has(heardText)) return;
    // Where reports were lost the owner has measured the voice by less.
    if (!this.outages.survivableSince(this.connectedMs) && mostHeard(response).startsWith(heardText)) return;
    this.fail('G4 heard-text', `"${heardText}" at ${heardMs} ms of ${response.id}, not ${JSON.stringify([...heard])}`);
  }

  private cutByClient({ createdMs, truncationSent }: SeenResponse): boolean {
    return truncationSent || this.interruptsMs.some((atMs) => atMs >= createdMs);
  }

  /** Between which positions it was cut, in whole ms. */
  private positionOf(response: SeenResponse, atMs: number): [number, number] {
    const deliveredMs = Math.floor(response.samples / 24);
    const { reports } = response;
    const reportedMs = Math.max(0, ...reports.map(({ playedMs }) => playedMs));
    if (this.habit === 'silent') return [0, Math.min(deliveredMs, Math.ceil(atMs - (response.firstAudioMs ?? atMs)))];
    if (this.habit !== 'honest') return [0, deliveredMs];
    // Cut by an explicit interrupt: the report just before it counts; by a turn: what the owner knew.
    // What is told with the next socket was done before that, from the moment on at which the last one was lost.
    const cutMs = atMs === response.reopenedMs ? response.lostMs : atMs;
    const known = reports.filter((report) => report.atMs <= Math.max(this.interruptsMs.at(-1) ?? 0, cutMs - REPORT_MS));
    const knownMs = Math.max(0, ...known.map(({ playedMs }) => playedMs));
    // Before its first report a client is taken to play in real time.
    const isSilent = reports.every((report) => report.atMs <= response.reopenedMs && report.playedMs === 0);
    const elapsedMs = isSilent ? Math.ceil(atMs - (response.firstAudioMs ?? atMs)) : 0;
    const lowest = this.outages.survivableSince(response.createdMs) ? Math.min(knownMs, deliveredMs) : 0;
    return [response.truncationSent ? 0 : lowest, Math.min(Math.max(reportedMs, elapsedMs), deliveredMs)];
  }
}
