import { CLOSE_CODES } from '@parley/model';
import type { ClientSystem } from './client-system';
import type { ClosedReason } from './connection-status';

/** The first try comes at once, spread over so long: the clients of a dead gateway shall not all come together. */
export const FIRST_TRY_WITHIN_MS = 200;
/** Of the time that a server which stops gives; the rest is for the new connection to stand. */
const MOVE_SHARE = 0.5;
/**
 * The pauses before the two tries after that one, spread from half to one and a half of it: behind the same address there
 * is mostly a gateway that neither stops nor starts, and a client of one that stops is to be back within 2 s.
 */
export const SHORT_DELAYS_MS: readonly number[] = [200, 600];
/** RT9: the pauses before the last five tries. */
export const RETRY_DELAYS_MS: readonly number[] = [2_000, 4_000, 8_000, 16_000, 30_000];
/**
 * A connection that did not stand for so long was no success: a session that breaks each of its connections would be
 * taken up again for ever, and at once.
 */
export const STEADY_MS = 2_000;

/** `attempt`: 1 for the try at once, up to 8. `delayMs`: the pause before it. */
export interface Retry {
  attempt: number;
  delayMs: number;
}

/** When a lost connection is tried again. It holds no timer. */
export class Reconnection {
  private tries = 0;
  private begunAtMs: number | undefined;

  constructor(private readonly random: ClientSystem['random']) {}

  /** A connection has its session. */
  begun(nowMs: number): void {
    this.begunAtMs = nowMs;
  }

  /** The server has asked for another connection. That is nobody's failure: the try for it comes at once, and is the first. */
  moves(): Retry {
    this.begunAtMs = undefined;
    this.tries = 1;
    return { attempt: 1, delayMs: 0 };
  }

  /** The try that follows a lost connection or a failed try; undefined: all were made. */
  next(nowMs: number): Retry | undefined {
    if (this.begunAtMs !== undefined && nowMs - this.begunAtMs >= STEADY_MS) this.tries = 0;
    this.begunAtMs = undefined;
    const delayMs = this.tries === 0 ? this.fraction() * FIRST_TRY_WITHIN_MS : this.pauseAfter(this.tries);
    if (delayMs === undefined) return undefined;
    this.tries += 1;
    return { attempt: this.tries, delayMs };
  }

  /** A moment for this client of many, in ms from now. */
  moveInMs(withinMs: number): number {
    return this.fraction() * withinMs * MOVE_SHARE;
  }

  private pauseAfter(tries: number): number | undefined {
    const shortMs = SHORT_DELAYS_MS[tries - 1];
    if (shortMs !== undefined) return shortMs * (0.5 + this.fraction());
    return RETRY_DELAYS_MS[tries - 1 - SHORT_DELAYS_MS.length];
  }

  private fraction(): number {
    return Number.parseInt(this.random.hex(2), 16) / 0x1_0000;
  }
}

/** After these the server would answer the next connection no better, or the user wants none. */
const FINAL_CODES: ReadonlySet<number> = new Set([
  CLOSE_CODES.normal,
  CLOSE_CODES.protocolError,
  CLOSE_CODES.unsupportedData,
  CLOSE_CODES.invalidText,
  CLOSE_CODES.policyViolation,
  CLOSE_CODES.messageTooBig,
  CLOSE_CODES.resumedElsewhere,
]);

/** Whether a session may be resumed after its connection, or a try to get it back, has ended like this. */
export function isWorthRetrying(reason: ClosedReason): boolean {
  switch (reason.kind) {
    case 'lost':
    case 'unresponsive':
    case 'connect_timeout':
    case 'server_restarting':
      return true;
    case 'closed_by_server':
      return !FINAL_CODES.has(reason.code);
    case 'not_opened':
      return reason.httpStatus === undefined || reason.httpStatus < 400 || reason.httpStatus >= 500;
    case 'wrong_protocol':
    case 'closed_by_client':
      return false;
  }
}
