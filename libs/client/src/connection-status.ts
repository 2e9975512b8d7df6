import { unreachable } from '@parley/model';

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
  /** The server still held the connection but did not answer a ping. */
  | { kind: 'unresponsive'; afterMs: number }
  /** `close()` was called. */
  | { kind: 'closed_by_client' };

export type ConnectionStatus =
  { phase: 'idle' } | { phase: 'connecting' } | { phase: 'open' } | { phase: 'closed'; reason: ClosedReason };

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
      return `the gateway closed the connection (${reason.code}${reason.reason === '' ? '' : `: ${reason.reason}`})`;
    case 'lost':
      return 'the connection broke';
    case 'unresponsive':
      return `the gateway stopped answering (no pong within ${Math.round(reason.afterMs / 1000)} s)`;
    case 'closed_by_client':
      return 'closed';
    default:
      return unreachable(reason);
  }
}
