import { subjects, workGroups, type Claim, type ClaimReply, type Incarnation, type Opening } from '@parley/model';
import type { BusPort } from '@parley/ports';
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
  /** Its owner lives after all. */
  | { kind: 'owned'; target: Omit<ClaimTarget, 'attachment'> }
  | { kind: 'full' }
  | { kind: 'superseded' }
  | { kind: 'gone' }
  | { kind: 'unavailable' };

/** A final word, probe included (design §5: 150 ms for an answer, 600 ms when the old owner is probed). */
const CLAIM_TIMEOUT_MS = 750;
const CLAIM_TRIES = 3;

/** Asks the group of orchestrators to carry a session; each try may reach another member. */
export async function claimSession(bus: BusPort, claim: Claim, traceparent: string): Promise<ClaimOutcome> {
  let outcome: ClaimOutcome = { kind: 'unavailable' };
  for (let attempt = 0; attempt < CLAIM_TRIES; attempt++) {
    let reply = replyOf(await askGroup(bus, workGroups.claim, questionOf(claim, traceparent)));
    if (reply === 'nobody') return outcome;
    // A new connection is attached by whoever owns the session.
    if (reply?.kind === 'owned' && claim.attach.kind === 'resume') {
      reply = replyOf(await ask(bus, subjects.ownerClaim(reply.owner), questionOf(claim, traceparent)));
    }
    if (reply === undefined || reply === 'nobody') continue;
    const answered = outcomeOf(reply);
    if (answered.kind !== 'full' && answered.kind !== 'unavailable') return answered;
    outcome = answered;
  }
  return outcome;
}

const questionOf = (body: Claim, traceparent: string) => ({
  traceparent,
  body,
  reply: busSchemas.claimReply,
  timeoutMs: CLAIM_TIMEOUT_MS,
  isFinal: (reply: ClaimReply) => reply.kind !== 'probing',
});

/** `nobody`: no one is there to answer. Undefined: asking again may help. */
function replyOf(answer: Answer<ClaimReply>): ClaimReply | 'nobody' | undefined {
  if (answer.kind === 'no-responders' || answer.kind === 'disconnected') return 'nobody';
  return answer.kind === 'answer' ? answer.body : undefined;
}

function outcomeOf(reply: ClaimReply): ClaimOutcome {
  switch (reply.kind) {
    case 'granted': {
      const { attachment, epoch, opening, owner } = reply;
      return { kind: 'granted', target: { owner, epoch, attachment }, opening };
    }
    case 'owned':
      return { kind: 'owned', target: { owner: reply.owner, epoch: reply.epoch } };
    case 'full':
    case 'superseded':
    case 'gone':
      return reply;
    case 'probing':
      return { kind: 'unavailable' };
  }
}
