import type { ResponseId } from './ids';

/** Delivered samples of one segment, counted at the socket: what the gateway has written to the client. */
export interface SegmentDelivery {
  attempt: number;
  /** Contiguous samples written from the segment's start. */
  samples: number;
  /** The segment's last sample is among them, so `samples` is its total. */
  last: boolean;
}

/** What the client's ear got of one response, as the gateway knows it. */
export interface ResponseDelivery {
  lane: number;
  ordinal: number;
  responseId: ResponseId;
  /** By segment index, without holes: segment n+1 is not written before n's last sample. */
  segments: SegmentDelivery[];
  /** Playhead: samples played from the response's first sample; never more than were delivered. */
  playedSamples: number;
  /** The client said it has played the response to its end. */
  ended: boolean;
  /** The closing events (`response.done`) were written to the connection. */
  closed: boolean;
  /** The rendering in whose audio there was a hole: what follows it is not written. Null: none is known of. */
  holedAttempt: number | null;
}

/**
 * What a client that comes back has of a response, as it says itself. It names the newest response that it knows and every
 * other one that it has not finished with; of one that is newer than all it names it has nothing.
 */
export interface ReceivedResponse {
  responseId: ResponseId;
  /** Samples received by segment, from the first one on; all but the last are complete. */
  samples: number[];
  /** Heard of them, from the response's first sample. */
  playedSamples: number;
  /** `response.done` was received, and with it all there is to hear. */
  done: boolean;
}

export const deliveredSamples = (delivery: Pick<ResponseDelivery, 'segments'>): number =>
  delivery.segments.reduce((sum, segment) => sum + segment.samples, 0);
