import { EpochFence } from './epoch-fence';

describe('the fence of epochs', () => {
  it('drops what comes of an owner that has a successor, per session', () => {
    const fence = new EpochFence();
    expect([2, 1, 2, 3, 2].map((epoch) => fence.admits('sess_one', epoch))).toEqual([true, false, true, true, false]);
    expect(fence.admits('sess_two', 1)).toBe(true);
  });

  it('forgets the session that was not heard of for longest, and no other', () => {
    const fence = new EpochFence();
    fence.admits('sess_old', 5);
    fence.admits('sess_new', 5);
    for (let n = 0; n < 9_998; n++) fence.admits(`sess_${n}`, 1);
    expect(fence.admits('sess_new', 4)).toBe(false);
    fence.admits('sess_last', 1);
    expect(fence.admits('sess_new', 4)).toBe(false);
    expect(fence.admits('sess_old', 4)).toBe(true);
  });
});
