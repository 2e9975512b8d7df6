import { messageText, type RecordedRequest, type RecordedSpeech } from '@parley/fakes';
import { ownerOf, voiceOf } from './bus-server';
import type { Prompt } from './judge';
import { momentOf, type Moment } from './moment';
import type { Asked, AskedChat, Scene } from './scene';
import { holderOf } from './sockets';
import { turnIdOf, type Place } from './story';
import type { Talk } from './talk';

/** A turn under way, and which processes it stood on at that moment. */
export interface Sight {
  talk: Talk;
  turnId: string;
  /** Heard to its end, if all goes well: its client does not mean to interrupt it. */
  counts: boolean;
  moment: Moment;
  /** Process ids; undefined where it cannot be known. */
  owner: number | undefined;
  voice: number | undefined;
}

/** A request, and the process that made it if that could be seen. */
type Told<Request> = Request & { pid: number | undefined };
type ToldChat = Told<AskedChat>;
type ToldSpeech = Told<Asked<RecordedSpeech>>;

/**
 * Who carries what, seen from outside: the bus server says who listens for a session's inputs and reports, the providers who
 * asks them, and the operating system whose connection each is.
 */
export class Witness {
  private readonly chats = new Map<string, ToldChat[]>();
  private readonly speeches = new Map<string, ToldSpeech[]>();

  constructor(private readonly scene: Scene) {
    scene.listen({ onChat: (asked) => this.onChat(asked), onSpeech: (asked) => this.onSpeech(asked) });
  }

  /** Every turn that is under way now. */
  async look(talks: readonly Talk[]): Promise<Sight[]> {
    const under = talks.flatMap((talk) =>
      talk.current?.acceptedMs === undefined ? [] : [{ talk, turn: talk.current }],
    );
    const workers = this.scene.members('tts').map(({ pid }) => pid);
    const owners = this.scene.members('orchestrator').map(({ pid }) => pid);
    const listening = await this.scene.bus.subjectsOf([...owners, ...workers]);
    const nowMs = performance.now();
    return under.flatMap(({ talk, turn }) => {
      if (talk.current !== turn || turn.isHeard(nowMs)) return [];
      const chats = this.chats.get(turn.turnId) ?? [];
      // An owner that lost the session may have asked once more, to be told to stop.
      const generated = chats.some(({ request }) => request.outcome === 'completed');
      const firstTokensMs = chats.map(({ firstTokenAtMs }) => firstTokenAtMs);
      const moment = momentOf({ firstTokensMs, generated, audible: turn.isAudible }, nowMs);
      const speaking = this.speeches.get(turn.turnId)?.findLast(({ request }) => request.outcome === 'running')?.pid;
      const sessionId = talk.sessionId ?? '';
      // Between two sentences nobody speaks, and a worker is bound all the same; after the last one it is not needed.
      const voice = speaking ?? (generated ? undefined : voiceOf(sessionId, listening, workers));
      const owner = ownerOf(sessionId, listening);
      return [{ talk, turnId: turn.turnId, counts: !turn.willBeInterrupted, moment, owner, voice }];
    });
  }

  /** What the model was asked with in this turn, each time; not by an owner that was stopped, which told what it knew. */
  promptsOf(turnId: string): Prompt[] {
    const chats = (this.chats.get(turnId) ?? []).filter(({ request }) => request.outcome !== 'aborted');
    return chats.map(({ request }) =>
      request.asked.map((message) => ({ role: message.role, content: messageText(message) })),
    );
  }

  /** The numbers of the talks that somebody else owns now. */
  async lostBy(pid: number, talks: readonly Talk[]): Promise<Set<number>> {
    const listening = await this.scene.bus.subjectsOf(this.scene.members('orchestrator').map((each) => each.pid));
    return new Set(
      talks.filter(({ sessionId = '' }) => ownerOf(sessionId, listening) !== pid).map(({ number }) => number),
    );
  }

  /**
   * What an owner that lost these talks caused since then: answers of the model that it did not stop, and sentences spoken
   * although they had been spoken to their end.
   */
  causedBy(pid: number, talks: ReadonlySet<number>, sinceMs: number): number {
    const of = <Each extends { place: Place }>(lists: ReadonlyMap<string, Each[]>): Each[] =>
      [...lists.values()].flat().filter(({ place }) => talks.has(place.talk));
    const spoken = of(this.speeches);
    const isOld = (text: string): boolean =>
      spoken.some(({ request, atMs }) => request.text === text && atMs < sinceMs && request.outcome === 'completed');
    const asked = of(this.chats).filter((told) => told.pid === pid && told.atMs >= sinceMs);
    return (
      asked.filter(({ request }) => request.outcome !== 'aborted').length +
      spoken.filter(({ request, atMs }) => atMs >= sinceMs && isOld(request.text)).length
    );
  }

  private onChat(asked: AskedChat): void {
    add(this.chats, { ...asked, pid: this.askerOf(asked.request, 'llm') });
  }

  private onSpeech(asked: Asked<RecordedSpeech>): void {
    add(this.speeches, { ...asked, pid: this.askerOf(asked.request, 'voice') });
  }

  private askerOf({ clientPort }: RecordedRequest, provider: 'llm' | 'voice'): number | undefined {
    const members = this.scene.members(provider === 'llm' ? 'orchestrator' : 'tts');
    return holderOf(
      clientPort,
      this.scene.portOf(provider),
      members.map(({ pid }) => pid),
    );
  }
}

function add<Each extends { place: Place }>(lists: Map<string, Each[]>, told: Each): void {
  const turnId = turnIdOf(told.place);
  lists.set(turnId, [...(lists.get(turnId) ?? []), told]);
}
