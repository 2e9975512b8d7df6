import type { RecordedChat, RecordedSpeech } from '@parley/fakes';
import { fieldsOf } from '../support/spoken-turn';
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
 * Who carries what, seen from outside: the store names the incarnation that owns a session and the one that speaks for it; the
 * operating system says which process a provider's request came from. Whoever asks the model is the owner at that moment, so
 * the two together say which process an incarnation is.
 */
export class Witness {
  private readonly chats = new Map<string, Told<RecordedChat>[]>();
  private readonly speeches = new Map<string, Told<RecordedSpeech>[]>();
  private readonly pids = new Map<string, number>();

  constructor(
    private readonly scene: Scene,
    private readonly talkOf: (talk: number) => Talk | undefined,
  ) {
    scene.listen({ onChat: (asked) => this.onChat(asked), onSpeech: (asked) => this.onSpeech(asked) });
  }

  /** Every turn that is under way now. */
  async look(talks: readonly Talk[]): Promise<Sight[]> {
    const under = talks.flatMap((talk) =>
      talk.current?.acceptedMs === undefined ? [] : [{ talk, turn: talk.current }],
    );
    const records = await Promise.all(under.map(({ talk }) => this.recordOf(talk)));
    const nowMs = performance.now();
    return under.flatMap(({ talk, turn }, index) => {
      const record = records[index];
      if (talk.current !== turn || turn.isHeard(nowMs)) return [];
      const chats = this.chats.get(turn.turnId) ?? [];
      const sight = {
        firstTokensMs: chats.map(({ firstTokenAtMs }) => firstTokenAtMs),
        generated: chats.at(-1)?.request.outcome === 'completed',
        audible: turn.isAudible,
      };
      const moment = momentOf(sight, nowMs);
      const speaking = this.speeches.get(turn.turnId)?.findLast(({ request }) => request.outcome === 'running')?.pid;
      // Before anything is spoken a worker is bound all the same.
      const bound = sight.audible ? undefined : this.pids.get(record?.voice ?? '');
      const carriers = { owner: this.pids.get(record?.owner ?? ''), voice: speaking ?? bound };
      return [{ talk, turnId: turn.turnId, counts: !turn.willBeInterrupted, moment, ...carriers }];
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
    const told = this.tell(asked, 'orchestrator');
    add(this.chats, told);
    void this.learn(told, 'owner');
  }

  private onSpeech(asked: Asked<RecordedSpeech>): void {
    const told = this.tell(asked, 'tts');
    add(this.speeches, told);
    void this.learn(told, 'voice');
  }

  private tell<Request extends RecordedChat | RecordedSpeech>(
    asked: Asked<Request>,
    role: 'orchestrator' | 'tts',
  ): Told<Request> {
    const port = this.scene.portOf(role === 'tts' ? 'voice' : 'llm');
    const pids = this.scene.members(role).map(({ pid }) => pid);
    return { ...asked, pid: holderOf(asked.request.clientPort, port, pids) };
  }

  /** An incarnation is one process for all its life: the first word counts. */
  private async learn({ place, pid }: Told<unknown>, field: 'owner' | 'voice'): Promise<void> {
    const talk = this.talkOf(place.talk);
    if (!talk || pid === undefined) return;
    const incarnation = (await this.recordOf(talk))?.[field];
    if (incarnation !== undefined && !this.pids.has(incarnation)) this.pids.set(incarnation, pid);
  }

  private async recordOf(talk: Talk): Promise<{ owner: string | undefined; voice: string | undefined } | undefined> {
    if (talk.sessionId === undefined) return undefined;
    const [owner, state] = await this.scene.redis.hmget(`parley:{${talk.sessionId}}:state`, 'owner', 'state');
    const voice = fieldsOf(fieldsOf(JSON.parse(state ?? '{}'))['voice'])['worker'];
    return { owner: owner ?? undefined, voice: typeof voice === 'string' ? voice : undefined };
  }
}

function add<Request>(lists: Map<string, Told<Request>[]>, told: Told<Request>): void {
  const turnId = turnIdOf(told.place);
  lists.set(turnId, [...(lists.get(turnId) ?? []), told]);
}
