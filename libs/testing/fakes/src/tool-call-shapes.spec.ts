import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import { HEADERS, MESSAGES, chunksOf, eventually, openChat } from './spec-client';
import type { ToolCallShape } from './tool-call-shapes';

const TOOL_CALLS = [
  { name: 'get_weather', arguments: '{"city":"Paris"}' },
  { name: 'get_time', arguments: '{"zone":"CET"}' },
];

let fakes: FakeProviders;

beforeEach(async () => {
  fakes = await startFakeProviders();
});

afterEach(() => fakes.close());

interface Piece {
  readonly index?: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments: string };
}

async function answerIn(toolCallShape: ToolCallShape): Promise<{ pieces: Piece[][]; finishReason: unknown }> {
  fakes.nextChat({ kind: 'answer', text: '', toolCalls: TOOL_CALLS, toolCallShape });
  const exchange = await openChat(fakes);
  await exchange.ended;
  const choices = chunksOf(exchange).flatMap((chunk) => chunk.choices);
  return {
    pieces: choices.flatMap(({ delta }) => ('tool_calls' in delta ? [delta.tool_calls as Piece[]] : [])),
    finishReason: choices.at(-1)?.finish_reason,
  };
}

const argumentsIn = (pieces: readonly Piece[]): string => pieces.map((piece) => piece.function.arguments).join('');
const ARGUMENTS = TOOL_CALLS.map((call) => call.arguments).join('');

describe('tool calls', () => {
  it.each(['openai', 'llama.cpp', 'ollama', 'gemini', 'sglang', 'kimi', 'vllm'] as const)(
    'in the shape of %s hold all arguments, in order',
    async (shape) => {
      const { pieces } = await answerIn(shape);
      expect(argumentsIn(pieces.flat())).toBe(ARGUMENTS);
    },
  );

  it('by default come as OpenAI sends them: index, id and name first, then the arguments in pieces', async () => {
    const { pieces, finishReason } = await answerIn('openai');
    expect(pieces.slice(0, 2)).toEqual([
      [{ index: 0, id: 'call_fake_0', type: 'function', function: { name: 'get_weather', arguments: '' } }],
      [{ index: 0, function: { arguments: '{"cit' } }],
    ]);
    expect(pieces.flat().filter(({ id }) => id !== undefined)).toHaveLength(2);
    expect(new Set(pieces.flat().map(({ index }) => index))).toEqual(new Set([0, 1]));
    expect(finishReason).toBe('tool_calls');
  });

  it('of Ollama are whole, all with index 0; of Gemini in one chunk without an index, and the answer just stops', async () => {
    const ollama = await answerIn('ollama');
    expect(ollama.pieces.map((chunk) => chunk.map(({ index }) => index))).toEqual([[0], [0]]);
    const gemini = await answerIn('gemini');
    expect(gemini.pieces.map((chunk) => chunk.map(({ index }) => index))).toEqual([[undefined, undefined]]);
    expect([ollama.finishReason, gemini.finishReason]).toEqual(['tool_calls', 'stop']);
  });

  it('of SGLang share an index; of Kimi and vLLM each piece has an id of its own', async () => {
    expect((await answerIn('sglang')).pieces.every(([piece]) => piece?.index === 0)).toBe(true);
    for (const shape of ['kimi', 'vllm'] as const) {
      const pieces = (await answerIn(shape)).pieces.flat();
      expect(new Set(pieces.map(({ id }) => id)).size).toBe(pieces.length);
    }
  });

  it('come after the text, at the pace of tokens, and can be cut', async () => {
    fakes.nextChat({ kind: 'stall', text: 'One moment.', toolCalls: TOOL_CALLS, afterTokens: 4, tokenDelayMs: 5 });
    const exchange = await openChat(fakes);
    await eventually(() => chunksOf(exchange).length === 5, 'role, two words and two pieces have arrived');
    expect(chunksOf(exchange).map(({ choices: [choice] }) => Object.keys(choice?.delta ?? {}).at(-1))).toEqual([
      'refusal',
      'content',
      'content',
      'tool_calls',
      'tool_calls',
    ]);
  });

  it('stand in the message of an answer that is not streamed, whose content is then null', async () => {
    fakes.nextChat({ kind: 'answer', text: '', toolCalls: TOOL_CALLS });
    const body = JSON.stringify({ model: 'm', messages: MESSAGES });
    const response = await fetch(`${fakes.url}/chat/completions`, { method: 'POST', headers: HEADERS, body });
    const calls = TOOL_CALLS.map((call, index) => ({ id: `call_fake_${index}`, type: 'function', function: call }));
    expect(await response.json()).toMatchObject({
      choices: [{ message: { role: 'assistant', content: null, tool_calls: calls }, finish_reason: 'tool_calls' }],
    });
  });
});
