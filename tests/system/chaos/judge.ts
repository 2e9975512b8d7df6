import { fieldsOf } from '../support/fields';
import type { Arrival, WireEvent } from '../support/test-client';
import { Ear } from './ear';
import { latenessOf, type Piece } from './lateness';
import { expectedOf, heardFaults, isBeginning, runsIn, type Expected, type HeardFault } from './heard-samples';

/** A turn as its client asked for it. */
export interface Asked {
  turnId: string;
  /** On the clock of the arrivals. */
  askedMs: number;
  question: string;
  /** What the model is to say. */
  answer: string;
  /** The client interrupted it. */
  interrupted: boolean;
}

/** One conversation as its client saw it: what arrived, connection by connection. */
export interface Recording {
  asked: readonly Asked[];
  connections: readonly (readonly Arrival[])[];
  /** What the model was asked with, by turn: each time the conversation up to the question. */
  prompts: ReadonlyMap<string, readonly Prompt[]>;
}

export type Prompt = readonly { role: string; content: string }[];

export type FaultKind =
  | HeardFault['kind']
  | 'not-accepted'
  | 'accepted-twice'
  | 'answered-twice'
  | 'not-ended'
  | 'not-completed'
  | 'interrupted-unasked'
  | 'unasked'
  | 'wrong-text'
  | 'sentence-twice'
  | 'stale'
  | 'history';

export interface Fault {
  kind: FaultKind;
  detail: string;
}

export interface TurnVerdict {
  turnId: string;
  faults: Fault[];
  /** From the question to the first sample, in ms; undefined when none came. */
  firstSampleMs: number | undefined;
  /** The longest silence within the answer, in ms. */
  gapMs: number;
  /** The most audio that lay unplayed at the client, in ms. */
  aheadMs: number;
  /** Each piece of its audio. */
  pieces: Piece[];
}

type AudioArrival = Extract<Arrival, { kind: 'audio' }>;

/** Everything of one response, in the order of arrival. */
interface Seen {
  sinceMs: number;
  events: WireEvent[];
  audio: AudioArrival[];
  /** What came although nothing was to come any more. */
  stale: string[];
  isInterrupted: boolean;
}

/**
 * Judges each turn by what reached the client: accepted once and completed, the model's very answer, each of its samples heard
 * exactly once, nothing after an interruption; no answer to anything else; and the model was told all that was said before. Knows
 * PROTOCOL.md and what the fake providers do, nothing else.
 */
export function judge(recording: Recording, samplesPerCharacter: number): TurnVerdict[] {
  const arrivals = withoutRepeats(recording.connections);
  const responses = byResponse(arrivals);
  let said: string[] | undefined = [];
  const verdicts = recording.asked.map((asked) => {
    const verdict = judgeTurn(asked, arrivals, responses, samplesPerCharacter);
    const prompts = recording.prompts.get(asked.turnId) ?? [];
    if (said) verdict.faults.push(...historyFaults([...said, asked.question], prompts));
    // What the history is to hold of an answer that was not heard whole is another matter.
    const isKnown = said !== undefined && verdict.faults.length === 0 && !asked.interrupted;
    said = isKnown ? [...(said ?? []), asked.question, asked.answer] : undefined;
    return verdict;
  });
  const answers = new Set(recording.asked.flatMap(({ turnId }) => acceptedFor(turnId, arrivals)));
  for (const [id, { sinceMs }] of responses) {
    if (answers.has(id)) continue;
    const before = recording.asked.findLastIndex(({ askedMs }) => askedMs <= sinceMs);
    verdicts[Math.max(0, before)]?.faults.push({ kind: 'unasked', detail: id });
  }
  return verdicts;
}

/** The responses that the server named when it accepted this turn. */
const acceptedFor = (turnId: string, arrivals: readonly Arrival[]): string[] =>
  arrivals.flatMap((arrival) =>
    arrival.kind === 'event' && arrival.event.type === 'parley.turn.accepted' && arrival.event['turn_id'] === turnId
      ? [String(arrival.event['response_id'])]
      : [],
  );

/** Each time the model is asked it is told everything that was said, and nothing else. */
function historyFaults(said: readonly string[], prompts: readonly Prompt[]): Fault[] {
  return prompts.flatMap((prompt) => {
    const told = prompt.filter(({ role }) => role !== 'system').map(({ content }) => content.trim());
    const isWhole = told.length === said.length && told.every((text, index) => text === said[index]);
    return isWhole ? [] : [{ kind: 'history' as const, detail: told.join(' | ') }];
  });
}

/** After a resumed connection an event may come once more; its id says so. Audio has no id: it must not. */
function withoutRepeats(connections: readonly (readonly Arrival[])[]): Arrival[] {
  const known = new Set<string>();
  return connections.flatMap((arrivals) => {
    const fresh = arrivals.filter((arrival) => arrival.kind === 'audio' || !known.has(arrival.event.event_id ?? ''));
    for (const arrival of fresh) if (arrival.kind === 'event') known.add(arrival.event.event_id ?? '');
    return fresh;
  });
}

