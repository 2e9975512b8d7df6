import {
  subjects,
  type ChunkView,
  type DeliveryReport,
  type InputMessage,
  type OwnerOutput,
  type SessionInput,
} from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import { PeerWatch } from '@parley/service-link';
import { GatewayStage, OwnerDouble, SESSION, textOf, TRACE } from '../gateway-stage.fixture';
import { SessionLink, type ClientOutput, type LinkListener, type OutputNumber } from './session-link';

const adoptedBy = (epoch: number): Extract<OwnerOutput, { kind: 'adopted' }> => ({
  ...{ kind: 'adopted', epoch, ordinal: 1, segments: [] },
});
const INPUT: SessionInput = { kind: 'session-updated', patch: {} };

/** Writes down what it is told. */
class ListenerDouble implements LinkListener {
  readonly outputs: { text: string; number: string }[] = [];
  readonly chunks: ChunkView[] = [];
  readonly told: string[] = [];
  admits: ((chunk: ChunkView) => boolean) | undefined;

  onOutput(output: ClientOutput, { epoch, outSeq }: OutputNumber): void {
    this.outputs.push({ text: output.kind === 'text' ? output.text : output.kind, number: `${epoch}/${outSeq}` });
  }
  onRepeated(): void {
    this.told.push('repeated');
  }
  onAudio(chunk: ChunkView): void {
    this.chunks.push(chunk);
  }
  onVisemes(): void {
    this.told.push('visemes');
  }
  onOwnerChanged(admits: (chunk: ChunkView) => boolean): void {
    this.told.push('owner changed');
    this.admits = admits;
  }
  delivered(): Pick<DeliveryReport, 'announcedOrdinal' | 'responses'> {
    return { announcedOrdinal: 1, responses: [] };
  }
  onLinkBack(): void {
    this.told.push('link back');
  }
  onGone(reason: string): void {
    this.told.push(`gone: ${reason}`);
  }
  onSuperseded(): void {
    this.told.push('superseded');
  }
}

let stage: GatewayStage;
let owner: OwnerDouble;
let peers: PeerWatch;
let link: SessionLink;
let listener: ListenerDouble;

beforeEach(() => {
  stage = new GatewayStage();
  owner = new OwnerDouble(stage);
  peers = new PeerWatch(stage.bus, stage.system, 'gw_one');
  const { bus, system, log, telemetry } = stage;
  link = new SessionLink({ bus, system, log, telemetry }, 'gw_one', peers, SESSION, log);
  listener = new ListenerDouble();
});

afterEach(async () => {
  link.close();
  peers.close();
  await stage.pass(5_000);
  expect(stage.system.pendingTimers).toBe(0);
});

const attach = () => link.attach({ kind: 'new', connection: { parley: true, model: 'm' } });
async function attached(): Promise<void> {
  await stage.now(attach());
  link.listen(listener);
}
const send = (closedOrdinal = 0): number => link.send(INPUT, closedOrdinal, undefined);
const seqsOf = (of: OwnerDouble): number[] => of.inputs.map(({ seq }) => seq);
/** Another orchestrator, which is granted the session with the next epoch when it is asked. */
function successor(): OwnerDouble {
  owner.claimNothing();
  const next = new OwnerDouble(stage, 'orc_two');
  next.epoch = 2;
  next.applied = owner.applied;
  next.outSeq = owner.outSeq;
  return next;
}

