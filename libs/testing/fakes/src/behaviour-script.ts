/**
 * Decides what happens to each request of one kind: a queued one-shot behaviour first, then the rules in the order they were
 * added, then the default. A refused request takes nothing from the queue.
 */
export class BehaviourScript<Request, Behaviour> {
  readonly #queue: Behaviour[] = [];
  readonly #rules = new Set<(request: Request) => Behaviour | undefined>();
  #fallback: Behaviour;

  constructor(fallback: Behaviour) {
    this.#fallback = fallback;
  }

  next(behaviour: Behaviour): void {
    this.#queue.push(behaviour);
  }

  setDefault(behaviour: Behaviour): void {
    this.#fallback = behaviour;
  }

  /** The answer takes the rule away again. */
  rule(rule: (request: Request) => Behaviour | undefined): () => void {
    // A function of its own, so that the same rule can be added twice.
    const entry = (request: Request): Behaviour | undefined => rule(request);
    this.#rules.add(entry);
    return () => void this.#rules.delete(entry);
  }

  choose(request: Request): Behaviour {
    const queued = this.#queue.shift();
    if (queued !== undefined) return queued;
    for (const rule of this.#rules) {
      const behaviour = rule(request);
      if (behaviour !== undefined) return behaviour;
    }
    return this.#fallback;
  }
}
