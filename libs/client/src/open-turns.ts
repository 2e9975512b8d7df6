import type { ResponseId, TurnId } from '@parley/model';

/** The user's turns whose answers are still owed: said, and neither refused nor answered to the end. */
export class OpenTurns {
  private readonly turns = new Map<TurnId, ResponseId | undefined>();

  get some(): boolean {
    return this.turns.size > 0;
  }

  said(turnId: TurnId): void {
    this.turns.set(turnId, undefined);
  }

  accepted(turnId: TurnId, responseId: ResponseId): void {
    if (this.turns.has(turnId)) this.turns.set(turnId, responseId);
  }

  /** It will not be answered. Returns whether an answer was still owed. */
  givenUp(turnId: TurnId): boolean {
    return this.turns.delete(turnId);
  }

  answered(responseId: ResponseId): void {
    for (const [turnId, id] of this.turns) if (id === responseId) this.turns.delete(turnId);
  }

  all(): TurnId[] {
    return [...this.turns.keys()];
  }
}
