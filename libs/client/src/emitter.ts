/** Listeners by event name, called in the order they were added. `Events` maps a name to what its listeners get. */
export class Emitter<Events extends object> {
  private readonly listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {};

  /** Adds a listener; the result removes it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const set: Set<(event: Events[Name]) => void> = this.listeners[name] ?? new Set();
    this.listeners[name] = set;
    set.add(listener);
    return () => {
      set.delete(listener);
    };
  }

  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.listeners[name] ?? []) listener(event);
  }
}
