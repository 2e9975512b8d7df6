import { BUSY_POLICIES, type ResponseDelivery, type ResponseOptions, type SessionPolicy } from '@parley/model';
import fc from 'fast-check';
import type { EngineInput } from './inputs';
import type { EngineState } from './state';
import { step } from './step';
import { EngineDriver, type Heard } from './testing/engine-driver';
import { boundMs, RuleWatch } from './testing/rule-watch';

/** One thing that happens to a conversation, as plain data, so that a failure prints it. */
type Act = readonly [name: string, act: (talk: EngineDriver) => unknown];

const act = (name: string, run: (talk: EngineDriver) => unknown): Act => [name, run];
const named = <T>(name: string, values: fc.Arbitrary<T>, run: (talk: EngineDriver, value: T) => unknown) =>
  values.map((value) => act(`${name} ${JSON.stringify(value)}`, (talk) => run(talk, value)));

/** Mostly the newest response, sometimes an older one, or one that does not exist yet. */
const back = fc.constantFrom(0, 0, 0, 0, 0, 1, 2, -1);
const heard: fc.Arbitrary<Heard> = fc.record({
  segmentsMs: fc.array(fc.constantFrom(0, 20, 300, 900, 2500), { maxLength: 3 }),
  complete: fc.boolean(),
  playedMs: fc.constantFrom(0, 10, 200, 900, 2000, 9000),
  closed: fc.boolean(),
  ended: fc.constantFrom(false, false, true),
});
const told = fc.array(fc.tuple(back, heard), { maxLength: 3 });
const listed = (talk: EngineDriver, list: readonly [number, Heard][]): ResponseDelivery[] =>
  list.map(([offset, each]) => talk.delivery(Math.max(1, talk.newest - offset), each));
const received = fc.array(
  fc.tuple(
    back,
    fc.array(fc.constantFrom(0, 20, 300, 900, 2500), { maxLength: 3 }),
    fc.record({ playedMs: fc.constantFrom(0, 10, 900, 9000), done: fc.boolean() }),
  ),
  { maxLength: 3 },
);
const interruption = fc.record({ named: fc.option(back, { freq: 2 }), written: back, list: told });

const text = fc.constantFrom(
  'It ',
  'is sunny. ',
  'Tomorrow it will rain. ',
  '\n',
  ' ',
  '',
  '你好。',
  '🎉! ',
  'x'.repeat(300),
);
const turnId = fc.constantFrom(undefined, undefined, undefined, 'a', 'b');

const choices: fc.Arbitrary<Partial<SessionPolicy>> = fc.constantFrom<Partial<SessionPolicy>>(
  { falseInterruption: 'pause' },
  { falseInterruption: 'pause', falseInterruptionMs: 0 },
  { falseInterruption: 'ignore' },
  { minSpeechMs: 0, minWords: 0 },
  { minWords: 2 },
  { coolDownMs: 300 },
  { interruptible: false },
  { interruptible: true },
  { awayAfterMs: 900 },
  { awayAfterMs: null },
);

const wishes = fc.constantFrom<ResponseOptions>(
  {},
  { instructions: '' },
  { modality: 'text', maxOutputTokens: 9 },
  { outOfBand: true },
  { outOfBand: true, modality: 'text', input: [] },
  { outOfBand: true, input: [{ role: 'reference', itemId: 'item_1' }] },
);

