import fc from 'fast-check';
import { toolCallDeltaSchema, ToolCallReader, type ToolCalled } from './tool-call-reader';

const WEATHER = '{"city":"Paris"}';
const TIME = '{"zone":"CET"}';

interface Delta {
  index?: number | null;
  id?: string | null;
  function?: { name?: string | null; arguments?: string | object | null; id?: string } | null;
}

const readerOf = (deltas: readonly Delta[]): ToolCallReader => {
  const reader = new ToolCallReader();
  for (const delta of deltas) reader.push(toolCallDeltaSchema.parse(delta));
  return reader;
};
const read = (...deltas: Delta[]): ToolCalled[] => readerOf(deltas).finish(false);
const called = (name: string, text: string): ToolCalled => ({ kind: 'tool-called', name, arguments: text });
const whole = (name: string, text: string, more: Delta = {}): Delta => ({
  ...more,
  function: { name, arguments: text },
});
const more = (text: string, where: Delta = { index: 0 }): Delta => ({ ...where, function: { arguments: text } });

describe('a call', () => {
  it('has its name first and its arguments in pieces, as OpenAI sends it', () => {
    const first = { index: 0, id: 'call_1', function: { name: 'weather', arguments: '' } };
    expect(read(first, more('{"city"'), more(':"Par'), more('is"}'))).toEqual([called('weather', WEATHER)]);
  });

  it('is the same however its arguments are cut, between pieces of another one', () => {
    const step = fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 5 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const rests = [WEATHER, TIME];
        const deltas: Delta[] = [
          { index: 0, id: 'call_1', function: { name: 'weather' } },
          { index: 1, id: 'call_2', function: { name: 'time' } },
        ];
        for (const [index, chars] of [...steps, [0, 99] as const, [1, 99] as const]) {
          const rest = rests[index] ?? '';
          deltas.push(more(rest.slice(0, chars), { index }));
          rests[index] = rest.slice(chars);
        }
        expect(read(...deltas)).toEqual([called('weather', WEATHER), called('time', TIME)]);
      }),
    );
  });

  it.each([
    ['its name in parts', [whole('get_', '', { index: 0 }), whole('weather', '', { index: 0 }), more(WEATHER)]],
    ['its name after its arguments', [more(WEATHER, { index: 0, id: 'a' }), whole('get_weather', '', { index: 0 })]],
    ['arguments that are no text', [{ index: 0, function: { name: 'get_weather', arguments: { city: 'Paris' } } }]],
    ['null where others leave out', [{ index: null, id: null, function: { name: 'get_weather', arguments: WEATHER } }]],
    ['an id in another place', [{ index: 0, function: { id: 'a', name: 'get_weather', arguments: WEATHER } }]],
    ['a last piece without anything', [whole('get_weather', WEATHER, { index: 0 }), more(''), { index: 0 }]],
  ])('may have %s', (_, deltas) => {
    expect(read(...deltas)).toEqual([called('get_weather', WEATHER)]);
  });

  it.each([
    ['the name in every piece', [{ index: 0 }, { index: 0 }, { index: 0 }]],
    ['id and name in every piece', [{ id: 'a' }, { id: 'a' }, { id: 'a' }]],
    [
      'another id and the name in every piece, the last of which is empty',
      [
        { index: 0, id: 'a' },
        { index: 0, id: 'b' },
        { index: 0, id: 'c' },
      ],
    ],
  ])('may have %s', (_, [first = {}, second = {}, third = {}]) => {
    const deltas = [whole('time', '{"zone":', first), whole('time', '"CET"}', second), whole('time', '', third)];
    expect(read(...deltas)).toEqual([called('time', TIME)]);
  });

  it('may have another id in every piece without a name', () => {
    const pieces = [more('{"zone":', { index: 0, id: 'b' }), more('"CET"}', { index: 0, id: 'c' })];
    expect(read(whole('time', '', { index: 0, id: 'a' }), ...pieces)).toEqual([called('time', TIME)]);
  });

  it('may have neither index nor id in any piece', () => {
    expect(read(whole('time', '{"zone":', {}), more('"CET"}', {}))).toEqual([called('time', TIME)]);
  });

  it('is not made twice by arguments that are said once more', () => {
    const first = whole('time', TIME, { index: 0, id: 'a' });
    expect(read(first, first)).toEqual([called('time', TIME)]);
    expect(read(first, { ...first, index: 1 })).toEqual([called('time', TIME)]);
  });

  it.each([undefined, null, '', ' \n'])('without arguments (%j) has an empty object', (text) => {
    const name = 'time';
    expect(read({ index: 0, function: text === undefined ? { name } : { name, arguments: text } })).toEqual([
      called(name, '{}'),
    ]);
  });

  it('has arguments that do not parse as the model wrote them', () => {
    expect(read(whole('time', '{zone:', { index: 0 }))).toEqual([called('time', '{zone:')]);
  });

  it('whose arguments were cut with the answer is left out', () => {
    const deltas = [whole('weather', WEATHER, { index: 0 }), whole('time', '{"zo', { index: 1 })];
    expect(readerOf(deltas).finish(true)).toEqual([called('weather', WEATHER)]);
    expect(readerOf([{ index: 0, function: { name: 'time' } }]).finish(true)).toEqual([]);
  });
});

