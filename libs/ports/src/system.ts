/** Time, timers, ids and randomness: ports with one adapter each, so that a session can be simulated and replayed. */
export interface ClockPort {
  /** Monotonic milliseconds, with fractions. Comparable within one process only. */
  nowMs(): number;
  /** Milliseconds since 1970, for what leaves the process with a date (session.expires_at, logs). */
  wallMs(): number;
}

/** Stops a timer; calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

export interface TimersPort {
  /** Runs `callback` once after at least `delayMs`; never synchronously. */
  after(delayMs: number, callback: () => void): CancelTimer;
  /** Runs `callback` again and again, first after `periodMs`. */
  every(periodMs: number, callback: () => void): CancelTimer;
}

export interface RandomPort {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** `bytes` random bytes as lower-case hex, unguessable in production. */
  hex(bytes: number): string;
}

/** How late the event loop is: how long what arrives waits for what runs. */
export interface LoopLagPort {
  /**
   * Calls `listener` a few times a second with the lag of the last second, in ms: one in ten of what arrived in it, at any moment, has
   * waited longer. Returns the end of this interest.
   */
  watch(listener: (lagMs: number) => void): CancelTimer;
}

export interface SystemPorts {
  clock: ClockPort;
  timers: TimersPort;
  random: RandomPort;
  loopLag: LoopLagPort;
  /**
   * Runs a callback once, in order, when the present turn of the event loop has read its sockets. Not a timer, which
   * takes a millisecond, and not a microtask, which comes before the other sockets: what is gathered until then leaves
   * together. It cannot be cancelled.
   */
  schedule: (callback: () => void) => void;
}
