import { EngineDriver } from './testing/engine-driver';

const ANSWER = 'It is sunny today. ';

/** Both happen in one millisecond; either may reach the engine first. */
type Story = readonly [first: (talk: EngineDriver) => unknown, second: (talk: EngineDriver) => unknown];
const interrupt = (talk: EngineDriver): unknown => talk.interrupts();

function tell(lead: EngineDriver, story: Story): EngineDriver {
  const before = lead.nowMs;
  for (const act of story) act(lead);
  expect(lead.nowMs).toBe(before);
  return lead;
}
const told = (talk: EngineDriver, kind: string): number =>
  talk.history.filter((effect) => effect.kind === 'emit' && effect.output.kind === kind).length;
const ended = (talk: EngineDriver): unknown[] =>
  talk.history.flatMap((effect) =>
    effect.kind === 'observe' && effect.observation.name === 'response-ended' ? [effect.observation.status] : [],
  );

describe('an interrupt in the same millisecond', () => {
  const answered = (): EngineDriver =>
    EngineDriver.attached()
      .answers(ANSWER)
      .hears({ segmentsMs: [1_000], complete: true, playedMs: 400 });
  const done = (talk: EngineDriver): unknown =>
    talk.hears({ segmentsMs: [1_000], complete: true, playedMs: 400, closed: true });

  it.each<[string, Story, string]>([
    ['before', [interrupt, done], 'cancelled'],
    ['after', [done, interrupt], 'completed'],
  ])('[IN1][IN2][EN8] as done, %s it, ends the response once and its sound at once', (_order, story, status) => {
    const talk = tell(answered(), story);
    expect([ended(talk), told(talk, 'interrupted')]).toEqual([[status], 1]);
    expect(talk.floor.state).toBe('listening');
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual(['It is [interrupted by the user]']);
  });

  it.each<[string, Story, number]>([
    ['before', [interrupt, (talk) => talk.looks()], 1],
    ['after', [(talk) => talk.looks(), interrupt], 0],
  ])('[DR4][DR5][IN3] as the end of the drain, %s it, ends the tail once', (_order, story, interruptions) => {
    const talk = answered();
    done(talk);
    talk.pass(1_099);
    talk.nowMs += 1;
    tell(talk, story);
    expect(told(talk, 'interrupted')).toBe(interruptions);
    expect(told(talk, 'error')).toBe(1 - interruptions);
    expect(talk.floor.state).toBe('listening');
    expect(ended(talk)).toEqual(['completed']);
  });

  it.each<[string, Story, number]>([
    ['before', [interrupt, (talk) => talk.says('Weather?', 'turn_1')], 2],
    ['after', [(talk) => talk.says('Weather?', 'turn_1'), interrupt], 1],
  ])('[SU4][SU7][SP2] as a commit, %s it, leaves nothing of the speculation to be heard', (_order, story, asked) => {
    const talk = tell(EngineDriver.attached().guesses('Weather?', 'turn_1').writes(ANSWER), story);
    expect(talk.history.filter(({ kind }) => kind === 'start-generation')).toHaveLength(asked);
    const live = talk.phase === 'thinking';
    expect(live).toBe(asked === 2);
    expect(told(talk, 'interrupted')).toBe(asked === 2 ? 0 : 1);
    talk.writes('Late. ', 1);
    expect(talk.effects).toEqual([]);
  });

  it.each<[string, Story]>([
    ['before', [interrupt, (talk) => talk.modelFails()]],
    ['after', [(talk) => talk.modelFails(), interrupt]],
  ])('[EN6][EN8] as a failure, %s it, ends the response once', (_order, story) => {
    const talk = tell(EngineDriver.attached().says('Weather?').binds().writes(ANSWER), story);
    expect(ended(talk)).toHaveLength(1);
    expect(talk.floor.state).toBe('listening');
  });

  it.each<[string, Story]>([
    ['before', [interrupt, (talk) => talk.says('And Friday?', 'next')]],
    ['after', [(talk) => talk.says('And Friday?', 'next'), interrupt]],
  ])('[IN4][TU10] as a turn that takes the floor, %s it, is told once for each response', (_order, story) => {
    const talk = EngineDriver.attached({ busy: 'interrupt' }).answers(ANSWER);
    tell(talk.hears({ segmentsMs: [1_000], playedMs: 400 }), story);
    expect(told(talk, 'interrupted')).toBe(story[0] === interrupt ? 1 : 2);
  });
});
