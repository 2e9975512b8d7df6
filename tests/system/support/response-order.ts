import { fieldsOf } from './spoken-turn';
import type { Arrival, WireEvent } from './test-client';

/** PROTOCOL.md, "Order of a response": one letter for each step, so that the order is a pattern. */
const STEPS: Readonly<Record<string, string>> = {
  'response.created': 'c',
  'response.output_item.added': 'o',
  'conversation.item.added': 'i',
  'response.content_part.added': 'p',
  'response.output_audio_transcript.delta': 't',
  'response.output_audio.done': 'A',
  'response.output_audio_transcript.done': 'T',
  'response.content_part.done': 'P',
  'conversation.item.done': 'I',
  'response.output_item.done': 'O',
  'response.done': 'd',
  'parley.response.interrupted': 'x',
};
const AUDIO_STEP = 'a';
const LEGAL_ORDER = /^c(oip(t[ta]*)?ATPIO)?dx?$/;

interface Seen {
  steps: string;
  segments: { samples: number; last: boolean }[];
}

/**
 * What is wrong with the order of what one client received: chains of events, event ids, responses inside one another,
 * segments and samples. Knows only PROTOCOL.md.
 */
export function orderFaults(arrivals: readonly Arrival[]): string[] {
  const faults: string[] = [];
  const responses = new Map<string, Seen>();
  const responseOfItem = new Map<string, string>();
  const eventIds = new Set<string>();
  let open: string | undefined;

  const take = (responseId: string, step: string): void => {
    const seen = responses.get(responseId) ?? { steps: '', segments: [] };
    responses.set(responseId, seen);
    if (step !== 'x' && open !== undefined && open !== responseId) faults.push(`${responseId} began inside ${open}`);
    seen.steps += step;
    if (step === 'c') open = responseId;
    if (step === 'd') open = undefined;
  };

  for (const arrival of arrivals) {
    if (arrival.kind === 'audio') {
      take(arrival.responseId, AUDIO_STEP);
      faults.push(...placeAudio(responses.get(arrival.responseId)?.segments ?? [], arrival));
      continue;
    }
    const { event } = arrival;
    if (typeof event.event_id !== 'string' || eventIds.has(event.event_id)) {
      faults.push(`${event.type} has the event id ${event.event_id}`);
    }
    eventIds.add(String(event.event_id));
    const responseId = responseOf(event, responseOfItem);
    const step = STEPS[event.type];
    if (responseId !== undefined && step !== undefined) take(responseId, step);
  }
  for (const [responseId, { steps }] of responses) {
    if (!LEGAL_ORDER.test(steps)) faults.push(`${responseId} came in the order ${steps}`);
  }
  return faults;
}

/** Segments in order, samples without a hole. Audio in JSON has no segments: there is nothing to judge. */
function placeAudio(segments: Seen['segments'], chunk: Extract<Arrival, { kind: 'audio' }>): string[] {
  const faults: string[] = [];
  const name = `segment ${chunk.segment} of ${chunk.responseId}`;
  const segment = (segments[chunk.segment] ??= { samples: 0, last: false });
  if (chunk.segment > 0 && segments[chunk.segment - 1]?.last !== true) faults.push(`${name} began too early`);
  if (segment.last) faults.push(`${name} went on after its end`);
  if (chunk.firstSample !== segment.samples) faults.push(`${name} has a hole at ${segment.samples}`);
  segment.samples += chunk.samples;
  segment.last = chunk.last;
  return faults;
}

function responseOf(event: WireEvent, responseOfItem: Map<string, string>): string | undefined {
  const item = fieldsOf(event['item'])['id'];
  const named = event['response_id'] ?? fieldsOf(event['response'])['id'];
  if (named === undefined) return typeof item === 'string' ? responseOfItem.get(item) : undefined;
  if (event.type === 'response.output_item.added') responseOfItem.set(String(item), String(named));
  return String(named);
}
