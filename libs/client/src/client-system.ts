/**
 * Time and randomness of the surroundings, injected so that a client can be tested on virtual time. The server's
 * `SystemPorts` fit as they are.
 */
export interface ClientSystem {
  /** Monotonic milliseconds, with fractions. */
  clock: { nowMs(): number };
  timers: {
    /** Runs `callback` once after at least `delayMs`; the result stops it. */
    after(delayMs: number, callback: () => void): () => void;
  };
  random: {
    /** `bytes` random bytes as lower-case hex. */
    hex(bytes: number): string;
  };
}
