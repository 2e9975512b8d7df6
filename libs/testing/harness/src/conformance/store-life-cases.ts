import type { SessionStorePort } from '@parley/ports';
import {
  claimed,
  claimOf,
  found,
  OURS,
  type Scene,
  SESSION,
  SHORT_TTL_MS,
  type StoreSubject,
  takeoverOf,
  text,
  THEIRS,
  TTL_MS,
  writeOf,
} from './store-scene';

const OUTAGE_ANSWER_MS = 1_500;

export function removeCases(scene: () => Scene): void {
  beforeEach(async () => {
    await scene().ours.claim(claimOf({ seenEpoch: 4 }));
    await scene().ours.write(writeOf({ epoch: 5 }));
  });

  it('tells whoever loads or claims that the session is over, whatever epoch they expect', async () => {
    const { ours, theirs } = scene();
    const removed = { kind: 'removed', epoch: 5 };
    expect(await ours.remove(SESSION, 5, TTL_MS)).toEqual({ kind: 'removed' });
    expect(await theirs.load(SESSION)).toEqual(removed);
    for (const expectedEpoch of [0, 4, 5, 6])
      expect(await theirs.claim(takeoverOf({ expectedEpoch }))).toEqual(removed);
    expect(await theirs.claim(takeoverOf({ expectedEpoch: 5, seenEpoch: 9 }))).toEqual(removed);
    expect(await theirs.load(SESSION)).toEqual(removed);
  });

  it('fences writes that arrive after it', async () => {
    const { ours } = scene();
    await ours.remove(SESSION, 5, TTL_MS);
    expect(await ours.write(writeOf({ epoch: 5, rev: 2 }))).toEqual({ kind: 'fenced', epoch: 5 });
    expect(await ours.write(writeOf({ epoch: 4, rev: 9 }))).toEqual({ kind: 'fenced', epoch: 5 });
    expect(await ours.load(SESSION)).toEqual({ kind: 'removed', epoch: 5 });
  });

  it('refuses an owner that was replaced, and leaves the session untouched', async () => {
    const { ours, theirs } = scene();
    await theirs.claim(takeoverOf({ expectedEpoch: 5 }));
    const before = await found(theirs);
    expect(await ours.remove(SESSION, 5, TTL_MS)).toEqual({ kind: 'fenced', epoch: 6 });
    expect(await found(theirs)).toEqual(before);
  });

  it('is removed again when repeated, and released by its owner', async () => {
    const { ours } = scene();
    await ours.remove(SESSION, 5, TTL_MS);
    expect(await ours.remove(SESSION, 5, TTL_MS)).toEqual({ kind: 'removed' });
    expect(await ours.release(SESSION, 5)).toEqual({ kind: 'released' });
    expect(await ours.remove(SESSION, 4, TTL_MS)).toEqual({ kind: 'fenced', epoch: 5 });
    expect(await ours.load(SESSION)).toEqual({ kind: 'removed', epoch: 5 });
  });
}

export function tombstoneCases(scene: () => Scene): void {
  it('is left also where the session is missing or of a lower epoch', async () => {
    const { ours } = scene();
    expect(await ours.remove('sess_lost', 3, TTL_MS)).toEqual({ kind: 'removed' });
    expect(await ours.load('sess_lost')).toEqual({ kind: 'removed', epoch: 3 });
    await ours.claim(claimOf());
    expect(await ours.remove(SESSION, 2, TTL_MS)).toEqual({ kind: 'removed' });
    expect(await ours.load(SESSION)).toEqual({ kind: 'removed', epoch: 2 });
  });

  it('gives way to the write of a higher epoch, and has kept the attachment', async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    await ours.write(writeOf({ attachment: 6 }));
    await ours.remove(SESSION, 1, TTL_MS);
    const write = writeOf({ epoch: 2, owner: THEIRS, attachment: 2 });
    expect(await theirs.write(write)).toEqual({ kind: 'written' });
    expect(await found(ours)).toEqual({ epoch: 2, owner: THEIRS, attachment: 6, rev: 1, state: text('state') });
  });

  it('stands as long as asked for, not as long as the session would have', async () => {
    const { subject, ours } = scene();
    await ours.claim(claimOf());
    await ours.remove(SESSION, 1, SHORT_TTL_MS);
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await ours.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await ours.load(SESSION)).toEqual({ kind: 'missing' });
  });
}

