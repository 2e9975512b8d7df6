import type { Opening } from '@parley/model';
import type { OutboxEntry } from './outbox';

/** What one write covers, and what leaves after it. */
export interface Batch {
  outputs: OutboxEntry[];
  closeReason: string | undefined;
  /** It holds durable inputs, which are answered then. */
  hasInputs: boolean;
  /** A connection that begins with it. */
  opening: Omit<Opening, 'afterOutSeq'> | undefined;
}

export const isEmpty = ({ outputs, closeReason, hasInputs, opening }: Batch): boolean =>
  outputs.length === 0 && closeReason === undefined && !hasInputs && opening === undefined;

export const newBatch = (): Batch => ({ outputs: [], closeReason: undefined, hasInputs: false, opening: undefined });
