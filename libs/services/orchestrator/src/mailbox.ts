import type { EngineInput } from '@parley/turn-engine';

/** Inputs of one session in order of arrival; whoever runs them takes all that wait. */
export class Mailbox {
  private waiting: EngineInput[] = [];

  /** A newer report replaces one that waits: it says everything the older one said. */
  push(input: EngineInput): void {
    if (input.kind === 'reported' && this.waiting.at(-1)?.kind === 'reported') this.waiting.pop();
    this.waiting.push(input);
  }

  takeAll(): EngineInput[] {
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }
}
