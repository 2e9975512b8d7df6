import { fnv1a32, indexedSampleAt, voiceSamples } from '@parley/fakes';
import type { Arrival } from '../support/test-client';
import { judge, type Asked, type FaultKind, type Prompt, type TurnVerdict } from './judge';

const SAMPLES_PER_CHARACTER = 96;
const SEGMENTS = ['Here is the first. ', 'There goes the second. ', 'And that was all.'];
const ASKED: Asked = { turnId: 'turn-1', askedMs: 0, question: 'What?', answer: SEGMENTS.join(''), interrupted: false };
const RESPONSE = 'resp_1';

let events = 0;

const event = (type: string, fields: Record<string, unknown> = {}): Arrival => ({
  kind: 'event',
  atMs: 0,
  event: { type, event_id: `event-${++events}`, response_id: RESPONSE, ...fields },
});
const accepted = (): Arrival => event('parley.turn.accepted', { turn_id: ASKED.turnId });
const created = (): Arrival => event('response.created', { response: { id: RESPONSE } });
const text = (delta: string): Arrival => event('response.output_audio_transcript.delta', { delta });
const done = (status = 'completed'): Arrival => event('response.done', { response: { id: RESPONSE, status } });
const interruption = (): Arrival => event('parley.response.interrupted');

/** A segment in pieces of at most 20 ms, from `fromMs` on in real time. */
function spoken(segment: number, fromMs = 0): Arrival[] {
  const words = (SEGMENTS[segment] ?? '').trim();
  const samples = voiceSamples(words, SAMPLES_PER_CHARACTER);
  return Array.from({ length: Math.ceil(samples / 480) }, (_, index) => {
    const firstSample = index * 480;
    const pcm = Buffer.alloc(2 * Math.min(480, samples - firstSample));
    for (let at = 0; at < pcm.length / 2; at++) {
      pcm.writeInt16LE(indexedSampleAt(fnv1a32(words), firstSample + at), 2 * at);
    }
    const place = { responseId: RESPONSE, segment, firstSample, samples: pcm.length / 2, last: false, pcm };
    return { kind: 'audio', atMs: fromMs + index * 20, ...place };
  });
}

const whole = (): Arrival[] => [
  accepted(),
  created(),
  ...SEGMENTS.flatMap((segment, index) => [text(segment), ...spoken(index, index * 1_000)]),
  done(),
];

const verdictOf = (connections: Arrival[][], asked: Asked = ASKED): TurnVerdict => {
  const [verdict] = judge({ asked: [asked], connections, prompts: new Map() }, SAMPLES_PER_CHARACTER);
  if (!verdict) throw new Error('no verdict');
  return verdict;
};
const kindsOf = (connections: Arrival[][], asked?: Asked): FaultKind[] =>
  verdictOf(connections, asked).faults.map(({ kind }) => kind);

const isAudio = (arrival: Arrival): boolean => arrival.kind === 'audio';
const typeOf = (arrival: Arrival): string => (arrival.kind === 'event' ? arrival.event.type : 'audio');
const without = (arrivals: Arrival[], type: string): Arrival[] => arrivals.filter((each) => typeOf(each) !== type);

