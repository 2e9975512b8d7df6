import type { SegmentTimings, Viseme } from '@parley/model';

/**
 * A face that is drawn by the client from visemes. Stateless: each stretch of a segment carries what is needed, so any
 * worker can animate any stretch. (Vendor avatars with media of their own will be another port.)
 */
export interface AvatarPort {
  /**
   * Visemes of one stretch, in order, not overlapping, within [startMs, endMs], ms from the segment's first sample. A
   * stretch that speaks has at least one viseme other than `sil`; one without text has none or only `sil`.
   */
  animate(timings: SegmentTimings): Viseme[];
}
