import { workGroups, type Claim, type Incarnation } from '@parley/model';
import type { BusPort } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { askGroup } from '@parley/service-link';

/** Who carries a session now. */
export interface ClaimTarget {
  owner: Incarnation;
  epoch: number;
  attachment: number;
}

export type ClaimOutcome =
  | { kind: 'granted'; target: ClaimTarget }
  /** Its owner lives after all. */
  | { kind: 'owned'; target: Omit<ClaimTarget, 'attachment'> }
  | { kind: 'full' }
  | { kind: 'gone' }
  | { kind: 'unavailable' };

/** A final word, probe included (design §5: 150 ms for an answer, 600 ms when the old owner is probed). */
const CLAIM_TIMEOUT_MS = 750;
const CLAIM_TRIES = 3;

/** Asks the group of orchestrators to carry a session; each try may reach another member. */
export async function claimSession(bus: BusPort, claim: Claim, traceparent: string): Promise<ClaimOutcome> {
  let outcome: ClaimOutcome = { kind: 'unavailable' };
  for (let attempt = 0; attempt < CLAIM_TRIES; attempt++) {
    const answer = await askGroup(bus, workGroups.claim, {
      traceparent,
      body: claim,
      reply: busSchemas.claimReply,
      timeoutMs: CLAIM_TIMEOUT_MS,
      isFinal: (reply) => reply.kind !== 'probing',
    });
    if (answer.kind === 'no-responders' || answer.kind === 'disconnected') return outcome;
    if (answer.kind !== 'answer') continue;
    const { body } = answer;
    if (body.kind === 'granted') {
      return { kind: 'granted', target: { owner: body.owner, epoch: body.epoch, attachment: body.attachment } };
    }
    if (body.kind === 'owned') return { kind: 'owned', target: { owner: body.owner, epoch: body.epoch } };
    if (body.kind === 'gone') return { kind: 'gone' };
    outcome = { kind: 'full' };
  }
  return outcome;
}