const clientActs = fc.oneof(
  { weight: 6, arbitrary: named('says', turnId, (talk, id) => talk.says('A question?', id)) },
  { weight: 2, arbitrary: named('says', fc.constantFrom(' ', 'Mhm.'), (talk, said) => talk.says(said)) },
  { weight: 2, arbitrary: named('asks', wishes, (talk, how) => talk.asks(how)) },
  {
    weight: 3,
    arbitrary: named('interrupts', interruption, (talk, { named: offset, written, list }) =>
      talk.interrupts({
        ...(offset === null ? {} : { responseId: `resp_${talk.newest - offset}` as const }),
        writtenOrdinal: talk.newest - written,
        delivery: listed(talk, list),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: named('cancels', interruption, (talk, { named: offset, written, list }) =>
      talk.cancels({
        ...(offset === null ? {} : { responseId: `resp_${talk.newest - offset}` as const }),
        writtenOrdinal: talk.newest - written,
        delivery: listed(talk, list),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: named('truncates', fc.tuple(fc.nat(4), fc.constantFrom(0, 300, 5000), told), (talk, [n, ms, list]) =>
      talk.truncates(`answer_${n}`, ms, listed(talk, list)),
    ),
  },
  {
    weight: 1,
    arbitrary: named('types', fc.tuple(fc.nat(6), fc.constantFrom('', 'typed', 'x'.repeat(400))), (talk, [n, typed]) =>
      talk.client({
        kind: 'item-created',
        itemId: `item_${n}`,
        item: { role: n === 1 ? 'assistant' : 'user', text: typed },
        ...(n > 3 ? { previousItemId: n > 4 ? null : 'item_1' } : {}),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: named('retrieves', fc.constantFrom('item_1', 'answer_1', 'fn_1', 'none'), (talk, itemId) =>
      talk.client({ kind: 'item-retrieved', itemId }),
    ),
  },
  {
    weight: 1,
    arbitrary: named('deletes', fc.constantFrom('item_1', 'answer_1', 'answer_2', 'fn_1', 'none'), (talk, itemId) =>
      talk.client({ kind: 'item-deleted', itemId }),
    ),
  },
  {
    weight: 1,
    arbitrary: named('updates', fc.constantFrom(null, 'Be kind.'), (talk, instructions) =>
      talk.client({ kind: 'session-updated', patch: { instructions } }),
    ),
  },
  {
    weight: 3,
    arbitrary: named('guesses', fc.constantFrom('mhm', 'A', 'A question', 'a QUESTION?', 'Else'), (talk, guess) =>
      talk.guesses(guess),
    ),
  },
  { weight: 1, arbitrary: fc.constant(act('resumes', (talk) => talk.resumes())) },
  {
    weight: 2,
    arbitrary: named('chooses', fc.constantFrom(...BUSY_POLICIES), (talk, busy) => talk.chooses({ busy })),
  },
  { weight: 2, arbitrary: named('chooses', choices, (talk, patch) => talk.chooses(patch)) },
  {
    weight: 2,
    arbitrary: named('dictates', fc.tuple(text, fc.constantFrom(undefined, true, false)), (talk, [words, may]) =>
      talk.dictates(words, may),
    ),
  },
  { weight: 3, arbitrary: named('starts', told, (talk, list) => talk.starts(listed(talk, list))) },
  { weight: 2, arbitrary: fc.constant(act('stops', (talk) => talk.stops())) },
  {
    weight: 3,
    arbitrary: named(
      'utters',
      fc.tuple(fc.constantFrom('', 'mhm', 'wait', 'wait a moment'), turnId),
      (talk, [words, id]) => talk.utters(words, id),
    ),
  },
  {
    weight: 2,
    arbitrary: named('returns', fc.tuple(fc.nat(4), fc.constantFrom(undefined, 'out_1')), (talk, [n, id]) =>
      talk.returns('sunny', `call_${n}`, id),
    ),
  },
  { weight: 1, arbitrary: named('mutes', fc.constantFrom(true, false, false), (talk, muted) => talk.mutes(muted)) },
  { weight: 2, arbitrary: named('closed', back, (talk, offset) => (talk.closedOrdinal = talk.newest - offset)) },
  { weight: 1, arbitrary: named('attachment', fc.constantFrom(1, 2), (talk, n) => (talk.attachment = n)) },
);

const of = (offset: number, talk: EngineDriver): number => talk.newest - offset;
const resultActs = fc.oneof(
  {
    weight: 8,
    arbitrary: named('writes', fc.tuple(text, back), (talk, [token, b]) => talk.writes(token, of(b, talk))),
  },
  { weight: 2, arbitrary: named('calls', back, (talk, b) => talk.calls('weather', of(b, talk))) },
  { weight: 4, arbitrary: named('finishes', back, (talk, b) => talk.finishes('stop', of(b, talk))) },
  { weight: 2, arbitrary: named('avatarStarts', back, (talk, b) => talk.avatarStarts(of(b, talk))) },
  { weight: 2, arbitrary: named('avatarEnds', back, (talk, b) => talk.avatarEnds(of(b, talk))) },
  { weight: 1, arbitrary: named('avatarFails', back, (talk, b) => talk.avatarFails(of(b, talk))) },
  { weight: 1, arbitrary: named('modelFails', back, (talk, b) => talk.modelFails(of(b, talk))) },
  { weight: 5, arbitrary: named('binds', back, (talk, b) => talk.binds(of(b, talk))) },
  { weight: 1, arbitrary: named('refusesVoice', back, (talk, b) => talk.refusesVoice(of(b, talk))) },
  { weight: 1, arbitrary: named('voiceFails', back, (talk, b) => talk.voiceFails(of(b, talk))) },
  { weight: 2, arbitrary: named('losesVoice', back, (talk, b) => talk.losesVoice(talk.attempt - b, of(0, talk))) },
  {
    weight: 1,
    arbitrary: named('times', fc.tuple(fc.nat(2), fc.nat(8), back), (talk, [segment, at, b]) =>
      talk.times(segment, [{ word: 'It', charStart: at, charEnd: at + 2, startMs: 0, endMs: at * 50 }], of(b, talk)),
    ),
  },
);

const ownerActs = fc.oneof(
  {
    weight: 8,
    arbitrary: named('reports', fc.tuple(told, back), (talk, [list, b]) =>
      talk.reports(listed(talk, list), talk.newest - b),
    ),
  },
  { weight: 6, arbitrary: named('hears', heard, (talk, each) => talk.hears(each)) },
  {
    weight: 6,
    arbitrary: named('pass', fc.constantFrom(1, 200, 900, 4_999, 5_000, 20_000), (talk, ms) => talk.pass(ms)),
  },
  { weight: 1, arbitrary: fc.constant(act('looks', (talk) => talk.looks())) },
  {
    weight: 1,
    arbitrary: named('taken-over', fc.constantFrom(0, 7, 1_000_000), (talk, nowMs) => {
      talk.nowMs = nowMs;
      return talk.changesOwner(undefined, undefined, nowMs === 7);
    }),
  },
  { weight: 1, arbitrary: fc.constant(act('attached', (talk) => talk.step({ kind: 'attached' }))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      act('loses the gateway', (talk) => talk.losesGateway()),
      act('loses the client', (talk) => talk.client({ kind: 'disconnected', reason: 'lost' })),
      act('finds the gateway', (talk) => talk.findsGateway()),
    ),
  },
  {
    weight: 2,
    arbitrary: named('comes back', fc.option(received, { freq: 6 }), (talk, list) =>
      talk.comesBack(
        list?.map(([offset, segmentsMs, more]) => talk.has(Math.max(1, talk.newest - offset), segmentsMs, more)) ??
          null,
      ),
    ),
  },
);

const ends = fc.constantFrom(
  act('prompts', (talk) => talk.chooses({ awayAfterMs: 900, awayPrompt: 'Ask.' })),
  act('waits for the client', (talk) => talk.losesGateway().pass(120_000)),
  act('disconnected', (talk) => talk.client({ kind: 'disconnected', reason: 'client' })),
);

const acts = (endings: boolean): fc.Arbitrary<Act[]> =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: clientActs },
      { weight: 14, arbitrary: resultActs },
      { weight: 12, arbitrary: ownerActs },
      ...(endings ? [{ weight: 1, arbitrary: ends }] : []),
    ),
    { maxLength: 60 },
  );

/** Watches every single step, those inside `pass` too, and keeps what a replay needs. */
class WatchedTalk extends EngineDriver {
  readonly inputs: { input: EngineInput; nowMs: number }[] = [];
  private readonly watch = new RuleWatch();

  override step(input: EngineInput): this {
    this.inputs.push({ input, nowMs: this.nowMs });
    const before = this.state;
    super.step(input);
    this.expectRefusalToChangeNothing(before, input);
    this.watch.look(this);
    if (input.kind === 'deadline-passed' && this.deadlineMs !== undefined) {
      expect(this.deadlineMs).toBeGreaterThan(this.nowMs);
    }
    return this;
  }

  /** As if the gateway had refused it; but that the user did something counts (AW2). */
  private expectRefusalToChangeNothing(before: EngineState, input: EngineInput): void {
    const [error] = this.errors;
    if (!error || !mayBeRefused(input)) return;
    const refused = step(before, { ...input, input: { kind: 'message-refused', error } }, this.nowMs, this.policy);
    const { presence } = this.state;
    expect(this.state).toEqual({ ...refused.state, presence });
  }
}

/** Inputs that are refused for a fault of their own, with nothing that comes with them. An empty transcript is the end of its utterance (SU5). */
const mayBeRefused = (input: EngineInput): input is Extract<EngineInput, { kind: 'client' }> =>
  input.kind === 'client' &&
  !('delivery' in input.input) &&
  !(input.input.kind === 'final-transcript' && input.input.text.trim() === '');

/** A short context, so that histories reach their bound. */
const POLICY = { maxContextChars: 1_000 };
const began = (): WatchedTalk =>
  new WatchedTalk(POLICY, { avatar: 'stream', resumable: true }).step({ kind: 'attached' });
/** Fewer where the same stories are told for each of many mutants. */
const runs = (numRuns: number) => ({ numRuns: fc.readConfigureGlobal().numRuns ?? numRuns });
const RUNS = runs(400);

describe('whatever happens, in whatever order', () => {
  it('[LI7][LI9][LI1][LI2][LI6][EN8][IN7][TU8][GE1][EN2][DR8][FL2] no rule is broken and nothing throws', () => {
    fc.assert(
      fc.property(acts(true), (story) => {
        const talk = began();
        for (const [, run] of story) run(talk);
      }),
      RUNS,
    );
  });

  it('[LI3][G2] left alone, the floor is free within the bounds, and the next turn is taken', () => {
    fc.assert(
      fc.property(acts(false), (story) => {
        const talk = began();
        for (const [, run] of story) run(talk);
        talk.closedOrdinal = 0;
        talk.findsGateway();
        talk.pass(boundMs(talk));
        expect(talk.floor).toEqual({ state: 'listening', responseId: undefined });
        expect(talk.state.tails).toEqual([]);
        expect(talk.says('Next', 'next').errors).toEqual([]);
        expect(talk.phase).toBe('thinking');
      }),
      RUNS,
    );
  });

  it('[LI3][CL4] left alone for longer, the session is closed as idle', () => {
    fc.assert(
      fc.property(acts(false), (story) => {
        const talk = began();
        for (const [, run] of story) run(talk);
        talk.pass(boundMs(talk) + talk.policy.maxSpeechMs + talk.policy.idleTimeoutMs);
        expect(talk.phase).toBe('closed');
      }),
      runs(100),
    );
  });

  it('[LI8] the same inputs give the same effects, also through a state that was stored', () => {
    fc.assert(
      fc.property(acts(true), (story) => {
        const talk = new WatchedTalk(POLICY);
        const initial = talk.state;
        talk.step({ kind: 'attached' });
        for (const [, run] of story) run(talk);
        let stored = JSON.stringify(initial);
        const replayed = talk.inputs.flatMap(({ input, nowMs }) => {
          const result = step(JSON.parse(stored) as typeof initial, input, nowMs, talk.policy);
          stored = JSON.stringify(result.state);
          return result.effects;
        });
        expect(replayed).toEqual(talk.history);
        expect(JSON.parse(stored)).toEqual(talk.state);
      }),
      runs(200),
    );
  });

  it('[IN3][DR6] after an interruption of everything nothing is live or heard, and a second one is refused', () => {
    fc.assert(
      fc.property(acts(false), (story) => {
        const talk = began();
        for (const [, run] of story) run(talk);
        talk.closedOrdinal = 0;
        talk.interrupts();
        expect(talk.phase).toBe('listening');
        expect(talk.floor.state).toBe('listening');
        talk.interrupts();
        expect(talk.errors.map(({ code }) => code)).toEqual(['nothing_to_interrupt']);
      }),
      RUNS,
    );
  });

  it('[TU2][G3] an accepted id is never accepted again', () => {
    fc.assert(
      fc.property(acts(false), (story) => {
        const talk = began();
        for (const [, run] of story) run(talk);
        const accepted = talk.history.flatMap((effect) =>
          effect.kind === 'emit' &&
          effect.output.kind === 'event' &&
          effect.output.event.type === 'parley.turn.accepted'
            ? [String(effect.output.event['turn_id'])]
            : [],
        );
        expect(new Set(accepted).size).toBe(accepted.length);
      }),
      RUNS,
    );
  });
});
