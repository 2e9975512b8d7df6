import type { EngineInput } from '@parley/turn-engine';

const isOfClient = ({ kind }: EngineInput): boolean => kind === 'client' || kind === 'attached' || kind === 'resumed';

/** Inputs of one session in order of arrival; whoever runs them takes all that wait, or all but those of its client. */
export class Mailbox {
  private waiting: EngineInput[] = [];

  /** A newer report replaces one that waits: it says everything the older one said. */
  push(input: EngineInput): void {
    if (input.kind === 'reported' && this.waiting.at(-1)?.kind === 'reported') this.waiting.pop();
    this.waiting.push(input);
  }

  /** `heldBack`: what the client says goes on waiting, in order. */
  takeAll(heldBack: boolean): EngineInput[] {
    const taken = heldBack ? this.waiting.filter((input) => !isOfClient(input)) : this.waiting;
    this.waiting = heldBack ? this.waiting.filter(isOfClient) : [];
    return taken;
  }

  isEmpty(heldBack: boolean): boolean {
    return heldBack ? this.waiting.every(isOfClient) : this.waiting.length === 0;
  }
}
