import type { ToolDefinition } from '@parley/model';
import type { ChatMessage, LlmEvent, LlmRequest } from '@parley/ports';

type ToolCalled = Extract<LlmEvent, { kind: 'tool-called' }>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A name as it is spoken: `get_weather`, `get-weather` and `getWeather` are "get weather". */
const spoken = (name: string): string =>
  name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();

/** The calls of the tools that the user names, in the order in which they are offered. Results are told, not acted upon. */
export function demoCalls({ messages, tools = [], toolChoice = 'auto' }: LlmRequest): ToolCalled[] {
  const last = messages.at(-1);
  if (toolChoice === 'none' || last?.role === 'tool' || last?.role === 'assistant') return [];
  const said = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return chosenOf(tools, toolChoice, said).map((tool) => ({
    kind: 'tool-called',
    name: tool.name,
    arguments: JSON.stringify(exampleArguments(tool, said)),
  }));
}

function chosenOf(
  tools: readonly ToolDefinition[],
  choice: 'auto' | 'required' | { name: string },
  said: string,
): readonly ToolDefinition[] {
  if (typeof choice === 'object') return tools.filter(({ name }) => name === choice.name);
  const named = tools.filter(({ name }) => ` ${spoken(said)} `.includes(` ${spoken(name)} `));
  return named.length === 0 && choice === 'required' ? tools.slice(0, 1) : named;
}

/** Something of the right type for everything that is required: what the user said where that is text. */
function exampleArguments({ parameters }: ToolDefinition, said: string): Record<string, unknown> {
  const properties = isRecord(parameters?.['properties']) ? parameters['properties'] : {};
  const required: unknown[] = Array.isArray(parameters?.['required']) ? parameters['required'] : [];
  return Object.fromEntries(required.map((name) => [String(name), exampleOf(properties[String(name)], said)]));
}

function exampleOf(schema: unknown, said: string): unknown {
  const { type, enum: values } = isRecord(schema) ? schema : {};
  if (Array.isArray(values)) return values[0];
  switch (type) {
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return said;
  }
}

/** Says what the tools that were called last have answered; undefined when no result is at the end. */
export function toolResultsIn(messages: readonly ChatMessage[]): string | undefined {
  const start = messages.findLastIndex(({ role }) => role !== 'tool') + 1;
  const asking = messages[start - 1];
  const calls = asking?.role === 'assistant' ? (asking.toolCalls ?? []) : [];
  const results = messages.slice(start).flatMap((message) => (message.role === 'tool' ? [message] : []));
  const sentences = results.map(({ callId, content }) => {
    const name = spoken(calls.find((call) => call.callId === callId)?.name ?? 'the tool');
    return `${name.slice(0, 1).toUpperCase()}${name.slice(1)} answered: ${content}`;
  });
  return sentences.length === 0 ? undefined : sentences.join(' ');
}