describe('attaching', () => {
  it('claims a new session with the connection’s profile', async () => {
    expect(await stage.now(attach())).toMatchObject({ kind: 'attached', opening: { afterOutSeq: 0 } });
    expect(owner.claims).toEqual([
      {
        sessionId: SESSION,
        gateway: 'gw_one',
        seenEpoch: 0,
        attach: { kind: 'new', connection: { parley: true, model: 'm' } },
      },
    ]);
    expect(link.attachment).toBe(1);
  });

  it('listens before it claims: what the owner says first is kept, in order, until somebody listens', async () => {
    owner.onClaim = () => {
      owner.emit(textOf(1, 'first'));
      owner.emit(textOf(1, 'second'));
      return owner.granted();
    };
    await stage.now(attach());
    await stage.pass(50);
    expect(listener.outputs).toEqual([]);
    link.listen(listener);
    owner.emit(textOf(1, 'third'));
    await stage.pass();
    expect(listener.outputs).toEqual([
      { text: 'first', number: '1/1' },
      { text: 'second', number: '1/2' },
      { text: 'third', number: '1/3' },
    ]);
  });

  it('keeps audio too until somebody listens, and lets it past the fence of that moment only', async () => {
    owner.onClaim = () => {
      owner.audio({ samples: 10 });
      owner.audio({ samples: 20, firstSample: 10 });
      owner.audio({ samples: 5, epoch: 0 });
      return owner.granted();
    };
    await stage.now(attach());
    await stage.pass(50);
    link.listen(listener);
    expect(listener.chunks.map(({ firstSample, samples }) => [firstSample, samples])).toEqual([
      [0, 10],
      [10, 20],
    ]);
    expect(stage.counted('parley_stale_chunks_dropped_total epoch')).toBe(1);
  });

  it.each([
    ['full', { kind: 'full' } as const],
    ['gone', { kind: 'gone' } as const],
    ['unavailable', undefined],
  ])('that fails is %s and leaves nothing behind', async (outcome, reply) => {
    owner.onClaim = () => reply;
    expect(await stage.system.runUntil(attach())).toEqual({ kind: outcome });
    expect(send()).toBe(0);
  });
});

