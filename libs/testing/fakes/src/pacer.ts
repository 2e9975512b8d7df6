interface Entry {
  readonly dueMs: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

const isBefore = (a: Entry, b: Entry): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/**
 * One timer for everything that waits: hundreds of paced streams cost one wake-up per due moment instead of a timer each.
 *
 * P1  A callback never runs before its due time, and never inside `at`.
 * P2  Callbacks run by due time, equal ones in the order they were asked for.
 * P3  When nothing waits, no timer exists.
 */
export class Pacer {
  readonly #heap: Entry[] = [];
  #waiting = 0;
  #asked = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedForMs = Infinity;
  #closed = false;

  /** Milliseconds on the monotonic clock that due times count on. */
  nowMs(): number {
    return performance.now();
  }

  /** Runs the callback at `dueMs`; the answer takes it back. After {@link close} nothing runs. */
  at(dueMs: number, callback: () => void): () => void {
    if (this.#closed) return () => undefined;
    const entry: Entry = { dueMs, order: (this.#asked += 1), callback };
    this.#push(entry);
    this.#waiting += 1;
    this.#arm();
    return () => this.#cancel(entry);
  }

  /** Drops everything that waits, and the timer. */
  close(): void {
    this.#closed = true;
    this.#waiting = 0;
    this.#arm();
  }

  #cancel(entry: Entry): void {
    if (entry.callback === undefined) return;
    entry.callback = undefined;
    this.#waiting -= 1;
    if (this.#waiting <= 0) this.#arm();
  }

  #arm(): void {
    if (this.#waiting <= 0) {
      this.#heap.length = 0;
      this.#waiting = 0;
    }
    const first = this.#heap[0];
    if (first !== undefined && first.dueMs >= this.#armedForMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = Infinity;
    if (first === undefined) return;
    this.#armedForMs = first.dueMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, Math.ceil(first.dueMs - this.nowMs())));
  }

  #fire(): void {
    const nowMs = this.nowMs();
    this.#armedForMs = Infinity;
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop();
      const { callback } = first;
      if (callback === undefined) continue;
      first.callback = undefined;
      this.#waiting -= 1;
      callback();
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt += 1;
      }
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}
