import { CLOSE_CODES, unreachable } from '@parley/model';

/** Why there is no connection (any more). */
export type ClosedReason =
  /** Never opened: no server there, or the upgrade was refused. Browsers do not tell the two apart: no status there. */
  | { kind: 'not_opened'; httpStatus?: number; message?: string }
  | { kind: 'connect_timeout'; afterMs: number }
  /** The server is none of ours, or speaks another version. */
  | { kind: 'wrong_protocol'; selected: string }
  /** The server closed it and said why. */
  | { kind: 'closed_by_server'; code: number; reason: string }
  /** It broke without a word. */
  | { kind: 'lost' }
  /** Nothing came any more, not even the answer to a ping. */
  | { kind: 'unresponsive'; afterMs: number }
  /** The server stops and said so in time: the session goes on with another connection, and nothing was lost. */
  | { kind: 'server_restarting' }
  /** `close()` was called. */
  | { kind: 'closed_by_client' };

export type ConnectionStatus =
  | { phase: 'idle' }
  /** For the first time. */
  | { phase: 'connecting' }
  /** The session is there. */
  | { phase: 'open' }
  /**
   * The connection was lost for this reason, or the try before this one failed for it. The session is tried to be resumed
   * after `delayMs`: `attempt` 1 at once, up to 8.
   */
  | { phase: 'reconnecting'; attempt: number; delayMs: number; reason: ClosedReason }
  /** For good. */
  | { phase: 'closed'; reason: ClosedReason };

/** A sentence for people. */
export function describeClosedReason(reason: ClosedReason): string {
  switch (reason.kind) {
    case 'not_opened':
      if (reason.httpStatus !== undefined) return `the gateway refused the connection (HTTP ${reason.httpStatus})`;
      return reason.message === undefined ? 'the connection could not be opened' : reason.message;
    case 'connect_timeout':
      return `the gateway did not answer within ${Math.round(reason.afterMs / 1000)} s`;
    case 'wrong_protocol':
      return 'the server does not speak parley.v1';
    case 'closed_by_server':
      if (reason.code === CLOSE_CODES.resumedElsewhere) return 'the conversation goes on over another connection';
      return `the gateway closed the connection (${reason.code}${reason.reason === '' ? '' : `: ${reason.reason}`})`;
    case 'lost':
      return 'the connection broke';
    case 'unresponsive':
      return `the gateway stopped answering (nothing for ${Math.round(reason.afterMs / 1000)} s)`;
    case 'server_restarting':
      return 'the gateway restarts';
    case 'closed_by_client':
      return 'closed';
    default:
      return unreachable(reason);
  }
}