describe('several calls', () => {
  const both = [called('weather', WEATHER), called('time', TIME)];

  it.each([
    ['with their indexes', { index: 0, id: 'a' }, { index: 1, id: 'b' }],
    ['with one index and two ids', { index: 0, id: 'a' }, { index: 0, id: 'b' }],
    ['with ids alone', { id: 'a' }, { id: 'b' }],
    ['with neither', {}, {}],
    ['with one index and no id', { index: 0 }, { index: 0 }],
    ['with one index and one id', { index: 0, id: 'a' }, { index: 0, id: 'a' }],
  ])('come whole %s', (_, first, second) => {
    expect(read(whole('weather', WEATHER, first), whole('time', TIME, second))).toEqual(both);
  });

  it.each([
    ['one index and two ids', { index: 0, id: 'a' }, { index: 0, id: 'b' }],
    ['ids alone', { id: 'a' }, { id: 'b' }],
    ['neither', {}, {}],
    ['empty ids', { id: '' }, { id: '' }],
  ])('of one tool, even the same ones, are several with %s', (_, first, second) => {
    const twice = [called('time', TIME), called('time', TIME)];
    expect(read(whole('time', TIME, first), whole('time', TIME, second))).toEqual(twice);
  });

  it('of one tool come in pieces with one index, and the id in each or in the first', () => {
    for (const later of [{ index: 0 }, { index: 0, id: 'a' }]) {
      const next = 'id' in later ? { index: 0, id: 'b' } : later;
      expect(
        read(
          whole('time', '', { index: 0, id: 'a' }),
          more('{"zone":', later),
          more('"CET"}', later),
          whole('time', '', { index: 0, id: 'b' }),
          more('{"zone":', next),
          more('"UTC"}', next),
        ),
      ).toEqual([called('time', TIME), called('time', '{"zone":"UTC"}')]);
    }
  });

  it('are in the order of their indexes, not of their arrival', () => {
    expect(read(whole('time', TIME, { index: 1 }), whole('weather', WEATHER, { index: 0 }))).toEqual(both);
  });
});

describe('too much', () => {
  it('is more than 65,536 characters of names and arguments, over all calls', () => {
    const deltas = [whole('x', 'x'.repeat(32_767), { index: 0 }), whole('x', 'x'.repeat(32_767), { index: 1 })];
    expect(readerOf(deltas).isOverfull).toBe(false);
    expect(readerOf([...deltas, more('x', { index: 1 })]).isOverfull).toBe(true);
  });

  it('is more than 128 calls', () => {
    const calls = (count: number): Delta[] => Array.from({ length: count }, (_, index) => whole('x', '{}', { index }));
    expect(readerOf(calls(128)).isOverfull).toBe(false);
    expect(readerOf(calls(129)).isOverfull).toBe(true);
  });
});