function byResponse(arrivals: readonly Arrival[]): Map<string, Seen> {
  const responses = new Map<string, Seen>();
  const seenOf = (id: string, atMs: number): Seen => {
    const seen = responses.get(id) ?? { sinceMs: atMs, events: [], audio: [], stale: [], isInterrupted: false };
    responses.set(id, seen);
    return seen;
  };
  for (const arrival of arrivals) {
    if (arrival.kind === 'audio') {
      const seen = seenOf(arrival.responseId, arrival.atMs);
      if (seen.isInterrupted) seen.stale.push(`${arrival.samples} samples`);
      seen.audio.push(arrival);
      continue;
    }
    const { event } = arrival;
    const id = event['response_id'] ?? fieldsOf(event['response'])['id'];
    if (typeof id !== 'string') continue;
    const seen = seenOf(id, arrival.atMs);
    if (seen.isInterrupted && carriesOutput(event.type)) seen.stale.push(event.type);
    seen.events.push(event);
    if (event.type === 'parley.response.interrupted') seen.isInterrupted = true;
  }
  return responses;
}

const carriesOutput = (type: string): boolean => type.startsWith('response.') || type === 'parley.visemes';

function judgeTurn(
  asked: Asked,
  arrivals: readonly Arrival[],
  responses: ReadonlyMap<string, Seen>,
  samplesPerCharacter: number,
): TurnVerdict {
  const accepted = acceptedFor(asked.turnId, arrivals);
  const [responseId] = accepted;
  const seen = responses.get(responseId ?? '');
  if (responseId === undefined || !seen) {
    const faults: Fault[] = [{ kind: 'not-accepted', detail: asked.turnId }];
    return { turnId: asked.turnId, faults, firstSampleMs: undefined, gapMs: 0, aheadMs: 0, pieces: [] };
  }
  const ear = new Ear();
  for (const { samples, atMs } of seen.audio) ear.arrived(samples, atMs);
  // Only an interruption that the client asked for excuses what is missing.
  const owed = { ...seen, isInterrupted: seen.isInterrupted && asked.interrupted };
  const faults: Fault[] = [
    ...(accepted.length > 1 ? [{ kind: 'accepted-twice' as const, detail: accepted.join(' ') }] : []),
    ...seen.stale.map((detail) => ({ kind: 'stale' as const, detail })),
    ...(seen.isInterrupted && !asked.interrupted ? [{ kind: 'interrupted-unasked' as const, detail: responseId }] : []),
    ...endFaults(owed),
    ...textFaults(asked, owed),
    ...soundFaults(owed, samplesPerCharacter),
  ];
  const { longestGapMs: gapMs, farthestAheadMs: aheadMs } = ear;
  const first = seen.audio.find(({ samples }) => samples > 0);
  const firstSampleMs = first && first.atMs - asked.askedMs;
  return { turnId: asked.turnId, faults, firstSampleMs, gapMs, aheadMs, pieces: latenessOf(seen.audio) };
}

function endFaults({ events, isInterrupted }: Seen): Fault[] {
  const ends = events.filter(({ type }) => type === 'response.done').map(({ response }) => fieldsOf(response));
  const begun = events.filter(({ type }) => type === 'response.created').length;
  const [end] = ends;
  if (begun > 1 || ends.length > 1) return [{ kind: 'answered-twice', detail: `${begun} begun, ${ends.length} ended` }];
  if (!end) return [{ kind: 'not-ended', detail: events.at(-1)?.type ?? 'no event' }];
  if (end['status'] === 'completed' || isInterrupted) return [];
  const code = fieldsOf(fieldsOf(end['status_details'])['error'])['code'];
  return [{ kind: 'not-completed', detail: `${String(end['status'])} ${String(code ?? '')}`.trim() }];
}

/** What the client was told is the model's answer, no sentence of it twice; of an interrupted one, its beginning. */
function textFaults({ answer }: Asked, { events, isInterrupted }: Seen): Fault[] {
  const text = folded(segmentsOf(events).join(''));
  const faults: Fault[] = [];
  const sentences = (text.match(/[^.!?]+[.!?]+/g) ?? []).map((sentence) => sentence.trim());
  const twice = sentences.find((sentence, index) => sentences.indexOf(sentence) < index);
  if (twice !== undefined) faults.push({ kind: 'sentence-twice', detail: twice });
  const isRight = isInterrupted ? folded(answer).startsWith(text) : text === folded(answer);
  if (!isRight) faults.push({ kind: 'wrong-text', detail: text });
  const said = events.find(({ type }) => type === 'response.output_audio_transcript.done')?.['transcript'];
  if (said !== undefined && folded(String(said)) !== text) faults.push({ kind: 'wrong-text', detail: String(said) });
  return faults;
}

function soundFaults({ events, audio, isInterrupted }: Seen, samplesPerCharacter: number): Fault[] {
  const expected = expectedOf(segmentsOf(events), samplesPerCharacter);
  const runs = runsIn(samplesOf(audio), (hash) => expected.find(({ textHash }) => textHash === hash)?.samples);
  if (isInterrupted && isBeginning(runs, expected)) return [];
  return heardFaults(runs, expected)
    .filter(({ kind }) => !isInterrupted || kind !== 'sample-missing')
    .map((fault) => ({ kind: fault.kind, detail: describe(fault, expected) }));
}

const describe = ({ segment, samples }: HeardFault, expected: readonly Expected[]): string =>
  segment === undefined ? `${samples} samples` : `${samples} of ${expected[segment]?.samples} in segment ${segment}`;

/** PROTOCOL.md: the n-th delta is the text of segment n. */
const segmentsOf = (events: readonly WireEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'response.output_audio_transcript.delta' ? [String(event['delta'])] : []));

const folded = (text: string): string => text.replace(/\s+/g, ' ').trim();

function samplesOf(audio: readonly AudioArrival[]): Int16Array {
  const bytes = Uint8Array.from(Buffer.concat(audio.map(({ pcm }) => pcm)));
  return new Int16Array(bytes.buffer);
}
