import type { VisemeName, WireViseme } from '@parley/model';

/** How the mouth stands; each part from 0 to 1. */
export interface Mouth {
  open: number;
  /** Corners apart. */
  wide: number;
  /** Lips rounded. */
  round: number;
  /** Upper teeth seen. */
  teeth: number;
}

export const CLOSED: Mouth = { open: 0, wide: 0.5, round: 0, teeth: 0 };

/** Proportions after the usual ARKit recipes for the Oculus visemes, exaggerated for a drawing. */
const SHAPES: Record<VisemeName, Mouth> = {
  sil: CLOSED,
  PP: { open: 0, wide: 0.4, round: 0.1, teeth: 0 },
  FF: { open: 0.14, wide: 0.5, round: 0, teeth: 1 },
  TH: { open: 0.24, wide: 0.5, round: 0, teeth: 0.8 },
  DD: { open: 0.28, wide: 0.55, round: 0, teeth: 0.6 },
  kk: { open: 0.34, wide: 0.5, round: 0, teeth: 0.3 },
  CH: { open: 0.26, wide: 0.3, round: 0.6, teeth: 0.7 },
  SS: { open: 0.14, wide: 0.7, round: 0, teeth: 1 },
  nn: { open: 0.2, wide: 0.55, round: 0, teeth: 0.4 },
  RR: { open: 0.28, wide: 0.35, round: 0.5, teeth: 0.3 },
  aa: { open: 1, wide: 0.6, round: 0, teeth: 0.4 },
  E: { open: 0.55, wide: 0.8, round: 0, teeth: 0.6 },
  I: { open: 0.34, wide: 0.9, round: 0, teeth: 0.8 },
  O: { open: 0.7, wide: 0.25, round: 0.8, teeth: 0 },
  U: { open: 0.36, wide: 0.1, round: 1, teeth: 0 },
};

/** Half the time over which neighbouring sounds shape each other; longer swallows the closed lips of a "p". */
const BLEND_MS = 30;

/**
 * The mouth at a position of a response: the mean of what `visemes` (in order, not overlapping) say around it, silence
 * where they say nothing. So it moves without jumps and lags by nothing.
 */
export function mouthAt(visemes: readonly WireViseme[], positionMs: number): Mouth {
  const from = positionMs - BLEND_MS;
  const to = positionMs + BLEND_MS;
  const mouth = { open: 0, wide: 0, round: 0, teeth: 0 };
  let silentMs = to - from;
  for (const { viseme, start_ms, duration_ms } of visemes) {
    if (start_ms >= to) break;
    const overlapMs = Math.min(to, start_ms + duration_ms) - Math.max(from, start_ms);
    if (overlapMs <= 0) continue;
    silentMs -= overlapMs;
    add(mouth, SHAPES[viseme], overlapMs / (to - from));
  }
  add(mouth, CLOSED, Math.max(0, silentMs) / (to - from));
  return mouth;
}

/** A step of a mouth that fell silent out of turn: closed for good within some 100 ms. */
export function closing(mouth: Mouth, elapsedMs: number): Mouth {
  const kept = Math.exp(-elapsedMs / 25);
  if (mouth.open * kept < 0.02) return CLOSED;
  const next = { open: 0, wide: 0, round: 0, teeth: 0 };
  add(next, mouth, kept);
  add(next, CLOSED, 1 - kept);
  return next;
}

function add(sum: Mouth, part: Mouth, weight: number): void {
  sum.open += part.open * weight;
  sum.wide += part.wide * weight;
  sum.round += part.round * weight;
  sum.teeth += part.teeth * weight;
}
