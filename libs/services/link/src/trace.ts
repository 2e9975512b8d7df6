import type { RandomPort } from '@parley/ports';

/** A new trace (W3C Trace Context, sampled). Each client input begins one; everything it causes carries it. */
export const newTraceparent = (random: RandomPort): string => `00-${random.hex(16)}-${random.hex(8)}-01`;
