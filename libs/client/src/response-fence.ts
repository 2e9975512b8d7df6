import type { ResponseId, TurnId } from '@parley/model';

/**
 * Which responses may still be seen and heard. An interruption that starts here takes effect in the same tick: what
 * the server had already sent is dropped on arrival. It covers every response known by then and every turn sent by
 * then whose response is not known yet, and never a later one, as the server's does (design §5, "Interrupts").
 *
 * Entries stay for the life of the connection: a fence that forgets lets stale output through.
 */
export class ResponseFence {
  private readonly responses = new Map<ResponseId, { fenced: boolean }>();
  private readonly pending = new Map<TurnId, { eventId: string; fenced: boolean }>();

  turnSent(turnId: TurnId, eventId: string): void {
    this.pending.set(turnId, { eventId, fenced: false });
  }

  /** The turn that was sent with this event id and refused; it will have no response. */
  turnRefused(eventId: string): TurnId | undefined {
    for (const [turnId, turn] of this.pending) {
      if (turn.eventId !== eventId) continue;
      this.pending.delete(turnId);
      return turnId;
    }
    return undefined;
  }

  /** Returns true when the response is fenced from its start: the user interrupted before it was announced. */
  accepted(turnId: TurnId, responseId: ResponseId): boolean {
    const fenced = this.pending.get(turnId)?.fenced ?? false;
    this.pending.delete(turnId);
    this.known(responseId);
    return fenced && this.fence(responseId);
  }

  known(responseId: ResponseId): void {
    if (!this.responses.has(responseId)) this.responses.set(responseId, { fenced: false });
  }

  /** Fences one response, or without an id all there are; returns those that were open until now. */
  interrupt(responseId?: ResponseId): ResponseId[] {
    if (responseId !== undefined) return this.fence(responseId) ? [responseId] : [];
    for (const turn of this.pending.values()) turn.fenced = true;
    return [...this.responses.keys()].filter((id) => this.fence(id));
  }

  blocks(responseId: ResponseId): boolean {
    return this.responses.get(responseId)?.fenced ?? false;
  }

  private fence(responseId: ResponseId): boolean {
    if (this.blocks(responseId)) return false;
    this.responses.set(responseId, { fenced: true });
    return true;
  }
}
