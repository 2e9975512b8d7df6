import type { JournalEntry } from '@parley/model';
import { describeProblem } from './problems';
import { NEW_STATE, Recorder, recordsOf, TURN } from './recorder.fixture';
import { replay } from './replay';

let recorder: Recorder;

beforeEach(() => {
  recorder = new Recorder();
  recorder.open(0);
  recorder.take(...TURN);
});

const verdicts = (entries: readonly JournalEntry[], epoch = 0): string =>
  (replay(recordsOf(entries)).epochs[epoch]?.steps ?? []).map(({ verdict }) => verdict[0]).join('');
const problems = (entries: readonly JournalEntry[]) => replay(recordsOf(entries)).problems;

describe('a journal that is whole', () => {
  it('fits, with what each step ordered, who did it and when', () => {
    const { epochs, problems, turns } = replay(recordsOf(recorder.entries));
    expect(problems).toEqual([]);
    expect(turns).toBe(1);
    expect(epochs).toMatchObject([
      { epoch: 1, owner: 'orc_1', origin: { kind: 'new' }, firstStoredAtMs: 1_000, lastStoredAtMs: 7_000 },
    ]);
    const steps = epochs[0]?.steps ?? [];
    expect(steps.map(({ step, storedAtMs, nowMs }) => [step, storedAtMs, nowMs])).toEqual(
      TURN.map((_, index) => [index + 1, 2_000 + 1_000 * index, 1_020 + 20 * index]),
    );
    expect(steps.map(({ input }) => input)).toEqual(TURN);
    expect(steps[1]?.effects.map(({ kind }) => kind)).toContain('start-generation');
  });

  it('fits over a takeover, and says from which step on the new owner went on', () => {
    recorder.write();
    recorder.take({ kind: 'text-generated', lane: 0, ordinal: 1, text: 'That nobody heard of. ' });
    recorder.open(4);
    recorder.take({
      kind: 'taken-over',
      epoch: 2,
      rendering: null,
      unwritten: false,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
    });
    const { epochs, problems } = replay(recordsOf(recorder.entries));
    expect(problems).toEqual([]);
    expect(epochs[1]).toMatchObject({
      epoch: 2,
      owner: 'orc_2',
      origin: { kind: 'taken-over', epoch: 1, step: 6, lostSteps: 1 },
    });
  });

  it('fits over an owner that died before its first write', () => {
    recorder.write();
    recorder.open(4);
    recorder.open(4);
    recorder.take({
      kind: 'taken-over',
      epoch: 3,
      rendering: null,
      unwritten: false,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
    });
    expect(replay(recordsOf(recorder.entries))).toMatchObject({
      problems: [],
      epochs: [{}, {}, { origin: { kind: 'taken-over', epoch: 2, step: 0, lostSteps: 0 } }],
    });
  });

  it('fits where the store’s parser has put the fields of the state into another order', () => {
    recorder.write();
    recorder.stored = Object.fromEntries(Object.entries(recorder.stored).reverse()) as typeof recorder.stored;
    recorder.open(4);
    expect(problems(recorder.entries)).toEqual([]);
  });

  it('fits where an owner that was only slow went on beside its successor', () => {
    recorder.write();
    const first = recorder.entries.splice(0);
    recorder.open(4);
    recorder.take({
      kind: 'taken-over',
      epoch: 2,
      rendering: null,
      unwritten: false,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
    });
    const mixed = [...first.slice(0, -1), ...recorder.entries, ...first.slice(-1)];
    expect(replay(recordsOf(mixed))).toMatchObject({ problems: [], epochs: [{ epoch: 1 }, { epoch: 2 }] });
  });

  it('fits where a step threw, then as now', () => {
    // Of a kind that this engine does not know.
    recorder.take({ kind: 'of-no-version' } as never);
    recorder.take({ kind: 'gateway-lost' });
    expect(recorder.entries.at(-2)).toMatchObject({ effects: 'threw' });
    expect(problems(recorder.entries)).toEqual([]);
  });

  it('of a session that has none is empty', () => {
    expect(replay([])).toEqual({ epochs: [], problems: [], turns: 0 });
  });
});

