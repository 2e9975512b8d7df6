import type { SessionId } from '@parley/model';
import type { StoredSession } from '@parley/ports';
import { claimed, claimOf, found, OURS, type Scene, SESSION, takeoverOf, text, THEIRS, writeOf } from './store-scene';

export function claimCases(scene: () => Scene): void {
  it('gives the first claimant epoch 1 and attachment 1, and no state', async () => {
    const { ours } = scene();
    expect(await ours.load(SESSION)).toEqual({ kind: 'missing' });
    const session = { epoch: 1, owner: OURS, attachment: 1, rev: 0, state: undefined };
    expect(await ours.claim(claimOf())).toEqual({ kind: 'claimed', session });
    expect(await ours.load(SESSION)).toEqual({ kind: 'found', session });
  });

  it('goes above the epoch a gateway has seen, and above the stored one', async () => {
    const { ours, theirs } = scene();
    expect((await claimed(ours, claimOf({ seenEpoch: 7 }))).epoch).toBe(8);
    expect((await claimed(theirs, takeoverOf({ expectedEpoch: 8, seenEpoch: 3 }))).epoch).toBe(9);
  });

  it('raises the attachment for a new connection and keeps it for an old one', async () => {
    const { ours } = scene();
    const attachments = [];
    for (const [expectedEpoch, newAttachment] of [false, true, true, false].entries()) {
      attachments.push((await claimed(ours, claimOf({ expectedEpoch, newAttachment }))).attachment);
    }
    expect(attachments).toEqual([0, 1, 2, 2]);
  });

  it('hands the claimant the last written state and its rev', async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    await ours.write(writeOf({ rev: 1, state: text('first') }));
    await ours.write(writeOf({ rev: 2, state: text('second') }));
    const session = { epoch: 2, owner: THEIRS, attachment: 1, rev: 2, state: text('second') };
    expect(await theirs.claim(takeoverOf())).toEqual({ kind: 'claimed', session });
    expect(await ours.load(SESSION)).toEqual({ kind: 'found', session });
  });

  it('refuses another epoch than the expected one, names it, and changes nothing', async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    await ours.write(writeOf());
    const before = await found(ours);
    expect(await theirs.claim(claimOf({ owner: THEIRS, seenEpoch: 9 }))).toEqual({ kind: 'conflict', epoch: 1 });
    expect(await theirs.claim(takeoverOf({ expectedEpoch: 2 }))).toEqual({ kind: 'conflict', epoch: 1 });
    expect(await found(ours)).toEqual(before);
  });

  it('refuses a claim on a missing session that was expected to be there', async () => {
    const { ours } = scene();
    expect(await ours.claim(takeoverOf({ expectedEpoch: 3 }))).toEqual({ kind: 'conflict', epoch: 0 });
    expect(await ours.load(SESSION)).toEqual({ kind: 'missing' });
  });
}

export function raceCases(scene: () => Scene): void {
  it('lets one of two claimants win, fifty times', async () => {
    const { ours, theirs } = scene();
    for (let epoch = 0; epoch < 50; epoch++) {
      const request = claimOf({ expectedEpoch: epoch, newAttachment: false });
      const outcomes = await Promise.all([ours.claim(request), theirs.claim({ ...request, owner: THEIRS })]);
      const winner = outcomes.find((outcome) => outcome.kind === 'claimed');
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['claimed', 'conflict']);
      expect(winner).toMatchObject({ session: { epoch: epoch + 1 } });
      expect({ kind: 'claimed', session: await found(ours) }).toEqual(winner);
    }
  });

  it('shows a takeover every write that was confirmed before it, fifty times', async () => {
    const { ours, theirs } = scene();
    for (let round = 0; round < 50; round++) {
      const sessionId: SessionId = `sess_race${round}`;
      await ours.claim(claimOf({ sessionId }));
      await ours.write(writeOf({ sessionId, state: text('before') }));
      const write = (): Promise<unknown> => ours.write(writeOf({ sessionId, rev: 2, state: text('confirmed') }));
      const takeover = (): Promise<StoredSession> => claimed(theirs, takeoverOf({ sessionId }));
      const [written, session] =
        round % 2 === 0
          ? await Promise.all([write(), takeover()])
          : await Promise.all([takeover(), write()]).then(([second, first]) => [first, second] as const);
      const wasFirst = session.rev === 2;
      expect(session.state).toEqual(text(wasFirst ? 'confirmed' : 'before'));
      expect(written).toEqual(wasFirst ? { kind: 'written' } : { kind: 'fenced', epoch: 2 });
    }
  });
}