export function expiryCases(scene: () => Scene): void {
  it('counts from the last write', async () => {
    const { subject, ours } = scene();
    await ours.claim(claimOf({ ttlMs: SHORT_TTL_MS }));
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await ours.write(writeOf({ ttlMs: SHORT_TTL_MS }))).toEqual({ kind: 'written' });
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect((await ours.load(SESSION)).kind).toBe('found');
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await ours.load(SESSION)).toEqual({ kind: 'missing' });
  });

  it('counts from the last claim, and leaves nothing behind', async () => {
    const { subject, ours, theirs } = scene();
    await ours.claim(claimOf({ ttlMs: SHORT_TTL_MS, seenEpoch: 4 }));
    await subject.advance(0.6 * SHORT_TTL_MS);
    await theirs.claim(takeoverOf({ expectedEpoch: 5, ttlMs: SHORT_TTL_MS }));
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect((await ours.load(SESSION)).kind).toBe('found');
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await claimed(ours, claimOf())).toMatchObject({ epoch: 1, attachment: 1 });
  });
}

export function leaseCases(scene: () => Scene): void {
  it('is alive for everybody once renewed, and gone where it never was', async () => {
    const { ours, theirs } = scene();
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'taken' });
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'renewed' });
    expect(await theirs.leaseAlive(OURS)).toEqual({ kind: 'alive' });
    expect(await theirs.leaseAlive(THEIRS)).toEqual({ kind: 'gone' });
  });

  it('is gone when it is not renewed in time', async () => {
    const { subject, ours, theirs } = scene();
    await Promise.all([ours.renewLease(OURS, SHORT_TTL_MS), theirs.renewLease(THEIRS, SHORT_TTL_MS)]);
    await subject.advance(0.6 * SHORT_TTL_MS);
    await ours.renewLease(OURS, SHORT_TTL_MS);
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await theirs.leaseAlive(OURS)).toEqual({ kind: 'alive' });
    expect(await ours.leaseAlive(THEIRS)).toEqual({ kind: 'gone' });
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'renewed' });
    expect(await theirs.renewLease(THEIRS, TTL_MS)).toEqual({ kind: 'taken' });
  });

  it('is taken anew when it was released, or the store has lost its data', async () => {
    const { subject, ours } = scene();
    await ours.renewLease(OURS, TTL_MS);
    await ours.releaseLease(OURS);
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'taken' });
    await subject.loseData();
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'taken' });
    expect(await ours.renewLease(OURS, TTL_MS)).toEqual({ kind: 'renewed' });
  });

  it('is gone at once when released, and only that one', async () => {
    const { ours, theirs } = scene();
    await Promise.all([ours.renewLease(OURS, TTL_MS), theirs.renewLease(THEIRS, TTL_MS)]);
    await ours.releaseLease(OURS);
    await ours.releaseLease(OURS);
    expect(await theirs.leaseAlive(OURS)).toEqual({ kind: 'gone' });
    expect(await ours.leaseAlive(THEIRS)).toEqual({ kind: 'alive' });
  });
}

