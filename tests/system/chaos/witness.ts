import type { RecordedChat, RecordedSpeech } from '@parley/fakes';
import { ownerOf, voiceOf } from './bus-server';
import { momentOf, type Moment } from './moment';
import type { Asked, Scene } from './scene';
import { holderOf } from './sockets';
import { turnIdOf } from './story';
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

interface Told<Request> extends Asked<Request> {
  pid: number | undefined;
}

/**
 * Who carries what, seen from outside: the bus server says who listens for a session's inputs and reports, the providers who
 * asks them, and the operating system whose connection each is.
 */
export class Witness {
  private readonly chats = new Map<string, Told<RecordedChat>[]>();
  private readonly speeches = new Map<string, Told<RecordedSpeech>[]>();
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
      const generated = chats.at(-1)?.request.outcome === 'completed';
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

  /**
   * What an owner that lost these turns caused since then: requests of its own to the model, and sentences spoken although they
   * had been spoken to their end.
   */
  causedBy(pid: number, turnIds: ReadonlySet<string>, sinceMs: number): number {
    const own = [...turnIds].flatMap((turnId) => this.chats.get(turnId) ?? []);
    const asked = own.filter((told) => told.pid === pid && told.atMs >= sinceMs).length;
    const spoken = [...turnIds].flatMap((turnId) => this.speeches.get(turnId) ?? []);
    const isOld = (text: string): boolean =>
      spoken.some(({ request, atMs }) => request.text === text && atMs < sinceMs && request.outcome === 'completed');
    return asked + spoken.filter(({ request, atMs }) => atMs >= sinceMs && isOld(request.text)).length;
  }

  private onChat(asked: Asked<RecordedChat>): void {
    add(this.chats, this.tell(asked, 'orchestrator'));
  }

  private onSpeech(asked: Asked<RecordedSpeech>): void {
    add(this.speeches, this.tell(asked, 'tts'));
  }

  private tell<Request extends RecordedChat | RecordedSpeech>(
    asked: Asked<Request>,
    role: 'orchestrator' | 'tts',
  ): Told<Request> {
    const port = this.scene.portOf(role === 'tts' ? 'voice' : 'llm');
    const pids = this.scene.members(role).map(({ pid }) => pid);
    return { ...asked, pid: holderOf(asked.request.clientPort, port, pids) };
  }
}

function add<Request>(lists: Map<string, Told<Request>[]>, told: Told<Request>): void {
  const turnId = turnIdOf(told.place);
  lists.set(turnId, [...(lists.get(turnId) ?? []), told]);
}