describe('the judge of a conversation', () => {
  it('finds nothing in a turn that was accepted once, answered whole and heard once', () => {
    expect(verdictOf([whole()])).toMatchObject({ faults: [] });
  });

  it('measures the longest silence of the answer', () => {
    // 18, 22 and 17 characters of 4 ms each, one second apart.
    expect(verdictOf([whole()]).gapMs).toBe(928);
  });

  it('measures the silence from the question to the first sample', () => {
    const [first, ...others] = spoken(0, 2_600);
    if (first?.kind !== 'audio') throw new Error('no audio');
    const empty: Arrival = { ...first, atMs: 1_500, samples: 0, pcm: Buffer.alloc(0) };
    const late = [accepted(), created(), text(SEGMENTS[0] ?? ''), empty, first, ...others];
    expect(verdictOf([late], { ...ASKED, askedMs: 1_000 }).firstSampleMs).toBe(1_600);
    expect(verdictOf([late.slice(0, 4)]).firstSampleMs).toBeUndefined();
  });

  it('[G3] refuses a turn that was accepted twice, and one that never was', () => {
    expect(kindsOf([[...whole(), accepted()]])).toEqual(['accepted-twice']);
    expect(kindsOf([without(whole(), 'parley.turn.accepted')])).toEqual(['not-accepted', 'unasked']);
  });

  it('[G3] refuses a response that begins or ends twice', () => {
    expect(kindsOf([[...whole(), done()]])).toEqual(['answered-twice']);
    expect(kindsOf([[created(), ...whole()]])).toEqual(['answered-twice']);
  });

  it('[G2] refuses a turn without an end, and one that failed', () => {
    expect(kindsOf([without(whole(), 'response.done')])).toEqual(['not-ended']);
    expect(kindsOf([[...without(whole(), 'response.done'), done('failed')]])).toEqual(['not-completed']);
  });

  it('[G6] refuses a piece that was heard twice, one that is missing, and two that changed places', () => {
    const arrivals = whole();
    const [first, second] = arrivals.flatMap((arrival, index) => (isAudio(arrival) ? [index] : []));
    if (first === undefined || second === undefined) throw new Error('no audio');
    const at = (index: number): Arrival[] => arrivals.slice(index, index + 1);
    expect(kindsOf([arrivals.toSpliced(first, 0, ...at(first))])).toEqual(['sample-twice']);
    expect(kindsOf([arrivals.toSpliced(first, 1)])).toEqual(['sample-missing']);
    const [segment0, segment1] = [spoken(0), spoken(1)];
    const swapped = [accepted(), created(), ...SEGMENTS.map(text), ...segment1, ...segment0, ...spoken(2), done()];
    expect(kindsOf([swapped])).toEqual(['out-of-order']);
  });

  it('[G6] refuses an answer whose end was not heard', () => {
    const arrivals = whole();
    const last = arrivals.findLastIndex(isAudio);
    expect(kindsOf([arrivals.toSpliced(last, 1)])).toEqual(['sample-missing']);
  });

  it('[G6] refuses a sentence spoken twice, though each was heard once', () => {
    const again = [...whole().slice(0, -1), text(SEGMENTS[0] ?? ''), done()];
    expect(kindsOf([again])).toEqual(['sentence-twice', 'wrong-text', 'sample-missing']);
  });

  it('refuses an answer that is not the one the model gave', () => {
    const short = [accepted(), created(), text(SEGMENTS[0] ?? ''), ...spoken(0), done()];
    expect(kindsOf([short])).toEqual(['wrong-text']);
  });

  it('[G1] refuses sound and text of a response that was interrupted', () => {
    const asked = { ...ASKED, interrupted: true };
    const cut = [accepted(), created(), text(SEGMENTS[0] ?? ''), ...spoken(0).slice(0, 1), done('cancelled')];
    expect(kindsOf([[...cut, interruption()]], asked)).toEqual([]);
    expect(kindsOf([[...cut, interruption(), ...spoken(0).slice(1, 2)]], asked)).toEqual(['stale']);
    expect(kindsOf([[...cut, interruption(), text(SEGMENTS[1] ?? '')]], asked)).toEqual(['stale']);
  });

  it('an interruption nobody asked for is no completion', () => {
    const cut = [accepted(), created(), text(SEGMENTS[0] ?? ''), ...spoken(0), done('cancelled'), interruption()];
    expect(kindsOf([cut])).toEqual(['interrupted-unasked', 'not-completed', 'wrong-text']);
  });

  it('an interruption nobody asked for excuses no answer that was cut, though the server calls it complete', () => {
    expect(kindsOf([[...whole(), interruption()]])).toEqual(['interrupted-unasked']);
    const arrivals = whole();
    const unheard = arrivals.toSpliced(arrivals.findLastIndex(isAudio), 1);
    expect(kindsOf([[...unheard, interruption()]])).toEqual(['interrupted-unasked', 'sample-missing']);
    const short = [accepted(), created(), text(SEGMENTS[0] ?? ''), ...spoken(0), done()];
    expect(kindsOf([[...short, interruption()]])).toEqual(['interrupted-unasked', 'wrong-text']);
  });

  it('refuses an answer to nobody, be it an event or a sample, in the turn that was asked last before it came', () => {
    const [sample] = spoken(0);
    if (sample?.kind !== 'audio') throw new Error('no audio');
    const next: Asked = { ...ASKED, turnId: 'turn-2', askedMs: 9_000 };
    const faultsWith = (stray: Arrival): TurnVerdict['faults'][] =>
      judge(
        { asked: [ASKED, next], connections: [[...whole(), stray]], prompts: new Map() },
        SAMPLES_PER_CHARACTER,
      ).map(({ faults }) => faults);
    const unasked = { kind: 'unasked', detail: 'resp_2' };
    const missing = { kind: 'not-accepted', detail: 'turn-2' };
    expect(faultsWith({ ...sample, responseId: 'resp_2', atMs: 8_999 })).toEqual([[unasked], [missing]]);
    const begun = event('response.created', { response_id: undefined, response: { id: 'resp_2' } });
    expect(faultsWith({ ...begun, atMs: 9_000 })).toEqual([[], [missing, unasked]]);
    const foreign = event('parley.turn.accepted', { response_id: 'resp_2', turn_id: 'turn-9' });
    expect(faultsWith({ ...foreign, atMs: 9_000 })).toEqual([[], [missing, unasked]]);
  });

  it('[G4] refuses a model that was told less or more than what had been said', () => {
    const next: Asked = { turnId: 'turn-2', askedMs: 0, question: 'And then?', answer: '', interrupted: false };
    const kindsWith = (...told: string[]): FaultKind[] => {
      const prompt: Prompt = [
        { role: 'system', content: 'Be brief.' },
        ...told.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })),
      ];
      const prompts = new Map([['turn-2', [prompt]]]);
      const [, second] = judge({ asked: [ASKED, next], connections: [whole()], prompts }, SAMPLES_PER_CHARACTER);
      return second?.faults.map(({ kind }) => kind).filter((kind) => kind === 'history') ?? [];
    };
    expect(kindsWith(ASKED.question, ASKED.answer, next.question)).toEqual([]);
    expect(kindsWith(next.question)).toEqual(['history']);
    expect(kindsWith(ASKED.question, 'Here is the first.', next.question)).toEqual(['history']);
    expect(kindsWith(ASKED.question, ASKED.answer, next.question, next.answer)).toEqual(['history']);
  });

  it('over a reconnection the same event may come again, the same samples must not', () => {
    const arrivals = whole();
    const cutAt = arrivals.findIndex(isAudio) + 1;
    const eventsBefore = arrivals.slice(0, cutAt).filter((arrival) => !isAudio(arrival));
    expect(kindsOf([arrivals.slice(0, cutAt), [...eventsBefore, ...arrivals.slice(cutAt)]])).toEqual([]);
    expect(kindsOf([arrivals.slice(0, cutAt), arrivals.slice(cutAt - 1)])).toEqual(['sample-twice']);
    expect(kindsOf([arrivals.slice(0, cutAt), [created(), ...arrivals.slice(cutAt)]])).toEqual(['answered-twice']);
  });
});
