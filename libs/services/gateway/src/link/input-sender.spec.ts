import type { InputMessage, SessionInput } from '@parley/model';
import { SESSION, type OwnerDouble } from '../gateway-stage.fixture';
import { INPUT, LinkStage, type ListenerDouble } from './link-stage.fixture';
import type { SessionLink } from './session-link';

let stage: LinkStage;
let owner: OwnerDouble;
let link: SessionLink;
let listener: ListenerDouble;

beforeEach(() => {
  stage = new LinkStage();
  ({ owner, sessionLink: link, listener } = stage);
});
afterEach(() => stage.end());

describe('inputs', () => {
  it('are numbered, carry what the connection has seen, and wait only until they are applied', async () => {
    await stage.attached();
    stage.send(3);
    link.send(INPUT, 4, 'mine');
    expect(link.waitingInputs).toBe(2);
    await stage.pass();
    expect(owner.inputs).toMatchObject([
      { sessionId: SESSION, attachment: 1, seq: 1, closedOrdinal: 3, input: INPUT },
      { seq: 2, closedOrdinal: 4, clientEventId: 'mine' },
    ]);
    expect(link.waitingInputs).toBe(0);
  });

  it('that are not answered within 300 ms are sent again with the same number', async () => {
    await stage.attached();
    const apply = owner.onInput;
    owner.onInput = () => undefined;
    stage.send();
    await stage.pass(650);
    owner.onInput = apply;
    await stage.pass(300);
    expect(owner.inputs.map(({ seq, atMs }) => [seq, atMs])).toEqual([
      [1, 0],
      [1, 300],
      [1, 600],
      [1, 900],
    ]);
    expect(link.waitingInputs).toBe(0);
    expect(stage.counted('parley_inputs_resent_total')).toBe(3);
  });

  it('behind a lost one are sent again after it, in order', async () => {
    await stage.attached();
    const apply = owner.onInput;
    let lost = false;
    owner.onInput = (input) => {
      if (input.seq !== 1 || lost) return apply(input);
      lost = true;
      return undefined;
    };
    stage.send();
    stage.send();
    stage.send();
    await stage.pass(320);
    expect(owner.inputSeqs).toEqual([1, 2, 3, 1, 2, 3]);
    expect(link.waitingInputs).toBe(0);
  });

  it('are not sent in a circle to an owner whose answer helps nothing', async () => {
    await stage.attached();
    owner.onInput = () => ({ kind: 'nonsense' });
    stage.send();
    await stage.pass(1_000);
    expect(owner.inputs.length).toBeLessThanOrEqual(5);
    owner.onInput = () => ({ kind: 'expected', seq: 0 });
    await stage.pass(1_000);
    expect(owner.inputs.length).toBeLessThanOrEqual(10);
  });

  it('wait for the link while it is down', async () => {
    await stage.attached();
    stage.bus.disconnect();
    stage.send();
    stage.send();
    await stage.pass(900);
    expect(owner.inputs).toEqual([]);
    stage.bus.reconnect();
    await stage.pass(300);
    expect(owner.inputSeqs).toEqual([1, 2]);
    expect(listener.told).toEqual(['link back']);
  });

  it('cost no more the longer the link is down, however many wait', async () => {
    await stage.attached();
    stage.bus.disconnect();
    for (let n = 0; n < 3; n++) stage.send();
    await stage.pass(1_000);
    await stage.pass(4_000);
    // One timer for all of them, and the watch over the owner.
    expect(stage.system.pendingTimers).toBeLessThan(4);
    stage.bus.reconnect();
    await stage.pass(600);
    expect(owner.inputSeqs).toEqual([1, 2, 3]);
  });

  it('of an old connection are refused for good: another one has the session', async () => {
    await stage.attached();
    owner.onInput = () => ({ kind: 'old-attachment' });
    stage.send();
    await stage.pass(1_000);
    expect(listener.told).toEqual(['superseded']);
    expect(owner.inputs).toHaveLength(1);
  });

  it('are no longer sent after the end', async () => {
    await stage.attached();
    owner.onInput = () => undefined;
    stage.send();
    await stage.pass();
    link.close();
    expect(stage.send()).toBe(0);
    await stage.pass(1_000);
    expect(owner.inputs).toHaveLength(1);
  });
});

