import { latenessOf } from './lateness';

it('pieces are late behind what the first one promised, also when those before them were late too', () => {
  const at = (atMs: number, ms: number) => ({ atMs, samples: ms * 24 });
  const pieces = latenessOf([at(1_000, 100), at(1_100, 100), at(1_230, 50), at(1_240, 100), at(1_400, 10)]);
  expect(pieces.map(({ lateMs }) => lateMs)).toEqual([0, 0, 30, -10, 50]);
  expect(pieces.map(({ atMs }) => atMs)).toEqual([1_000, 1_100, 1_230, 1_240, 1_400]);
  expect(latenessOf([])).toEqual([]);
});
