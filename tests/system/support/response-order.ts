import { EventOrder } from '../realtime/event-order';
import { itemIdOf, responseIdOf } from '../realtime/realtime-event';
import type { Arrival, WireEvent } from './test-client';

type Audio = Extract<Arrival, { kind: 'audio' }>;

/**
 * What is wrong with the order of what one client received: the order of the Realtime API and, of PROTOCOL.md, the segments
 * and samples of the audio and the last event of an interrupted response.
 */
export function orderFaults(arrivals: readonly Arrival[]): string[] {
  const order = new EventOrder();
  const voices = new Voices();
  const interrupted = new Set<string>();
  const faults: string[] = [];
  for (const arrival of arrivals) {
    const event = arrival.kind === 'audio' ? voices.deltaOf(arrival) : arrival.event;
    const responseId = responseIdOf(event);
    if (!event.type.startsWith('parley.')) {
      faults.push(...order.faults(event));
      if (interrupted.has(String(responseId))) faults.push(`${event.type} of ${responseId} after its interruption`);
    }
    if (event.type === 'parley.response.interrupted') interrupted.add(String(responseId));
    if (arrival.kind === 'audio') faults.push(...voices.place(arrival));
    else voices.note(event);
  }
  return [...faults, ...order.unfinished().map((id) => `${id} never ended`)];
}

interface Voice {
  /** The item that is spoken. */
  itemId: string | undefined;
  /** Segments whose text has come. */
  texts: number;
  segments: { samples: number; last: boolean }[];
}

/** The audio of each response: text before sound, segments in order, samples without a hole. */
class Voices {
  private readonly voices = new Map<string, Voice>();

  note(event: WireEvent): void {
    const responseId = responseIdOf(event);
    if (responseId === undefined) return;
    if (event.type === 'response.content_part.added') this.of(responseId).itemId = itemIdOf(event);
    if (event.type === 'response.output_audio_transcript.delta') this.of(responseId).texts++;
  }

  /** A binary frame as the event in whose place it comes; it names no item, and so that of its response is meant. */
  deltaOf({ responseId }: Audio): WireEvent {
    const itemId = this.of(responseId).itemId ?? `an item of ${responseId}`;
    return { type: 'response.output_audio.delta', response_id: responseId, item_id: itemId, content_index: 0 };
  }

  /** Audio in JSON has no segments: there is nothing to judge but that its text has begun. */
  place(chunk: Audio): string[] {
    const { texts, segments } = this.of(chunk.responseId);
    const faults: string[] = [];
    const name = `segment ${chunk.segment} of ${chunk.responseId}`;
    const segment = (segments[chunk.segment] ??= { samples: 0, last: false });
    if (texts <= chunk.segment) faults.push(`${name} came before its text`);
    if (chunk.segment > 0 && segments[chunk.segment - 1]?.last !== true) faults.push(`${name} began too early`);
    if (segment.last) faults.push(`${name} went on after its end`);
    if (chunk.firstSample !== segment.samples) faults.push(`${name} has a hole at ${segment.samples}`);
    segment.samples += chunk.samples;
    segment.last = chunk.last;
    return faults;
  }

  private of(responseId: string): Voice {
    const known = this.voices.get(responseId);
    if (known) return known;
    const voice = { itemId: undefined, texts: 0, segments: [] };
    this.voices.set(responseId, voice);
    return voice;
  }
}
