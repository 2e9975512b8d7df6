import { PIECE_MAX_BYTES, type Opening, type OwnerOutput } from '@parley/model';
import type { AtOnceEffect } from '@parley/turn-engine';
import type { OutboxEntry } from './outbox';

/** What one write covers, and what leaves after it. */
export interface Batch {
  outputs: OutboxEntry[];
  /** What would have started at once, but for a doubt whether the session is still this process's. */
  deferred: AtOnceEffect[];
  closeReason: string | undefined;
  /** It holds durable inputs, which are answered then. */
  hasInputs: boolean;
  /** A connection that begins with it. */
  opening: Omit<Opening, 'afterOutSeq'> | undefined;
}

export const isEmpty = ({ outputs, deferred, closeReason, hasInputs, opening }: Batch): boolean =>
  outputs.length === 0 && deferred.length === 0 && closeReason === undefined && !hasInputs && opening === undefined;

export const newBatch = (): Batch => ({
  outputs: [],
  deferred: [],
  closeReason: undefined,
  hasInputs: false,
  opening: undefined,
});

/** What it tells fills a message: what else waits is for the next one. A client can have much said with little. */
export const isFull = ({ outputs }: Batch): boolean =>
  outputs.reduce((sum, { bytes }) => sum + bytes, 0) >= PIECE_MAX_BYTES;

/** Nothing but a response that the store knows goes on with it: what a store that is away must not hold up. */
export const mayLeaveUnwritten = ({ outputs, closeReason, hasInputs, opening }: Batch): boolean =>
  closeReason === undefined &&
  !hasInputs &&
  opening === undefined &&
  outputs.every(({ output }) => isOfWhatRuns(output));

/**
 * A function that is called, an interruption or a failure that was told must not be forgotten: a successor would call it again,
 * undo it, or take what was cut for heard.
 */
function isOfWhatRuns(output: OwnerOutput): boolean {
  if (output.kind === 'event') return ['parley.state', 'parley.turn.metrics'].includes(output.event.type);
  return output.kind === 'text' || (output.kind === 'end' && output.status !== 'failed');
}
