import { checkTools } from './tool-rules';

const FUNCTION = { name: 'get_weather', parameters: { type: 'object', properties: {} } };
const TOOL = { type: 'function', function: FUNCTION };
const named = (name: unknown): object => ({ type: 'function', function: { ...FUNCTION, name } });

describe('the tools of a request', () => {
  it.each([
    ['none', {}],
    ['null', { tools: null, tool_choice: null }],
    ['one, without choice', { tools: [TOOL] }],
    ['one without description and parameters', { tools: [{ type: 'function', function: { name: 'a-B_9' } }] }],
    ['128, the longest name among them', { tools: [...Array(127).fill(TOOL), named('x'.repeat(64))] }],
    ['a choice by word', { tools: [TOOL], tool_choice: 'required' }],
    ['a choice by name', { tools: [TOOL], tool_choice: named('get_weather') }],
  ])('may be %s', (_, body) => {
    expect(checkTools(body)).toBeUndefined();
  });

  it.each([
    ['no list', {}, 'tools', 'invalid_type'],
    ['an empty list', [], 'tools', 'empty_array'],
    ['129', Array(129).fill(TOOL), 'tools', 'array_above_max_length'],
    ['a string', ['get_weather'], 'tools[0]', 'invalid_type'],
    ['without a type', [TOOL, { function: FUNCTION }], 'tools[1].type', 'missing_required_parameter'],
    ['of another type', [{ ...TOOL, type: 'retrieval' }], 'tools[0].type', 'invalid_value'],
    [
      'flat, as the Realtime API has them',
      [{ type: 'function', ...FUNCTION }],
      'tools[0].function',
      'missing_required_parameter',
    ],
    ['without a name', [named(undefined)], 'tools[0].function.name', 'missing_required_parameter'],
    ['with a number for a name', [named(7)], 'tools[0].function.name', 'invalid_type'],
    ['with an empty name', [named('')], 'tools[0].function.name', 'empty_string'],
    ['with a name of 65 characters', [named('x'.repeat(65))], 'tools[0].function.name', 'string_above_max_length'],
    ['with a dot in the name', [named('weather.get')], 'tools[0].function.name', 'invalid_value'],
    [
      'with a schema of no object',
      [{ ...TOOL, function: { ...FUNCTION, parameters: { properties: {} } } }],
      'tools[0].function.parameters',
      'invalid_function_parameters',
    ],
  ])('may not be %s', (_, tools, param, code) => {
    expect(checkTools({ tools })).toMatchObject({ status: 400, param, code });
  });

  it('are said to be wrong in the words of the API', () => {
    expect(checkTools({ tools: [named('get weather')] })?.message).toBe(
      "Invalid 'tools[0].function.name': string does not match pattern. " +
        "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    );
    expect(checkTools({ tools: Array(217).fill(TOOL) })?.message).toBe(
      "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 217 instead.",
    );
    expect(checkTools({ tools: [{ ...TOOL, function: { name: 'x', parameters: {} } }] })?.message).toBe(
      "Invalid schema for function 'x': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
    );
  });
});

describe('the choice among tools', () => {
  it.each(['auto', 'none', 'required', named('get_weather')])('is refused where there are none (%j)', (choice) => {
    expect(checkTools({ tool_choice: choice })).toMatchObject({
      message: "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      param: 'tool_choice',
    });
  });

  it.each([
    ['another word', 'any', 'tool_choice', 'invalid_value'],
    ['a number', 1, 'tool_choice', 'invalid_type'],
    ['flat', { type: 'function', name: 'get_weather' }, 'tool_choice.function', 'missing_required_parameter'],
    ['of a tool that is not offered', named('get_time'), 'tool_choice', null],
  ])('may not be %s', (_, choice, param, code) => {
    expect(checkTools({ tools: [TOOL], tool_choice: choice })).toMatchObject({ status: 400, param, code });
  });
});
