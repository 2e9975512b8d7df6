import type { SessionInput } from '@parley/model';
import { SESSION, textOf, type OwnerDouble } from '../gateway-stage.fixture';
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

describe('attaching', () => {
  it('claims a new session with the connection’s profile', async () => {
    expect(await stage.now(stage.attach())).toMatchObject({ kind: 'attached', opening: { afterOutSeq: 0 } });
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
    await stage.now(stage.attach());
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
    await stage.now(stage.attach());
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
    expect(await stage.system.runUntil(stage.attach())).toEqual({ kind: outcome });
    expect(stage.send()).toBe(0);
  });
});

describe('an exception in what nobody waits for', () => {
  /** More than any bus carries; what a client sends is far smaller. */
  const TOO_LARGE: SessionInput = { kind: 'session-updated', patch: { instructions: 'x'.repeat(1_100_000) } };

  it('ends the connection, once, and not the process', async () => {
    await stage.attached();
    stage.send();
    for (let n = 0; n < 3; n++) link.send(TOO_LARGE, 0, undefined);
    await stage.pass();
    expect(listener.told).toEqual(['gone: internal error']);
    expect(stage.log.lines.filter(({ message }) => message === 'a session link broke')).toHaveLength(1);
    expect(owner.inputSeqs).toEqual([1]);
    expect(link.send(INPUT, 0, undefined)).toBe(0);
  });

  it('in the search for another owner does so too', async () => {
    await stage.attached();
    const segments = Array.from({ length: 40_000 }, () => ({ attempt: 1, samples: 1, last: true }));
    const delivery = { ...{ lane: 0, ordinal: 1, responseId: 'resp_1' as const, segments }, playedSamples: 0 };
    const responses = [{ ...delivery, ended: false, closed: false, holedAttempt: null }];
    listener.delivered = () => ({ announcedOrdinal: 1, responses });
    owner.bus.kill();
    await stage.pass(2_000);
    expect(listener.told).toEqual(['gone: internal error']);
  });
});
