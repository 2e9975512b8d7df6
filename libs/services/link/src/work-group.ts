import type { WorkGroup } from '@parley/model';
import type { BusHandler, BusMessage, BusPort, BusSubscription } from '@parley/ports';
import { ask, type Answer, type Question } from './ask';

const EMPTY = new Uint8Array(0);
/** A member that has room has time to say so. */
const ROOM_TIMEOUT_MS = 250;

/** A member of a work group: in its reserve as long as it works, and in the group itself while it has room. */
export class GroupMember {
  private reserve: BusSubscription | undefined;
  private offers: BusSubscription | undefined;

  constructor(
    private readonly bus: BusPort,
    private readonly group: WorkGroup,
    private readonly handler: BusHandler,
  ) {}

  join(hasRoom: boolean): void {
    this.reserve = this.subscribe(this.group.reserve);
    this.offer(hasRoom);
  }

  /** In the group or out of it. What was offered before it left still comes, and must be answered. */
  offer(hasRoom: boolean): void {
    if (this.reserve === undefined) return;
    if (hasRoom) {
      this.offers ??= this.subscribe(this.group.subject);
      return;
    }
    this.offers?.leave();
    this.offers = undefined;
  }

  leave(): void {
    this.offer(false);
    this.reserve?.leave();
    this.reserve = undefined;
  }

  private subscribe(subject: string): BusSubscription {
    return this.bus.subscribe(subject, (message) => this.receive(message), { queue: this.group.queue });
  }

  private receive(message: BusMessage): void {
    if (message.payload.length > 0) this.handler(message);
    else message.reply?.(EMPTY);
  }
}

/** One request to a member with room; where there is none, to one in reserve, who decides by what it is asked. */
export async function askGroup<Body>(bus: BusPort, group: WorkGroup, question: Question<Body>): Promise<Answer<Body>> {
  const answer = await ask(bus, group.subject, question);
  return answer.kind === 'no-responders' ? ask(bus, group.reserve, question) : answer;
}

/** Members work, and none of them has room. */
export async function isCrowded(bus: BusPort, group: WorkGroup): Promise<boolean> {
  const options = { timeoutMs: ROOM_TIMEOUT_MS };
  const withRoom = await bus.request(group.subject, EMPTY, options);
  if (withRoom.kind !== 'no-responders') return false;
  const anyone = await bus.request(group.reserve, EMPTY, options);
  return anyone.kind === 'reply' || anyone.kind === 'timeout';
}