describe('an input that costs its owners', () => {
  const POISON = { kind: 'session-updated', patch: { instructions: 'poison' } } satisfies SessionInput;
  const isPoison = ({ input }: InputMessage): boolean =>
    input.kind === 'session-updated' && input.patch.instructions === 'poison';

  /** Owners of a session, the next one there when one is lost. Each answers what comes together, after the last of it. */
  class Owners {
    readonly all = [owner];

    constructor(private readonly end: (of: OwnerDouble) => void) {
      this.mind(owner);
    }

    get last(): OwnerDouble {
      return this.all.at(-1) ?? owner;
    }

    private mind(of: OwnerDouble): void {
      const apply = of.onInput;
      of.onInput = (input) => {
        if (isPoison(input)) this.lose(of);
        // The write that its answer waits for is never made.
        return this.last === of ? apply(input) : undefined;
      };
    }

    private lose(of: OwnerDouble): void {
      const next = of.successor(`orc_${this.all.length + 1}`);
      this.end(of);
      this.all.push(next);
      this.mind(next);
    }
  }

  it.each<[string, (of: OwnerDouble) => void]>([
    ['by a crash', (of) => of.bus.kill()],
    // Its link is up and nothing answers: what an endless loop looks like from outside.
    ['by silence', (of) => of.freeze()],
  ])('%s is refused at the third, with its event id, and what follows it goes on', async (_, end) => {
    await stage.attached();
    const owners = new Owners(end);
    link.send(POISON, 0, 'mine');
    link.send(INPUT, 0, 'next');
    await stage.pass(10_000);
    expect(owners.all.map((each) => each.epoch)).toEqual([1, 2, 3]);
    expect(owners.last.inputKinds).toEqual(['message-refused', 'session-updated']);
    expect(owners.last.inputs).toMatchObject([
      { seq: 1, clientEventId: 'mine', input: { error: { type: 'server_error', code: 'internal_error' } } },
      { seq: 2, clientEventId: 'next' },
    ]);
    expect(link.waitingInputs).toBe(0);
    // What it said is nobody's business.
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'an input cost two owners and is refused', fields: { sessionId: SESSION, seq: 1 } },
    ]);
    expect(JSON.stringify(stage.log.lines)).not.toContain('poison');
  });

  it('does not take along the one before it, which was sent with it', async () => {
    await stage.attached();
    const apply = owner.onInput;
    // The answer to both would come behind the second.
    owner.onInput = (input) => (input.seq === 1 ? undefined : apply(input));
    const owners = new Owners((of) => of.bus.kill());
    link.send(INPUT, 0, 'before');
    link.send(POISON, 0, 'mine');
    await stage.pass(5_000);
    expect(owners.all).toHaveLength(3);
    expect(owners.all[1]?.inputKinds).toEqual(['session-updated', 'session-updated']);
    expect(owners.last.inputKinds).toEqual(['message-refused']);
    expect(link.waitingInputs).toBe(0);
  });

  it('is one only if they got it: three owners that were gone before cost nothing', async () => {
    await stage.attached();
    let last = owner;
    for (const name of ['orc_two', 'orc_three', 'orc_four'] as const) {
      const next = last.successor(name);
      last.bus.kill();
      if (last === owner) stage.send();
      [last, next.onInput] = [next, () => undefined];
      if (name !== 'orc_four') next.carry = () => {};
      else next.onInput = ({ seq }) => ({ kind: 'applied', seq });
      await stage.pass(1_000);
    }
    expect(last.inputKinds).toEqual(['session-updated']);
    expect(link.waitingInputs).toBe(0);
  });

  it.each<[string, (of: OwnerDouble) => void]>([
    ['have let go of the session', (of) => of.sayReleased()],
    ['carry it no more, because another has it', (of) => of.drop()],
    [
      'say that they do not own it',
      (of) => {
        of.onInput = () => ({ kind: 'disowned' });
      },
    ],
  ])('is none if they %s', async (_, end) => {
    await stage.attached();
    const owners = new Owners(end);
    link.send(POISON, 0, 'mine');
    await stage.pass(3_000);
    expect(owners.all.length).toBeGreaterThan(3);
    expect(owners.all.flatMap(({ inputKinds }) => inputKinds)).not.toContain('message-refused');
  });
});