export function writeCases(scene: () => Scene): void {
  beforeEach(() => scene().ours.claim(claimOf()));

  it('stores state and rev, and leaves owner, epoch and attachment', async () => {
    const { ours, theirs } = scene();
    expect(await ours.write(writeOf({ rev: 1 }))).toEqual({ kind: 'written' });
    expect(await ours.write(writeOf({ rev: 2, state: text('next') }))).toEqual({ kind: 'written' });
    expect(await found(theirs)).toEqual({ epoch: 1, owner: OURS, attachment: 1, rev: 2, state: text('next') });
  });

  it('answers a repeated write with already, and does not apply it again', async () => {
    const { ours } = scene();
    await ours.write(writeOf({ rev: 1, state: text('once') }));
    expect(await ours.write(writeOf({ rev: 1, state: text('twice') }))).toEqual({ kind: 'already' });
    expect((await found(ours)).state).toEqual(text('once'));
  });

  it('refuses a lower rev of the same epoch', async () => {
    const { ours } = scene();
    await ours.write(writeOf({ rev: 5, state: text('fifth') }));
    expect(await ours.write(writeOf({ rev: 4, state: text('fourth') }))).toEqual({ kind: 'fenced', epoch: 1 });
    expect(await found(ours)).toMatchObject({ rev: 5, state: text('fifth') });
  });

  it('keeps the highest attachment the owner has granted', async () => {
    const { ours } = scene();
    await ours.write(writeOf({ rev: 1, attachment: 4 }));
    expect((await found(ours)).attachment).toBe(4);
    await ours.write(writeOf({ rev: 2, attachment: 3 }));
    expect((await found(ours)).attachment).toBe(4);
  });

  it('leaves other sessions alone', async () => {
    const { ours } = scene();
    await ours.claim(claimOf({ sessionId: 'sess_other' }));
    await ours.write(writeOf({ rev: 3 }));
    expect(await found(ours, 'sess_other')).toMatchObject({ rev: 0, state: undefined });
  });
}

export function fenceCases(scene: () => Scene): void {
  beforeEach(async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    await ours.write(writeOf({ rev: 5, state: text('ours') }));
    await theirs.claim(takeoverOf());
  });

  it('refuses the old owner after a takeover, before and after the new one wrote', async () => {
    const { ours, theirs } = scene();
    expect(await ours.write(writeOf({ rev: 6 }))).toEqual({ kind: 'fenced', epoch: 2 });
    expect(await ours.write(writeOf({ rev: 5 }))).toEqual({ kind: 'fenced', epoch: 2 });
    await theirs.write(writeOf({ epoch: 2, owner: THEIRS, state: text('theirs') }));
    const before = await found(theirs);
    expect(await ours.write(writeOf({ rev: 7 }))).toEqual({ kind: 'fenced', epoch: 2 });
    expect(await found(theirs)).toEqual(before);
  });

  it.each([1, 5, 6])('takes rev %i as the first of the new owner, whatever the old one had reached', async (rev) => {
    const { theirs } = scene();
    const write = writeOf({ epoch: 2, owner: THEIRS, rev, state: text('theirs') });
    expect(await theirs.write(write)).toEqual({ kind: 'written' });
    expect(await theirs.write(write)).toEqual({ kind: 'already' });
    expect(await found(theirs)).toMatchObject({ epoch: 2, owner: THEIRS, rev, state: text('theirs') });
  });
}

