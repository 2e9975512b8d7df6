import type { Viseme, VisemeName } from '@parley/model';

/** A mouth shape with its share of a stretch of time. */
export interface WeightedViseme {
  viseme: VisemeName;
  weight: number;
}

/** Lays shapes out over a stretch, each as long as its weight says; equal neighbours become one. */
export function layOut(shapes: readonly WeightedViseme[], startMs: number, durationMs: number): Viseme[] {
  const total = shapes.reduce((sum, { weight }) => sum + weight, 0);
  let at = startMs;
  return mergeEqual(
    shapes.map(({ viseme, weight }) => {
      const laid = { viseme, startMs: at, durationMs: (durationMs * weight) / total };
      at += laid.durationMs;
      return laid;
    }),
  );
}

/** Equal shapes that touch become one: a mouth that does not move needs no event. */
export function mergeEqual(visemes: readonly Viseme[]): Viseme[] {
  const merged: Viseme[] = [];
  for (const viseme of visemes) {
    const before = merged.at(-1);
    if (before?.viseme === viseme.viseme && viseme.startMs - endOf(before) < TOUCHING_MS) {
      before.durationMs = endOf(viseme) - before.startMs;
    } else {
      merged.push({ ...viseme });
    }
  }
  return merged;
}

export const endOf = (viseme: Viseme): number => viseme.startMs + viseme.durationMs;

/** Sums of fractions do not meet exactly. */
const TOUCHING_MS = 0.5;
