import { subjects, type OwnerOutput } from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import { SESSION, textOf, TRACE, type OwnerDouble } from '../gateway-stage.fixture';
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

const adoptedBy = (epoch: number): Extract<OwnerOutput, { kind: 'adopted' }> => ({
  ...{ kind: 'adopted', epoch, ordinal: 1, segments: [] },
});

describe('what the owner sends', () => {
  it('comes once and in order; a repetition says that its acknowledgement was lost', async () => {
    await stage.attached();
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
    await stage.attached();
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
    await stage.attached();
    const other = owner.successor();
    other.onClaim = () => ({ kind: 'owned', epoch: 1, owner: 'orc_one' });
    const claimed = owner.onClaim;
    owner.onClaim = (claim) => {
      owner.emit(textOf(1, 'meanwhile'));
      expect(claim.attach).toMatchObject({ kind: 'keep', delivered: { acknowledgedOutSeq: 0 } });
      expect(listener.outputs).toEqual([]);
      return claimed(claim);
    };
    owner.drop();
    stage.send();
    await stage.pass(100);
    expect(listener.outputs).toEqual([{ text: 'meanwhile', number: '1/1' }]);
  });

  it('[TK8] behind what its successor was told has come is not taken: the number may be another output’s by then', async () => {
    await stage.attached();
    owner.emit(textOf(1, 'a'));
    await stage.pass();
    const next = owner.successor();
    next.onClaim = (claim) => {
      expect(claim.attach).toMatchObject({ delivered: { acknowledgedOutSeq: 1 } });
      // Sent before it died, unwritten.
      owner.emit(textOf(1, 'late'));
      return next.granted();
    };
    owner.drop();
    stage.send();
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
    await stage.attached();
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
    await stage.attached();
    const segments = [{ index: 0, epoch: 2, attempt: 2 }];
    owner.publish({ epoch: 3, firstOutSeq: 1, outputs: [adoptedBy(2), { ...adoptedBy(3), segments }] });
    owner.audio({ epoch: 2, attempt: 2 });
    owner.audio({ epoch: 1 });
    await stage.pass();
    expect(listener.chunks).toMatchObject([{ epoch: 2, attempt: 2 }]);
  });

  it('and cannot be read is left out, without harm to the rest', async () => {
    await stage.attached();
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
    await stage.attached();
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
    await stage.attached();
    for (let n = 0; n < 4; n++) owner.emit(textOf(1, '語'.repeat(10_000)));
    await stage.pass();
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([3]);
    link.report();
    for (let n = 0; n < 2; n++) owner.emit(textOf(1, '語'.repeat(10_000)));
    await stage.pass();
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([3, 4]);
  });
});
