import type { EngineInput } from '@parley/turn-engine';

const isOfClient = ({ kind }: EngineInput): boolean => kind === 'client' || kind === 'attached' || kind === 'resumed';

/** Inputs of one session in order of arrival; whoever runs them takes each that waits, or each but those of its client. */
export class Mailbox {
  private waiting: EngineInput[] = [];

  /** A newer report replaces one that waits: it says everything the older one said. */
  push(input: EngineInput): void {
    if (input.kind === 'reported' && this.waiting.at(-1)?.kind === 'reported') this.waiting.pop();
    this.waiting.push(input);
  }

  /** The oldest. `heldBack`: what the client says goes on waiting, in order. */
  take(heldBack: boolean): EngineInput | undefined {
    const at = heldBack ? this.waiting.findIndex((input) => !isOfClient(input)) : 0;
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0];
  }

  isEmpty(heldBack: boolean): boolean {
    return heldBack ? this.waiting.every(isOfClient) : this.waiting.length === 0;
  }
}