describe('inputs', () => {
  it('are numbered, carry what the connection has seen, and wait only until they are applied', async () => {
    await attached();
    send(3);
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
    await attached();
    const apply = owner.onInput;
    owner.onInput = () => undefined;
    send();
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
    await attached();
    const apply = owner.onInput;
    let lost = false;
    owner.onInput = (input) => {
      if (input.seq !== 1 || lost) return apply(input);
      lost = true;
      return undefined;
    };
    send();
    send();
    send();
    await stage.pass(320);
    expect(seqsOf(owner)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(link.waitingInputs).toBe(0);
  });

  it('are not sent in a circle to an owner whose answer helps nothing', async () => {
    await attached();
    owner.onInput = () => ({ kind: 'nonsense' });
    send();
    await stage.pass(1_000);
    expect(owner.inputs.length).toBeLessThanOrEqual(5);
    owner.onInput = () => ({ kind: 'expected', seq: 0 });
    await stage.pass(1_000);
    expect(owner.inputs.length).toBeLessThanOrEqual(10);
  });

  it('wait for the link while it is down', async () => {
    await attached();
    stage.bus.disconnect();
    send();
    send();
    await stage.pass(900);
    expect(owner.inputs).toEqual([]);
    stage.bus.reconnect();
    await stage.pass(300);
    expect(seqsOf(owner)).toEqual([1, 2]);
    expect(listener.told).toEqual(['link back']);
  });

  it('cost no more the longer the link is down, however many wait', async () => {
    await attached();
    stage.bus.disconnect();
    for (let n = 0; n < 3; n++) send();
    await stage.pass(1_000);
    await stage.pass(4_000);
    // One timer for all of them, and the watch over the owner.
    expect(stage.system.pendingTimers).toBeLessThan(4);
    stage.bus.reconnect();
    await stage.pass(600);
    expect(seqsOf(owner)).toEqual([1, 2, 3]);
  });

  it('of an old connection are refused for good: another one has the session', async () => {
    await attached();
    owner.onInput = () => ({ kind: 'old-attachment' });
    send();
    await stage.pass(1_000);
    expect(listener.told).toEqual(['superseded']);
    expect(owner.inputs).toHaveLength(1);
  });

  it('are no longer sent after the end', async () => {
    await attached();
    owner.onInput = () => undefined;
    send();
    await stage.pass();
    link.close();
    expect(send()).toBe(0);
    await stage.pass(1_000);
    expect(owner.inputs).toHaveLength(1);
  });
});

describe('an owner that is lost', () => {
  it('by its crash is replaced within a ping: the claim keeps the attachment and tells the epoch', async () => {
    await attached();
    const next = successor();
    owner.bus.kill();
    await stage.pass(260);
    // The numbers of the listener's report: what reached the client.
    const delivered = { acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 1, responses: [] };
    expect(next.claims).toEqual([
      { sessionId: SESSION, gateway: 'gw_one', seenEpoch: 1, attach: { kind: 'keep', attachment: 1, delivered } },
    ]);
    send();
    await stage.pass();
    expect(next.inputs).toMatchObject([{ seq: 1, attachment: 1, epoch: 2 }]);
  });

  it('by its own word is replaced at once', async () => {
    await attached();
    const next = successor();
    owner.sayReleased(1);
    await stage.pass(10);
    expect(next.claims).toMatchObject([{ seenEpoch: 1, attach: { kind: 'keep', attachment: 1 } }]);
    // A word that is late.
    owner.sayReleased(1);
    await stage.pass(2_000);
    expect(next.claims).toHaveLength(1);
  });

  it('by its own word, right behind its answer that it lives: is asked for again, and not believed', async () => {
    await attached();
    const next = successor();
    const granted = next.onClaim;
    next.onClaim = () => ({ kind: 'owned', owner: owner.incarnation, epoch: 1 });
    link.confirmOwner();
    while (next.claims.length === 0) await stage.pass(10);
    next.onClaim = granted;
    owner.sayReleased(1);
    // The pause after the answer, and no ping.
    await stage.pass(390);
    expect(next.claims).toHaveLength(2);
    send();
    await stage.pass();
    expect(next.inputs).toMatchObject([{ seq: 1, attachment: 1, epoch: 2 }]);
  });

  it('by its crash in mid-write: what was under way to it goes to its successor with the same number', async () => {
    await attached();
    send();
    await stage.pass(100);
    owner.onInput = () => undefined;
    send();
    send();
    const next = successor();
    owner.bus.kill();
    await stage.pass(200);
    // Already the successor’s, while the requests to the dead one are still open.
    send();
    await stage.pass(400);
    expect(next.applied).toBe(4);
    expect(next.inputs.filter(({ epoch }) => epoch !== 2)).toEqual([]);
    expect(link.waitingInputs).toBe(0);
  });

  it('by its crash in mid-write, with no input after it: the successor gets it all the same', async () => {
    await attached();
    owner.onInput = () => undefined;
    send();
    await stage.pass();
    const next = successor();
    owner.bus.kill();
    await stage.pass(1_000);
    expect(seqsOf(next)).toEqual([1]);
    expect(link.waitingInputs).toBe(0);
  });

  it('by a word that it does not own the session', async () => {
    await attached();
    const next = successor();
    owner.onInput = () => ({ kind: 'disowned' });
    send();
    send();
    await stage.pass(300);
    expect(next.claims).toHaveLength(1);
    expect(seqsOf(next)).toEqual([1, 2]);
  });

  it('by having let go: nobody answers for its inputs, though its process lives', async () => {
    await attached();
    const next = successor();
    owner.drop();
    send();
    await stage.pass(300);
    expect(next.claims).toHaveLength(1);
    expect(seqsOf(next)).toEqual([1]);
  });

  it('in error goes on: it is told that the owner lives, and sends it what waits', async () => {
    await attached();
    const other = successor();
    other.onClaim = () => ({ kind: 'owned', epoch: 1, owner: 'orc_one' });
    owner.drop();
    send();
    await stage.pass(100);
    expect(other.claims).toHaveLength(1);
    owner.carry(SESSION);
    await stage.pass(400);
    expect(seqsOf(owner)).toEqual([1]);
    expect(link.attachment).toBe(1);
    expect(link.waitingInputs).toBe(0);
    expect(listener.told).toEqual([]);
  });

  it.each([
    ['is silent, as without a store', undefined],
    ['has no room', { kind: 'full' } as const],
  ])('[G2] that is only feared, where whoever is asked %s: the owner has the word itself', async (_what, word) => {
    await attached();
    const other = successor();
    other.onClaim = () => word;
    link.confirmOwner();
    await stage.pass(15_000);
    expect(listener.told).toEqual([]);
    expect(owner.claims.at(-1)).toMatchObject({ seenEpoch: 1, attach: { kind: 'keep', attachment: 1 } });
    send();
    await stage.pass();
    expect(seqsOf(owner)).toEqual([1]);
  });

  it('is looked for once, however many signs of it there are', async () => {
    await attached();
    const next = successor();
    next.onClaim = () => undefined;
    owner.bus.kill();
    for (let n = 0; n < 5; n++) send();
    await stage.pass(140);
    expect(next.claims).toHaveLength(1);
  });

  it('with a session that is over ends the connection', async () => {
    await attached();
    successor().onClaim = () => ({ kind: 'gone' });
    owner.bus.kill();
    await stage.pass(500);
    expect(listener.told).toEqual(['gone: the session is over']);
  });

  it('and not replaced for 10 s ends the connection', async () => {
    await attached();
    owner.bus.kill();
    await stage.pass(10_000);
    expect(listener.told).toEqual([]);
    await stage.pass(700);
    expect(listener.told).toEqual(['gone: no process can carry the session']);
    await stage.pass(20_000);
    expect(listener.told).toHaveLength(1);
  });

  it('is looked for for 10 s counted from the return of one’s own link', async () => {
    await attached();
    owner.bus.kill();
    await stage.pass(1_000);
    stage.bus.disconnect();
    await stage.pass(30_000);
    const next = successor();
    stage.bus.reconnect();
    await stage.pass(2_000);
    expect(listener.told).toEqual(['link back']);
    expect(next.claims).toHaveLength(1);
  });

  it('is looked for no more after the end', async () => {
    await attached();
    owner.bus.kill();
    await stage.pass(500);
    link.close();
    const next = successor();
    await stage.pass(2_000);
    expect(next.claims).toEqual([]);
    expect(listener.told).toEqual([]);
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
      of.claimNothing();
      this.end(of);
      const next = new OwnerDouble(stage, `orc_${this.all.length + 1}`);
      [next.epoch, next.applied] = [of.epoch + 1, of.applied];
      this.all.push(next);
      this.mind(next);
    }
  }
  const kinds = (of: OwnerDouble): string[] => of.inputs.map(({ input }) => input.kind);

  it.each<[string, (of: OwnerDouble) => void]>([
    ['by a crash', (of) => of.bus.kill()],
    // Its link is up and nothing answers: what an endless loop looks like from outside.
    ['by silence', (of) => of.freeze()],
  ])('%s is refused at the third, with its event id, and what follows it goes on', async (_, end) => {
    await attached();
    const owners = new Owners(end);
    link.send(POISON, 0, 'mine');
    link.send(INPUT, 0, 'next');
    await stage.pass(10_000);
    expect(owners.all.map((each) => each.epoch)).toEqual([1, 2, 3]);
    expect(kinds(owners.last)).toEqual(['message-refused', 'session-updated']);
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
    await attached();
    const apply = owner.onInput;
    // The answer to both would come behind the second.
    owner.onInput = (input) => (input.seq === 1 ? undefined : apply(input));
    const owners = new Owners((of) => of.bus.kill());
    link.send(INPUT, 0, 'before');
    link.send(POISON, 0, 'mine');
    await stage.pass(5_000);
    expect(owners.all).toHaveLength(3);
    expect(kinds(owners.all[1] ?? owner)).toEqual(['session-updated', 'session-updated']);
    expect(kinds(owners.last)).toEqual(['message-refused']);
    expect(link.waitingInputs).toBe(0);
  });

  it('is one only if they got it: three owners that were gone before cost nothing', async () => {
    await attached();
    let last = owner;
    for (const name of ['orc_two', 'orc_three', 'orc_four'] as const) {
      const next = new OwnerDouble(stage, name);
      next.epoch = last.epoch + 1;
      last.claimNothing();
      last.bus.kill();
      if (last === owner) send();
      [last, next.onInput] = [next, () => undefined];
      if (name !== 'orc_four') next.carry = () => {};
      else next.onInput = ({ seq }) => ({ kind: 'applied', seq });
      await stage.pass(1_000);
    }
    expect(kinds(last)).toEqual(['session-updated']);
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
    await attached();
    const owners = new Owners(end);
    link.send(POISON, 0, 'mine');
    await stage.pass(3_000);
    expect(owners.all.length).toBeGreaterThan(3);
    expect(owners.all.flatMap(kinds)).not.toContain('message-refused');
  });
});

describe('what the owner sends', () => {
  it('comes once and in order; a repetition says that its acknowledgement was lost', async () => {
    await attached();
    owner.emit(textOf(1, 'a'));
    owner.publish({ epoch: 1, firstOutSeq: 3, outputs: [textOf(1, 'c')] });
    await stage.pass();
    expect(listener.outputs.map(({ text }) => text)).toEqual(['a']);
    owner.publish({ epoch: 1, firstOutSeq: 1, outputs: [textOf(1, 'a')] });
    owner.publish({ epoch: 1, firstOutSeq: 2, outputs: [textOf(1, 'b')] });
    owner.publish({ epoch: 1, firstOutSeq: 3, outputs: [textOf(1, 'c')] });
    await stage.pass();
    expect(listener.outputs.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    expect(listener.told).toEqual(['repeated', 'repeated']);
  });

  it('of an older epoch is dropped once a newer owner has taken over, whoever tells first', async () => {
    await attached();
    owner.emit(textOf(1, 'a'));
    owner.audio({ epoch: 1 });
    await stage.pass();
    owner.publish({ epoch: 2, firstOutSeq: 2, outputs: [adoptedBy(2)] });
    owner.audio({ epoch: 1 });
    owner.emit(textOf(1, 'late'));
    owner.bus.publish(
      subjects.visemes(SESSION),
      encodeEnvelope(TRACE, {
        ...{ sessionId: SESSION, epoch: 1, lane: 0, ordinal: 1, attempt: 1, segment: 0 },
        visemes: [],
      }),
    );
    owner.audio({ epoch: 2 });
    owner.publish({ epoch: 2, firstOutSeq: 3, outputs: [textOf(1, 'b')] });
    await stage.pass();
    expect(listener.outputs).toEqual([
      { text: 'a', number: '1/1' },
      { text: 'b', number: '2/3' },
    ]);
    expect(listener.chunks.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(listener.told).toEqual(['owner changed']);
    expect(stage.counted('parley_stale_chunks_dropped_total epoch')).toBe(1);
  });

  it('while another owner is looked for is taken when it lives after all', async () => {
    await attached();
    const other = successor();
    other.onClaim = () => ({ kind: 'owned', epoch: 1, owner: 'orc_one' });
    const claimed = owner.onClaim;
    owner.onClaim = (claim) => {
      owner.emit(textOf(1, 'meanwhile'));
      expect(claim.attach).toMatchObject({ kind: 'keep', delivered: { acknowledgedOutSeq: 0 } });
      expect(listener.outputs).toEqual([]);
      return claimed(claim);
    };
    owner.drop();
    send();
    await stage.pass(100);
    expect(listener.outputs).toEqual([{ text: 'meanwhile', number: '1/1' }]);
  });

  it('[TK8] behind what its successor was told has come is not taken: the number may be another output’s by then', async () => {
    await attached();
    owner.emit(textOf(1, 'a'));
    await stage.pass();
    const next = successor();
    next.onClaim = (claim) => {
      expect(claim.attach).toMatchObject({ delivered: { acknowledgedOutSeq: 1 } });
      // Sent before it died, unwritten.
      owner.emit(textOf(1, 'late'));
      return next.granted();
    };
    owner.drop();
    send();
    await stage.pass(100);
    owner.emit(textOf(1, 'later still'));
    next.outSeq = 1;
    next.emit(adoptedBy(2));
    next.emit(textOf(1, 'b'));
    await stage.pass(100);
    expect(listener.outputs).toEqual([
      { text: 'a', number: '1/1' },
      { text: 'b', number: '2/3' },
    ]);
  });

  it('[G6] of an older epoch goes on where the new owner has adopted its rendering', async () => {
    await attached();
    const segments = [{ index: 0, epoch: 1, attempt: 1 }];
    owner.publish({ epoch: 2, firstOutSeq: 1, outputs: [{ ...adoptedBy(2), segments }] });
    owner.audio({ epoch: 1, segment: 0 });
    owner.audio({ epoch: 1, segment: 0, attempt: 2 });
    owner.audio({ epoch: 1, segment: 1 });
    owner.audio({ epoch: 1, ordinal: 2 });
    await stage.pass();
    expect(listener.chunks).toMatchObject([{ epoch: 1, ordinal: 1, segment: 0, attempt: 1 }]);
    const [heard] = listener.chunks;
    expect(heard && listener.admits?.(heard)).toBe(true);
    expect(heard && listener.admits?.({ ...heard, segment: 1 })).toBe(false);
  });

  it('[G6] of an owner in between, sent again by the next, does not hide what the next has adopted', async () => {
    await attached();
    const segments = [{ index: 0, epoch: 2, attempt: 2 }];
    owner.publish({ epoch: 3, firstOutSeq: 1, outputs: [adoptedBy(2), { ...adoptedBy(3), segments }] });
    owner.audio({ epoch: 2, attempt: 2 });
    owner.audio({ epoch: 1 });
    await stage.pass();
    expect(listener.chunks).toMatchObject([{ epoch: 2, attempt: 2 }]);
  });

  it('and cannot be read is left out, without harm to the rest', async () => {
    await attached();
    const nonsense = new TextEncoder().encode('{}');
    for (const subject of [subjects.output(SESSION), subjects.audio(SESSION), subjects.visemes(SESSION)]) {
      owner.bus.publish(subject, nonsense);
    }
    owner.emit(textOf(1, 'a'));
    owner.audio({});
    await stage.pass();
    expect(listener.outputs).toHaveLength(1);
    expect(listener.chunks).toHaveLength(1);
  });

  it('is acknowledged in reports, up to the first hole', async () => {
    await attached();
    owner.emit(textOf(1, 'a'));
    owner.publish({ epoch: 1, firstOutSeq: 3, outputs: [textOf(1, 'c')] });
    await stage.pass();
    link.report();
    await stage.pass();
    expect(owner.reports).toMatchObject([
      { sessionId: SESSION, attachment: 1, acknowledgedOutSeq: 1, announcedOrdinal: 1, responses: [] },
    ]);
  });

  it('is acknowledged at once where it is much: the owner holds only so much of it', async () => {
    await attached();
    for (let n = 0; n < 4; n++) owner.emit(textOf(1, '語'.repeat(10_000)));
    await stage.pass();
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([3]);
    link.report();
    for (let n = 0; n < 2; n++) owner.emit(textOf(1, '語'.repeat(10_000)));
    await stage.pass();
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([3, 4]);
  });
});

describe('an exception in what nobody waits for', () => {
  /** More than any bus carries; what a client sends is far smaller. */
  const TOO_LARGE: SessionInput = { kind: 'session-updated', patch: { instructions: 'x'.repeat(1_100_000) } };

  it('ends the connection, once, and not the process', async () => {
    await attached();
    send();
    for (let n = 0; n < 3; n++) link.send(TOO_LARGE, 0, undefined);
    await stage.pass();
    expect(listener.told).toEqual(['gone: internal error']);
    expect(stage.log.lines.filter(({ message }) => message === 'a session link broke')).toHaveLength(1);
    expect(seqsOf(owner)).toEqual([1]);
    expect(link.send(INPUT, 0, undefined)).toBe(0);
  });

  it('in the search for another owner does so too', async () => {
    await attached();
    const segments = Array.from({ length: 40_000 }, () => ({ attempt: 1, samples: 1, last: true }));
    const delivery = { ...{ lane: 0, ordinal: 1, responseId: 'resp_1' as const, segments }, playedSamples: 0 };
    const responses = [{ ...delivery, ended: false, closed: false, holedAttempt: null }];
    listener.delivered = () => ({ announcedOrdinal: 1, responses });
    owner.bus.kill();
    await stage.pass(2_000);
    expect(listener.told).toEqual(['gone: internal error']);
  });
});
