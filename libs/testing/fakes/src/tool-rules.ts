import { badRequest, emptyArray, isRecord, missing, wrongType } from './api-error';
import type { Refusal } from './api-error';

type Body = Readonly<Record<string, unknown>>;

const MAX_TOOLS = 128;
const MAX_NAME_LENGTH = 64;
const NAME = /^[a-zA-Z0-9_-]+$/;
const CHOICES = ['none', 'auto', 'required'];

/** What the provider has against the tools of a request and the choice among them. */
export function checkTools({ tools, tool_choice: choice }: Body): Refusal | undefined {
  if (tools === undefined || tools === null) {
    if (choice === undefined || choice === null) return undefined;
    const message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
    return badRequest(message, 'tool_choice');
  }
  if (!Array.isArray(tools)) return wrongType('tools', 'an array of objects', tools);
  if (tools.length === 0) return emptyArray('tools');
  if (tools.length > MAX_TOOLS) {
    const message =
      `Invalid 'tools': array too long. Expected an array with maximum length ${MAX_TOOLS}, ` +
      `but got an array with length ${tools.length} instead.`;
    return badRequest(message, 'tools', 'array_above_max_length');
  }
  for (const [index, tool] of tools.entries()) {
    const refusal = checkTool(tool, `tools[${index}]`);
    if (refusal !== undefined) return refusal;
  }
  return checkChoice(choice, tools);
}

function checkTool(tool: unknown, param: string): Refusal | undefined {
  if (!isRecord(tool)) return wrongType(param, 'an object', tool);
  const refusal = checkFunction(tool, param);
  if (refusal !== undefined) return refusal;
  const { name, parameters } = isRecord(tool['function']) ? tool['function'] : {};
  if (parameters === undefined) return undefined;
  const type = isRecord(parameters) ? (parameters['type'] ?? 'None') : typeof parameters;
  if (type === 'object') return undefined;
  const message =
    `Invalid schema for function '${String(name)}': schema must be a JSON Schema of 'type: "object"', ` +
    `got 'type: "${String(type)}"'.`;
  return badRequest(message, `${param}.function.parameters`, 'invalid_function_parameters');
}

/** What a tool and a call have in common: a type and a function with a name. */
function checkFunction(holder: Body, param: string): Refusal | undefined {
  const { type, function: named } = holder;
  if (type === undefined) return missing(`${param}.type`);
  if (type !== 'function') {
    const message = `Invalid value: '${String(type)}'. Supported values are: 'function' and 'custom'.`;
    return badRequest(message, `${param}.type`, 'invalid_value');
  }
  if (named === undefined) return missing(`${param}.function`);
  if (!isRecord(named)) return wrongType(`${param}.function`, 'an object', named);
  return checkName(named['name'], `${param}.function.name`);
}

function checkName(name: unknown, param: string): Refusal | undefined {
  if (name === undefined) return missing(param);
  if (typeof name !== 'string') return wrongType(param, 'a string', name);
  if (name === '') {
    const message =
      `Invalid '${param}': empty string. Expected a string with minimum length 1, ` +
      'but got an empty string instead.';
    return badRequest(message, param, 'empty_string');
  }
  if (name.length > MAX_NAME_LENGTH) {
    const message =
      `Invalid '${param}': string too long. Expected a string with maximum length ${MAX_NAME_LENGTH}, ` +
      `but got a string with length ${name.length} instead.`;
    return badRequest(message, param, 'string_above_max_length');
  }
  if (NAME.test(name)) return undefined;
  const message =
    `Invalid '${param}': string does not match pattern. ` +
    `Expected a string that matches the pattern '${NAME.source}'.`;
  return badRequest(message, param, 'invalid_value');
}

function checkChoice(choice: unknown, tools: readonly unknown[]): Refusal | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (typeof choice === 'string') {
    if (CHOICES.includes(choice)) return undefined;
    const message = `Invalid value: '${choice}'. Supported values are: 'none', 'auto', and 'required'.`;
    return badRequest(message, 'tool_choice', 'invalid_value');
  }
  if (!isRecord(choice)) return wrongType('tool_choice', 'a string or an object', choice);
  const refusal = checkFunction(choice, 'tool_choice');
  if (refusal !== undefined) return refusal;
  const name = nameIn(choice);
  if (tools.some((tool) => nameIn(tool) === name)) return undefined;
  return badRequest(`Tool choice '${String(name)}' not found in 'tools' parameter.`, 'tool_choice');
}

const nameIn = (holder: unknown): unknown =>
  isRecord(holder) && isRecord(holder['function']) ? holder['function']['name'] : undefined;

/** What it has against the calls that a message of the assistant holds, and against a result that names none. */
export function checkToolCalls(message: Body, messageIndex: number): Refusal | undefined {
  const { role, tool_calls: calls, tool_call_id: callId } = message;
  const param = `messages[${messageIndex}]`;
  if (role === 'tool' && typeof callId !== 'string') return missing(`${param}.tool_call_id`);
  if (role !== 'assistant' || calls === undefined || calls === null) return undefined;
  if (!Array.isArray(calls)) return wrongType(`${param}.tool_calls`, 'an array of objects', calls);
  if (calls.length === 0) return emptyArray(`${param}.tool_calls`);
  for (const [index, call] of calls.entries()) {
    const refusal = checkCall(call, `${param}.tool_calls[${index}]`);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkCall(call: unknown, param: string): Refusal | undefined {
  if (!isRecord(call)) return wrongType(param, 'an object', call);
  if (call['id'] === undefined) return missing(`${param}.id`);
  if (typeof call['id'] !== 'string') return wrongType(`${param}.id`, 'a string', call['id']);
  const refusal = checkFunction(call, param);
  if (refusal !== undefined) return refusal;
  const text = isRecord(call['function']) ? call['function']['arguments'] : undefined;
  if (text === undefined) return missing(`${param}.function.arguments`);
  return typeof text === 'string' ? undefined : wrongType(`${param}.function.arguments`, 'a string', text);
}
