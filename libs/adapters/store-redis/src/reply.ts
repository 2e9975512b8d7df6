import { InvariantError } from '@parley/model';

/** Reads the array a script returns: the kind of its outcome, then numbers and bytes in an order of its own. */
export class Reply {
  readonly kind: string;
  private readonly items: readonly unknown[];

  constructor(reply: unknown) {
    if (!Array.isArray(reply)) throw new InvariantError('the script did not return an array');
    this.items = reply;
    const kind: unknown = this.items[0];
    if (!Buffer.isBuffer(kind)) throw new InvariantError('the script returned no kind of outcome');
    this.kind = kind.toString('latin1');
  }

  integer(index: number): number {
    return integerOf(this.items[index]);
  }

  bytes(index: number): Uint8Array | undefined {
    const item = this.items[index];
    if (item === null || item === undefined) return undefined;
    if (!Buffer.isBuffer(item)) throw new InvariantError('the script returned something else than bytes');
    return ownBytes(item);
  }
}

/** A copy of its own: the parser's buffers are slices of what the socket read. */
export const ownBytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer);

/** An integer as a script returns it, or as a field of a hash holds it. */
export function integerOf(value: unknown): number {
  const number = Buffer.isBuffer(value) ? Number(value.toString('latin1')) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new InvariantError('Redis holds no integer there');
  return number;
}
