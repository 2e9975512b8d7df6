import { SESSION, type OwnerDouble } from '../gateway-stage.fixture';
import { LinkStage, type ListenerDouble } from './link-stage.fixture';
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

describe('an owner that is lost', () => {
  it('by its crash is replaced within a ping: the claim keeps the attachment and tells the epoch', async () => {
    await stage.attached();
    const next = owner.successor();
    owner.bus.kill();
    await stage.pass(260);
    // The numbers of the listener's report: what reached the client.
    const delivered = { acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 1, responses: [] };
    expect(next.claims).toEqual([
      { sessionId: SESSION, gateway: 'gw_one', seenEpoch: 1, attach: { kind: 'keep', attachment: 1, delivered } },
    ]);
    stage.send();
    await stage.pass();
    expect(next.inputs).toMatchObject([{ seq: 1, attachment: 1, epoch: 2 }]);
  });

  it('by its own word is replaced at once', async () => {
    await stage.attached();
    const next = owner.successor();
    owner.sayReleased(1);
    await stage.pass(10);
    expect(next.claims).toMatchObject([{ seenEpoch: 1, attach: { kind: 'keep', attachment: 1 } }]);
    // A word that is late.
    owner.sayReleased(1);
    await stage.pass(2_000);
    expect(next.claims).toHaveLength(1);
  });

  it('by its own word, right behind its answer that it lives: is asked for again, and not believed', async () => {
    await stage.attached();
    const next = owner.successor();
    const granted = next.onClaim;
    next.onClaim = () => ({ kind: 'owned', owner: owner.incarnation, epoch: 1 });
    link.confirmOwner();
    while (next.claims.length === 0) await stage.pass(10);
    next.onClaim = granted;
    owner.sayReleased(1);
    // The pause after the answer, and no ping.
    await stage.pass(390);
    expect(next.claims).toHaveLength(2);
    stage.send();
    await stage.pass();
    expect(next.inputs).toMatchObject([{ seq: 1, attachment: 1, epoch: 2 }]);
  });

  it('by its crash in mid-write: what was under way to it goes to its successor with the same number', async () => {
    await stage.attached();
    stage.send();
    await stage.pass(100);
    owner.onInput = () => undefined;
    stage.send();
    stage.send();
    const next = owner.successor();
    owner.bus.kill();
    await stage.pass(200);
    // Already the successor’s, while the requests to the dead one are still open.
    stage.send();
    await stage.pass(400);
    expect(next.applied).toBe(4);
    expect(next.inputs.filter(({ epoch }) => epoch !== 2)).toEqual([]);
    expect(link.waitingInputs).toBe(0);
  });

  it('by its crash in mid-write, with no input after it: the successor gets it all the same', async () => {
    await stage.attached();
    owner.onInput = () => undefined;
    stage.send();
    await stage.pass();
    const next = owner.successor();
    owner.bus.kill();
    await stage.pass(1_000);
    expect(next.inputSeqs).toEqual([1]);
    expect(link.waitingInputs).toBe(0);
  });

  it('by a word that it does not own the session', async () => {
    await stage.attached();
    const next = owner.successor();
    owner.onInput = () => ({ kind: 'disowned' });
    stage.send();
    stage.send();
    await stage.pass(300);
    expect(next.claims).toHaveLength(1);
    expect(next.inputSeqs).toEqual([1, 2]);
  });

  it('by having let go: nobody answers for its inputs, though its process lives', async () => {
    await stage.attached();
    const next = owner.successor();
    owner.drop();
    stage.send();
    await stage.pass(300);
    expect(next.claims).toHaveLength(1);
    expect(next.inputSeqs).toEqual([1]);
  });

  it('in error goes on: it is told that the owner lives, and sends it what waits', async () => {
    await stage.attached();
    const other = owner.successor();
    other.onClaim = () => ({ kind: 'owned', epoch: 1, owner: 'orc_one' });
    owner.drop();
    stage.send();
    await stage.pass(100);
    expect(other.claims).toHaveLength(1);
    owner.carry(SESSION);
    await stage.pass(400);
    expect(owner.inputSeqs).toEqual([1]);
    expect(link.attachment).toBe(1);
    expect(link.waitingInputs).toBe(0);
    expect(listener.told).toEqual([]);
  });

  it.each([
    ['is silent, as without a store', undefined],
    ['has no room', { kind: 'full' } as const],
  ])('[G2] that is only feared, where whoever is asked %s: the owner has the word itself', async (_what, word) => {
    await stage.attached();
    const other = owner.successor();
    other.onClaim = () => word;
    link.confirmOwner();
    await stage.pass(15_000);
    expect(listener.told).toEqual([]);
    expect(owner.claims.at(-1)).toMatchObject({ seenEpoch: 1, attach: { kind: 'keep', attachment: 1 } });
    stage.send();
    await stage.pass();
    expect(owner.inputSeqs).toEqual([1]);
  });

  it('is looked for once, however many signs of it there are', async () => {
    await stage.attached();
    const next = owner.successor();
    next.onClaim = () => undefined;
    owner.bus.kill();
    for (let n = 0; n < 5; n++) stage.send();
    await stage.pass(140);
    expect(next.claims).toHaveLength(1);
  });

  it('with a session that is over ends the connection', async () => {
    await stage.attached();
    owner.successor().onClaim = () => ({ kind: 'gone' });
    owner.bus.kill();
    await stage.pass(500);
    expect(listener.told).toEqual(['gone: the session is over']);
  });

  it('and not replaced for 10 s ends the connection', async () => {
    await stage.attached();
    owner.bus.kill();
    await stage.pass(10_000);
    expect(listener.told).toEqual([]);
    await stage.pass(700);
    expect(listener.told).toEqual(['gone: no process can carry the session']);
    await stage.pass(20_000);
    expect(listener.told).toHaveLength(1);
  });

  it('is looked for for 10 s counted from the return of one’s own link', async () => {
    await stage.attached();
    owner.bus.kill();
    await stage.pass(1_000);
    stage.bus.disconnect();
    await stage.pass(30_000);
    const next = owner.successor();
    stage.bus.reconnect();
    await stage.pass(2_000);
    expect(listener.told).toEqual(['link back']);
    expect(next.claims).toHaveLength(1);
  });

  it('is looked for no more after the end', async () => {
    await stage.attached();
    owner.bus.kill();
    await stage.pass(500);
    link.close();
    const next = owner.successor();
    await stage.pass(2_000);
    expect(next.claims).toEqual([]);
    expect(listener.told).toEqual([]);
  });
});
