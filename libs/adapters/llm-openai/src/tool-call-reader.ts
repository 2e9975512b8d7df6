import type { LlmEvent } from '@parley/ports';
import { z } from 'zod';

/** Names and arguments of one answer. Far more than a tool is called with; what carries a call (state, messages) stays small. */
const MAX_CHARS = 65_536;
/** A model in a loop calls without end. */
const MAX_CALLS = 128;

/**
 * A piece of a call. As OpenAI streams it, the first has index, id and name, the later ones the index and more of the
 * arguments. {@link ToolCallReader} says what others do.
 */
export const toolCallDeltaSchema = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z
    .object({
      name: z.string().nullish(),
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
    })
    .nullish(),
});

export type ToolCalled = Extract<LlmEvent, { kind: 'tool-called' }>;
type ToolCallDelta = z.infer<typeof toolCallDeltaSchema>;

/** A delta without the ways to leave something out. */
interface Piece {
  index: number | undefined;
  id: string | undefined;
  name: string;
  arguments: string;
}

interface GrowingCall {
  /** 0 without one: the calls then stay in the order in which they came. */
  index: number;
  id: string | undefined;
  name: string;
  arguments: string;
  /** Under an index that another call had before. */
  sharesIndex: boolean;
}

/**
 * Puts the calls of one answer together. Neither index nor id tells reliably which call a piece belongs to:
 *
 * - Ollama gave every call index 0, or none (issues 15457 and 7881), SGLang index 0; only id and name show that another begins.
 * - Kimi and LM Studio give each piece of one call an id of its own; vLLM did so for a named tool, and repeated the name.
 * - llama.cpp repeated the name in each piece (fixed in 13800); others say name and arguments once more, LocalAI under another
 *   index (9722).
 *
 * So a piece belongs to the call of its id, else of its index, else to the last one; and another call begins with a name
 * that comes after whole arguments.
 */
export class ToolCallReader {
  private readonly calls: GrowingCall[] = [];
  private chars = 0;

  /** More than anybody would call: the answer is not worth going on with. */
  get isOverfull(): boolean {
    return this.chars > MAX_CHARS || this.calls.length > MAX_CALLS;
  }

  push(delta: ToolCallDelta): void {
    const piece = pieceOf(delta);
    const open = this.openCall(piece);
    const call = open && !beginsAnother(piece, open) ? open : this.begin(piece, open);
    // Before its arguments a name may come in parts; afterwards it is only repeated.
    const isNamed = call.name !== '' && (call.arguments !== '' || call.name === piece.name);
    const isRepeated = piece.arguments === call.arguments && isWhole(call.arguments);
    if (!isNamed) call.name += piece.name;
    if (!isRepeated) call.arguments += piece.arguments;
    this.chars += piece.name.length + piece.arguments.length;
  }

  /** The calls in the order of their indexes. Of an answer that was cut short those are left out whose arguments were. */
  finish(isCutShort: boolean): ToolCalled[] {
    return (
      this.calls
        // vLLM's last piece of a named tool, with an id of its own and the name once more.
        .filter((call) => !call.sharesIndex || call.arguments.trim() !== '')
        .filter((call) => !isCutShort || isWhole(call.arguments))
        .sort((one, other) => one.index - other.index)
        .map(({ name, arguments: text }) => ({
          kind: 'tool-called',
          name,
          arguments: text.trim() === '' ? '{}' : text,
        }))
    );
  }

  private openCall({ id, index }: Piece): GrowingCall | undefined {
    const known = id === undefined ? undefined : this.calls.findLast((call) => call.id === id);
    return known ?? this.calls.findLast((call) => index === undefined || call.index === index);
  }

  private begin({ id, index }: Piece, open: GrowingCall | undefined): GrowingCall {
    const call = { id, index: index ?? 0, name: '', arguments: '', sharesIndex: index !== undefined && !!open };
    this.calls.push(call);
    return call;
  }
}

function pieceOf({ index, id, function: called }: ToolCallDelta): Piece {
  const text = called?.arguments ?? '';
  return {
    index: index ?? undefined,
    id: id === null || id === '' ? undefined : id,
    name: called?.name ?? '',
    arguments: typeof text === 'string' ? text : JSON.stringify(text),
  };
}

function beginsAnother({ id, index, name }: Piece, open: GrowingCall): boolean {
  if (name === '' || open.name === '' || !isWhole(open.arguments)) return false;
  const isSame = name === open.name && (id === undefined ? index !== undefined : id === open.id);
  return !isSame;
}

function isWhole(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