export function secretCases(scene: () => Scene): void {
  it('is found by everybody for as long as asked for, and then by nobody', async () => {
    const { subject, ours, theirs } = scene();
    expect(await ours.keepSecret('digest', text('value'), SHORT_TTL_MS)).toEqual({ kind: 'kept' });
    await subject.advance(0.6 * SHORT_TTL_MS);
    for (const store of [ours, theirs, ours]) {
      expect(await store.findSecret('digest')).toEqual({ kind: 'found', value: text('value') });
    }
    await subject.advance(0.6 * SHORT_TTL_MS);
    for (const store of [ours, theirs]) expect(await store.findSecret('digest')).toEqual({ kind: 'missing' });
  });

  it('is apart from every other, and from sessions and leases', async () => {
    const { ours } = scene();
    await Promise.all([ours.claim(claimOf()), ours.renewLease(OURS, TTL_MS)]);
    for (const digest of ['one', 'one:', SESSION, OURS, `{${SESSION}}:state`]) {
      expect(await ours.findSecret(digest)).toEqual({ kind: 'missing' });
      await ours.keepSecret(digest, text(digest), TTL_MS);
    }
    expect(await ours.findSecret('one')).toEqual({ kind: 'found', value: text('one') });
    expect(await ours.findSecret('two')).toEqual({ kind: 'missing' });
    expect(await found(ours)).toMatchObject({ owner: OURS });
    expect(await ours.leaseAlive(OURS)).toEqual({ kind: 'alive' });
  });

  it('kept again has its new value, and its time from then on', async () => {
    const { subject, ours } = scene();
    await ours.keepSecret('digest', text('old'), SHORT_TTL_MS);
    await subject.advance(0.6 * SHORT_TTL_MS);
    await ours.keepSecret('digest', text('new'), SHORT_TTL_MS);
    await subject.advance(0.6 * SHORT_TTL_MS);
    expect(await ours.findSecret('digest')).toEqual({ kind: 'found', value: text('new') });
  });

  it('is what the caller’s bytes were at the call, and bytes that nobody else holds', async () => {
    const { ours } = scene();
    const value = Buffer.from('..value..').subarray(2, 7);
    const keeping = ours.keepSecret('digest', value, TTL_MS);
    value.fill(0);
    await keeping;
    const first = await ours.findSecret('digest');
    if (first.kind === 'found') first.value.fill(0);
    expect(await ours.findSecret('digest')).toEqual({ kind: 'found', value: text('value') });
  });
}

export function byteCases(scene: () => Scene): void {
  beforeEach(() => scene().ours.claim(claimOf()));

  it.each([
    ['no byte at all', new Uint8Array()],
    ['every byte value', Uint8Array.from({ length: 512 }, (_, index) => index)],
    ['300 kB', Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) ^ (index >> 8))],
  ])('stores %s as it is', async (_, state) => {
    const { ours, theirs } = scene();
    await ours.write(writeOf({ state }));
    const loaded = (await found(theirs)).state;
    const taken = (await claimed(theirs, takeoverOf())).state;
    for (const bytes of [loaded, taken]) expect(bytes && Buffer.compare(bytes, state)).toBe(0);
  });

  it.each([
    ['array', (): Uint8Array => text('..state..').subarray(2, 7)],
    ['Buffer', (): Uint8Array => Buffer.from('..state..').subarray(2, 7)],
  ])('stores what the caller’s %s held at the call, whatever is written into it then', async (_, make) => {
    const { ours } = scene();
    const state = make();
    const write = ours.write(writeOf({ state }));
    state.fill(0);
    await write;
    expect((await found(ours)).state).toEqual(text('state'));
  });

  it('hands out bytes that nobody else holds', async () => {
    const { ours, theirs } = scene();
    await ours.write(writeOf());
    (await found(ours)).state?.fill(0);
    (await claimed(theirs, takeoverOf())).state?.fill(0);
    expect((await found(ours)).state).toEqual(text('state'));
  });

  it('keeps sessions apart whatever characters their ids have', async () => {
    const { ours } = scene();
    const odd = [
      '{}',
      '{a}',
      '}a{',
      'a}:state',
      'a:state',
      'a',
      'a b',
      'a\n',
      'a\r\nb',
      'a*',
      'ä日本',
      '\0',
      '__proto__',
    ];
    const sessions = odd.map((tail, index) => ({ sessionId: `sess_${tail}` as const, state: text(`${index}`) }));
    await Promise.all(sessions.map(({ sessionId }) => ours.claim(claimOf({ sessionId }))));
    const writes = sessions.map((session) => ours.write(writeOf(session)));
    for (const outcome of await Promise.all(writes)) expect(outcome).toEqual({ kind: 'written' });
    await ours.remove('sess_a', 1, TTL_MS);
    for (const { sessionId, state } of sessions.filter((session) => session.sessionId !== 'sess_a')) {
      expect((await found(ours, sessionId)).state).toEqual(state);
    }
  });
}

