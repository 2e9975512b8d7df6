import { readArguments } from './arguments';
import { CASE_NAMES } from './cases';

it('without arguments every case runs whole and is shown', () => {
  expect(readArguments([])).toMatchObject({ cases: CASE_NAMES, small: false, out: 'results/chaos.json' });
});

it('cases are chosen by name', () => {
  expect(readArguments(['--case', 'tts,gateway'])?.cases).toEqual(['tts', 'gateway']);
  expect(readArguments(['--case', 'tts,moon'])).toBeUndefined();
});

it('a run that is not whole goes where it is told, and into no table by itself', () => {
  expect(readArguments(['--small'])?.out).toBeUndefined();
  expect(readArguments(['--turns', '20'])).toMatchObject({ turns: 20, out: undefined });
  expect(readArguments(['--small', '--out', 'x.json'])?.out).toBe('x.json');
});

it.each([['--turns'], ['--turns', '0'], ['--seed', 'x'], ['--speed', '3']])('%s %s makes no sense', (...args) => {
  expect(readArguments(args)).toBeUndefined();
});
