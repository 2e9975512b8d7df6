import { momentOf, rarestOf } from './moment';

it.each([
  [
    'was asked, the first token is due',
    { firstTokensMs: [2_000], generated: false, audible: false },
    'before-first-token',
  ],
  ['was not asked yet', { firstTokensMs: [], generated: false, audible: false }, 'before-first-token'],
  ['writes, nothing is heard', { firstTokensMs: [900], generated: false, audible: false }, 'first-token'],
  ['writes while it is heard', { firstTokensMs: [900], generated: false, audible: true }, 'generating'],
  ['was asked again by a new owner', { firstTokensMs: [900, 2_000], generated: false, audible: true }, 'generating'],
  ['has written everything', { firstTokensMs: [900], generated: true, audible: true }, 'playing'],
] as const)('the model %s', (_what, sight, moment) => {
  expect(momentOf(sight, 1_000)).toBe(moment);
});

it('the moment to aim at is the one that was met least, of those that need their share', () => {
  expect(rarestOf([])).toBe('before-first-token');
  expect(rarestOf(['before-first-token', 'generating'])).toBe('playing');
  expect(rarestOf(['before-first-token', 'playing', 'playing', 'first-token'])).toBe('generating');
});