export function writeBackCases(scene: () => Scene): void {
  it('restores epoch, owner, attachment and state of a missing session', async () => {
    const { subject, ours } = scene();
    await ours.claim(claimOf({ seenEpoch: 3 }));
    await subject.loseData();
    expect(await ours.load(SESSION)).toEqual({ kind: 'missing' });
    expect(await ours.write(writeOf({ epoch: 4, rev: 9, attachment: 6 }))).toEqual({ kind: 'written' });
    expect(await found(ours)).toEqual({ epoch: 4, owner: OURS, attachment: 6, rev: 9, state: text('state') });
    expect(await claimed(ours, claimOf({ expectedEpoch: 4 }))).toMatchObject({ epoch: 5, attachment: 7 });
  });

  it('writes a higher epoch over a lower one although its rev is lower, and fences the older owner', async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    await ours.write(writeOf({ rev: 8, attachment: 3 }));
    // Their claim got lost in a fail-over: the store knows nothing of epoch 2.
    const write = writeOf({ epoch: 2, rev: 2, owner: THEIRS, attachment: 2, state: text('theirs') });
    expect(await theirs.write(write)).toEqual({ kind: 'written' });
    expect(await found(ours)).toEqual({ epoch: 2, owner: THEIRS, attachment: 3, rev: 2, state: text('theirs') });
    expect(await ours.write(writeOf({ rev: 9 }))).toEqual({ kind: 'fenced', epoch: 2 });
  });

  it.each([1, 2])('refuses rev %i of another owner that holds the same epoch by an older claim', async (rev) => {
    const { subject, ours, theirs } = scene();
    await ours.claim(claimOf());
    await subject.loseData();
    await theirs.claim(claimOf({ owner: THEIRS }));
    await theirs.write(writeOf({ owner: THEIRS, rev: 1, state: text('theirs') }));
    expect(await ours.write(writeOf({ rev }))).toEqual({ kind: 'fenced', epoch: 1 });
    expect(await found(ours)).toMatchObject({ owner: THEIRS, rev: 1, state: text('theirs') });
  });
}

export function releaseCases(scene: () => Scene): void {
  beforeEach(async () => {
    await scene().ours.claim(claimOf());
    await scene().ours.write(writeOf());
  });

  it('leaves the session without an owner and with its state for the next claimant', async () => {
    const { ours, theirs } = scene();
    expect(await ours.release(SESSION, 1)).toEqual({ kind: 'released' });
    expect(await ours.release(SESSION, 1)).toEqual({ kind: 'released' });
    expect(await found(theirs)).toEqual({ epoch: 1, owner: undefined, attachment: 1, rev: 1, state: text('state') });
    expect(await claimed(theirs, takeoverOf())).toMatchObject({ epoch: 2, owner: THEIRS, state: text('state') });
  });

  it('refuses an owner that was replaced, and leaves the new one in place', async () => {
    const { ours, theirs } = scene();
    await theirs.claim(takeoverOf());
    expect(await ours.release(SESSION, 1)).toEqual({ kind: 'fenced', epoch: 2 });
    expect((await found(theirs)).owner).toBe(THEIRS);
  });

  it('is not undone by a write of the old owner that arrives after it', async () => {
    const { ours } = scene();
    await ours.release(SESSION, 1);
    expect(await ours.write(writeOf({ rev: 2, state: text('late') }))).toEqual({ kind: 'written' });
    expect(await found(ours)).toMatchObject({ owner: undefined, rev: 2, state: text('late') });
  });

  it('has nothing to let go of where nothing of its epoch is stored', async () => {
    const { ours } = scene();
    expect(await ours.release('sess_unknown', 3)).toEqual({ kind: 'released' });
    expect(await ours.load('sess_unknown')).toEqual({ kind: 'missing' });
    expect(await ours.release(SESSION, 2)).toEqual({ kind: 'released' });
    expect(await found(ours)).toMatchObject({ epoch: 1, owner: OURS });
  });
}