describe('a step that is missing', () => {
  it.each([1, 3, 5])('is reported as the very one (%i), and what follows is not judged', (step) => {
    const entries = recorder.entries.filter((entry) => entry.step !== step);
    expect(problems(entries)).toEqual([{ kind: 'missing', epoch: 1, from: step, to: step }]);
    expect(verdicts(entries)).toBe('f'.repeat(step - 1) + 'u'.repeat(TURN.length - step));
  });

  it('is counted with its neighbours', () => {
    const entries = recorder.entries.filter(({ step }) => step < 2 || step > 4);
    const [problem] = problems(entries);
    expect(problem).toEqual({ kind: 'missing', epoch: 1, from: 2, to: 4 });
    expect(problem && describeProblem(problem)).toBe(
      'epoch 1: steps 2 to 4 are missing (3); what follows in this epoch cannot be judged',
    );
  });

  it('is the first one too: without what the owner began with nothing can be judged', () => {
    const entries = recorder.entries.slice(1);
    expect(problems(entries)).toEqual([{ kind: 'missing', epoch: 1, from: 0, to: 0 }]);
    expect(verdicts(entries)).toBe('u'.repeat(TURN.length));
    expect(replay(recordsOf(entries)).epochs[0]).toMatchObject({ owner: undefined, origin: { kind: 'unknown' } });
  });

  it('ends at the next takeover, whose epoch is judged again', () => {
    recorder.write();
    recorder.open(4);
    recorder.take({
      kind: 'taken-over',
      epoch: 2,
      rendering: null,
      unwritten: false,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
    });
    const entries = recorder.entries.filter(({ epoch, step }) => epoch !== 1 || step !== 3);
    expect(problems(entries)).toEqual([{ kind: 'missing', epoch: 1, from: 3, to: 3 }]);
    expect(verdicts(entries, 1)).toBe('f');
  });

  it('is found at the end of an epoch by the state that the next one began with', () => {
    recorder.write();
    recorder.open(4);
    const entries = recorder.entries.filter(({ epoch, step }) => epoch !== 1 || step < TURN.length);
    expect(problems(entries)).toEqual([{ kind: 'torn', epoch: 2 }]);
  });

  it('may be the whole time before: the journal has a beginning', () => {
    recorder.write();
    recorder.open(4);
    recorder.take({
      kind: 'taken-over',
      epoch: 2,
      rendering: null,
      unwritten: false,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
    });
    const entries = recorder.entries.filter(({ epoch }) => epoch === 2);
    expect(problems(entries)).toEqual([{ kind: 'begins-late', epoch: 2, rev: 4 }]);
    expect(verdicts(entries)).toBe('f');
  });
});

describe('a step that differs', () => {
  const changed = (step: number, change: object): JournalEntry[] =>
    recorder.entries.map((entry) => (entry.step === step ? { ...entry, ...change } : entry));

  it('in its effects alone is the only one', () => {
    const entries = changed(4, { effects: '00000000' });
    expect(problems(entries)).toMatchObject([{ kind: 'differs', epoch: 1, step: 4, recorded: '00000000' }]);
    expect(verdicts(entries)).toBe('fffdff');
  });

  it('in its input is found where its effects show it', () => {
    const entries = changed(4, { input: { ...TURN[3], text: 'One two three four six. ' } });
    expect(problems(entries)).toMatchObject([{ kind: 'differs', epoch: 1, step: 4 }]);
  });

  it('also when only one of the two engines threw', () => {
    expect(problems(changed(4, { effects: 'threw' }))).toMatchObject([{ step: 4, recorded: 'threw' }]);
    expect(problems(changed(4, { input: { kind: 'of-no-version' } }))[0]).toMatchObject({ step: 4, replayed: 'threw' });
  });

  it('tears no takeover a second time', () => {
    recorder.write();
    recorder.open(4);
    const entries = recorder.entries.map((entry) =>
      entry.step === 4 ? { ...entry, input: { kind: 'attached' } } : entry,
    );
    expect(problems(entries).map(({ kind }) => kind)).not.toContain('torn');
  });
});

describe('an entry', () => {
  it('that came twice counts once and is reported', () => {
    const entries = [...recorder.entries.slice(0, 4), ...recorder.entries.slice(3)];
    expect(problems(entries)).toEqual([{ kind: 'repeated', epoch: 1, step: 3 }]);
  });

  it('that cannot be read is reported, and its step is missing', () => {
    const records = recordsOf(recorder.entries);
    const payload = new TextEncoder().encode('{"v":1,"traceparent":"","body":{"kind":"stepped","step":"said"}}');
    const { problems } = replay(records.map((record, index) => (index === 2 ? { ...record, payload } : record)));
    expect(problems).toMatchObject([
      { kind: 'unreadable', entry: 3 },
      { kind: 'missing', from: 2, to: 2 },
    ]);
  });

  it('of a state that is none has every step differ, and ends nothing', () => {
    const engine = { state: { ...NEW_STATE, phase: undefined }, policy: {} };
    const entries = recorder.entries.map((entry) => (entry.kind === 'opened' ? { ...entry, engine } : entry));
    expect(verdicts(entries)).toBe('dddddd');
  });
});
