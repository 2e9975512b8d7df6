import { subjects, workGroups, type Claim, type ClaimReply, type Incarnation, type Opening } from '@parley/model';
import type { BusPort, SystemPorts } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, askGroup, type Answer } from '@parley/service-link';

/** Who carries a session now. */
export interface ClaimTarget {
  owner: Incarnation;
  epoch: number;
  attachment: number;
}

export type ClaimOutcome =
  | { kind: 'granted'; target: ClaimTarget; opening: Opening | null }
  | { kind: 'full' }
  | { kind: 'superseded' }
  | { kind: 'gone' }
  | { kind: 'unavailable' };

/** An orchestrator that lives decides or says `probing` within so long (design §5). After a longer silence another one is asked too. */
const FIRST_WORD_MS = 150;
/** A final word, probe included (design §5: 600 ms when the old owner is probed). */
const CLAIM_TIMEOUT_MS = 750;
/** One that is stopped keeps its share of the claims. Where it is one of two, all of these reach it once in 256 times. */
const CLAIM_TRIES = 8;
const FULL_ANSWERS = 3;

/** Asks the group of orchestrators to carry a session; each try may reach another member. */
export const claimSession = (
  ports: { bus: BusPort; system: SystemPorts },
  claim: Claim,
  traceparent: string,
): Promise<ClaimOutcome> =>
  new Promise((resolve, reject) => new Claiming(ports, claim, traceparent, resolve, reject).tryNext());

/**
 * The same for a session that has had an owner. Where nobody can decide, that one is asked itself: as long as it lives it knows
 * without a store, which may be away for all, and however many have no room.
 */
export async function reclaimSession(
  ports: { bus: BusPort; system: SystemPorts },
  claim: Claim,
  traceparent: string,
  owner: Incarnation,
): Promise<ClaimOutcome> {
  const outcome = await claimSession(ports, claim, traceparent);
  if (outcome.kind !== 'unavailable' && outcome.kind !== 'full') return outcome;
  const answer = await ask(ports.bus, subjects.ownerClaim(owner), {
    ...{ traceparent, body: claim, reply: busSchemas.claimReply, timeoutMs: CLAIM_TIMEOUT_MS },
    isFinal: ({ kind }) => kind !== 'probing',
  });
  return (answer.kind === 'answer' ? outcomeOf(answer.body) : undefined) ?? outcome;
}

/** Undefined: another one may know more. */
function outcomeOf(reply: ClaimReply): ClaimOutcome | undefined {
  switch (reply.kind) {
    case 'granted': {
      const { owner, epoch, attachment, opening } = reply;
      return { kind: 'granted', target: { owner, epoch, attachment }, opening };
    }
    case 'superseded':
    case 'gone':
      return reply;
    case 'full':
    case 'owned':
    case 'probing':
      return undefined;
  }
}

/**
 * One claim, asked until there is a word. A member that is silent may still answer, so it is waited for beside the next one.
 * That two of them take the session is for the store to prevent: it lets one win each epoch. A winner whose answer came
 * too late answers the same to the next claim; an older one disowns the session at its first input.
 */
class Claiming {
  private tries = 0;
  private open = 0;
  private full = 0;
  private readonly settled = new AbortController();

  constructor(
    private readonly ports: { bus: BusPort; system: SystemPorts },
    private readonly claim: Claim,
    private readonly traceparent: string,
    private readonly resolve: (outcome: ClaimOutcome) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  /** `toReserve`: whoever is stopped stays in the group, and may be the only one there; in reserve are all. */
  tryNext(toReserve = false): void {
    if (this.tries === CLAIM_TRIES || this.settled.signal.aborted) return;
    this.tries++;
    this.open++;
    let hasHandedOn = false;
    const handOn = (wasSilent: boolean): void => {
      stopWaiting();
      if (!hasHandedOn) this.tryNext(wasSilent);
      hasHandedOn = true;
    };
    const stopWaiting = this.ports.system.timers.after(FIRST_WORD_MS, () => handOn(true));
    const onAnswer = (answer: Answer<ClaimReply>): void => {
      this.open--;
      this.take(answer);
      handOn(false);
      if (this.open === 0) this.settle({ kind: this.full > 0 ? 'full' : 'unavailable' });
    };
    this.asked(toReserve, stopWaiting)
      .then(onAnswer)
      .catch((error: unknown) => {
        stopWaiting();
        this.reject(error);
      });
  }

  private async asked(toReserve: boolean, onFirstWord: () => void): Promise<Answer<ClaimReply>> {
    const { bus } = this.ports;
    const question = {
      traceparent: this.traceparent,
      body: this.claim,
      reply: busSchemas.claimReply,
      timeoutMs: CLAIM_TIMEOUT_MS,
      signal: this.settled.signal,
      isFinal: (reply: ClaimReply) => {
        onFirstWord();
        return reply.kind !== 'probing';
      },
    };
    const answer = await (toReserve
      ? ask(bus, workGroups.claim.reserve, question)
      : askGroup(bus, workGroups.claim, question));
    if (answer.kind !== 'answer' || answer.body.kind !== 'owned') return answer;
    // Only its owner can attach a connection, and nobody else tells it that one it gave up is there after all. An owner that is gone
    // meanwhile has a successor to ask.
    const attached = await ask(bus, subjects.ownerClaim(answer.body.owner), question);
    return attached.kind === 'no-responders' ? { kind: 'timeout' } : attached;
  }

  private take(answer: Answer<ClaimReply>): void {
    // Nobody else would be there either.
    if (answer.kind === 'no-responders' || answer.kind === 'disconnected') this.tries = CLAIM_TRIES;
    if (answer.kind !== 'answer') return;
    const { body } = answer;
    const outcome = outcomeOf(body);
    if (outcome) this.settle(outcome);
    else if (body.kind === 'full' && ++this.full === FULL_ANSWERS) this.settle(body);
  }

  /** The first outcome counts; what is still asked is no longer waited for. */
  private settle(outcome: ClaimOutcome): void {
    this.resolve(outcome);
    this.settled.abort();
  }
}
