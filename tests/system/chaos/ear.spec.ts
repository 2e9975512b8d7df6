import { Ear } from './ear';

const ms = (duration: number): number => duration * 24;

describe('an ear that plays samples as they arrive', () => {
  it('knows no silence while each piece comes before the one before it is over', () => {
    const ear = new Ear();
    ear.arrived(ms(20), 1_000);
    ear.arrived(ms(20), 1_015);
    ear.arrived(ms(20), 1_040);
    expect(ear.longestGapMs).toBe(0);
    expect(ear.farthestAheadMs).toBe(25);
  });

  it('measures the longest silence between samples, not the wait for the first', () => {
    const ear = new Ear();
    ear.arrived(ms(100), 5_000);
    ear.arrived(ms(100), 5_130);
    ear.arrived(ms(100), 5_630);
    expect(ear.longestGapMs).toBe(400);
  });

  it('an empty last piece is no sound and ends no silence', () => {
    const ear = new Ear();
    ear.arrived(ms(100), 0);
    ear.arrived(0, 5_000);
    expect(ear.longestGapMs).toBe(0);
  });

  it('tells what was played at any moment', () => {
    const ear = new Ear();
    expect(ear.playedMs(10)).toBe(0);
    ear.arrived(ms(100), 1_000);
    expect(ear.playedMs(1_040)).toBe(40);
    expect(ear.playedMs(1_200)).toBe(100);
    expect(ear.queuedMs(1_070)).toBe(30);
  });
});
