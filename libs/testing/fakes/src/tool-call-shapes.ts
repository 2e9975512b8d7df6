/** A call that an answer makes. */
export interface AnswerToolCall {
  readonly name: string;
  /** JSON text, sent as it is. */
  readonly arguments: string;
}

/**
 * Whose way of streaming calls is played:
 *
 * - `openai`: index, id and name first, then the arguments in pieces
 * - `llama.cpp`: the same, but the first piece of the arguments comes with the name
 * - `ollama`: each call whole in a chunk of its own, all with index 0 (ollama/ollama#15457)
 * - `gemini`: all calls whole in one chunk, without an index; finish reason 'stop'
 * - `sglang`: as `openai`, but index 0 for all, and the id in every piece (InternLM/lmdeploy#3412)
 * - `kimi`: another id in every piece (NousResearch/hermes-agent#45164)
 * - `vllm`: a named tool: name and another id in every piece, the last one empty (vllm-project/vllm#14951); finish reason
 *   'stop'
 */
export type ToolCallShape = 'openai' | 'llama.cpp' | 'ollama' | 'gemini' | 'sglang' | 'kimi' | 'vllm';

/** How an answer with calls ends, unless the behaviour says otherwise. */
export const finishReasonOf = (shape: ToolCallShape): string =>
  shape === 'gemini' || shape === 'vllm' ? 'stop' : 'tool_calls';

type Delta = Readonly<Record<string, unknown>>;

const PIECE_CHARS = 5;

const piecesOf = (text: string): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / PIECE_CHARS) }, (_, index) =>
    text.slice(index * PIECE_CHARS, (index + 1) * PIECE_CHARS),
  );

/** A call as an answer that is not streamed holds it, and as some servers stream it. */
export const wholeCall = ({ name, arguments: text }: AnswerToolCall, index: number): Delta => ({
  id: `call_fake_${index}`,
  type: 'function',
  function: { name, arguments: text },
});

/** The `delta.tool_calls` of each chunk, in order. */
export function toolCallDeltas(calls: readonly AnswerToolCall[], shape: ToolCallShape): (readonly Delta[])[] {
  switch (shape) {
    case 'ollama':
      return calls.map((call, index) => [{ index: 0, ...wholeCall(call, index) }]);
    case 'gemini':
      return calls.length === 0 ? [] : [calls.map((call, index) => wholeCall(call, index))];
    case 'vllm':
      return calls.flatMap((call, index) => vllmPieces(call, index).map((piece) => [piece]));
    default:
      return calls.flatMap((call, index) => piecesIn(shape, call, index).map((piece) => [piece]));
  }
}

function piecesIn(
  shape: 'openai' | 'llama.cpp' | 'sglang' | 'kimi',
  { name, arguments: text }: AnswerToolCall,
  callIndex: number,
): readonly Delta[] {
  const [start = '', ...rest] = shape === 'llama.cpp' ? piecesOf(text) : ['', ...piecesOf(text)];
  const index = shape === 'sglang' ? 0 : callIndex;
  const id = `call_fake_${callIndex}`;
  const laterId = (piece: number): Delta =>
    shape === 'kimi' ? { id: `${id}_${piece}` } : shape === 'sglang' ? { id } : {};
  return [
    { index, id, type: 'function', function: { name, arguments: start } },
    ...rest.map((more, piece) => ({ index, ...laterId(piece), function: { arguments: more } })),
  ];
}

const vllmPieces = ({ name, arguments: text }: AnswerToolCall, index: number): readonly Delta[] =>
  [...piecesOf(text), ''].map((more, piece) => ({
    index,
    id: `chatcmpl-tool-${index}-${piece}`,
    type: 'function',
    function: { name, arguments: more },
  }));