export function outageCases(scene: () => Scene): void {
  beforeEach(async () => {
    await scene().ours.claim(claimOf());
    await scene().ours.write(writeOf());
  });

  it('answers every call with unavailable in time, and throws nothing', async () => {
    const { subject, ours } = scene();
    await subject.cutLinks();
    const startMs = subject.nowMs();
    const outcomes = await Promise.all([
      ours.load(SESSION),
      ours.claim(claimOf({ expectedEpoch: 1 })),
      ours.write(writeOf({ rev: 2 })),
      ours.release(SESSION, 1),
      ours.remove(SESSION, 1, TTL_MS),
      ours.renewLease(OURS, TTL_MS),
      ours.leaseAlive(OURS),
      ours.keepSecret('digest', text('value'), TTL_MS),
      ours.findSecret('digest'),
    ]);
    const [pong] = await Promise.all([ours.ping(), ours.releaseLease(OURS)]);
    expect(subject.nowMs() - startMs).toBeLessThan(OUTAGE_ANSWER_MS);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    expect(pong).toBe(false);
  });

  it('goes on by itself with what was stored when the link is back', async () => {
    const { subject, ours, theirs } = scene();
    await subject.cutLinks();
    expect((await ours.write(writeOf({ rev: 2, state: text('unwritten') }))).kind).toBe('unavailable');
    await subject.advance(SHORT_TTL_MS);
    expect(await ours.ping()).toBe(false);
    await subject.healLinks();
    for (const store of [ours, theirs]) await reached(subject, store);
    expect(await found(theirs)).toMatchObject({ owner: OURS, rev: 1, state: text('state') });
    expect(await ours.write(writeOf({ rev: 2, state: text('again') }))).toEqual({ kind: 'written' });
    expect((await found(theirs)).state).toEqual(text('again'));
  });
}

/** Within 5 s, the bound of everything that waits for the end of an outage. */
async function reached(subject: StoreSubject, store: SessionStorePort): Promise<void> {
  const deadlineMs = subject.nowMs() + 5_000;
  while (!(await store.ping())) {
    if (subject.nowMs() > deadlineMs) throw new Error('the store was not reached again');
    await subject.advance(50);
  }
}

export function linkCases(scene: () => Scene): void {
  it('closes one client, twice if asked, and leaves the others', async () => {
    const { ours, theirs } = scene();
    expect(await ours.ping()).toBe(true);
    await ours.close();
    await ours.close();
    expect(await ours.ping()).toBe(false);
    expect((await ours.load(SESSION)).kind).toBe('unavailable');
    expect((await ours.write(writeOf())).kind).toBe('unavailable');
    expect(await theirs.ping()).toBe(true);
  });

  it('lets calls under way finish while it closes', async () => {
    const { ours, theirs } = scene();
    await ours.claim(claimOf());
    const write = ours.write(writeOf());
    await ours.close();
    expect(await write).toEqual({ kind: 'written' });
    expect((await found(theirs)).rev).toBe(1);
  });

  it('closes while the store cannot be reached', async () => {
    const { subject, ours } = scene();
    await subject.cutLinks();
    const startMs = subject.nowMs();
    await ours.close();
    expect(subject.nowMs() - startMs).toBeLessThan(2 * OUTAGE_ANSWER_MS);
  });
}
