import type { ClientError, ErrorCode, ProviderFailure, ResponseId } from '@parley/model';

const invalid = (code: ErrorCode, message: string, param: string | null = null): ClientError => ({
  type: 'invalid_request_error',
  code,
  message,
  param,
});

/** What a client is told when an input is illegal now: what is wrong, and what to do. */
export const refusals = {
  emptyText: () => invalid('invalid_value', 'The text is empty; send what the user said.', 'text'),
  turnDuplicate: (turnId: string) =>
    invalid('turn_duplicate', `Turn ${turnId} was accepted before; a new turn needs a new turn_id.`, 'turn_id'),
  turnInProgress: (responseId: ResponseId) =>
    invalid('turn_in_progress', `Response ${responseId} is in progress; interrupt it first or wait for response.done.`),
  backchannel: () =>
    invalid(
      'turn_in_progress',
      'These words only show that the user listens; while the agent speaks they are no turn.',
    ),
  queueFull: (waiting: number) =>
    invalid('turn_in_progress', `${waiting} turns wait already; wait for response.done, or interrupt.`),
  activeResponse: (responseId: ResponseId) =>
    invalid(
      'conversation_already_has_active_response',
      `Conversation already has an active response in progress: ${responseId}. Wait until the response is finished before creating a new one.`,
    ),
  nothingToInterrupt: () => invalid('nothing_to_interrupt', 'No response is being generated or played.'),
  // LiveKit matches the beginning of this sentence, Pipecat the code (openai-realtime.md §5.3).
  cancelNotActive: () => invalid('response_cancel_not_active', 'Cancellation failed: no active response found'),
  // The code by the event, as clients know them.
  unknownItem: (event: 'retrieve' | 'truncate' | 'delete') =>
    invalid(`item_${event}_invalid_item_id`, 'No item of this conversation has that id.', 'item_id'),
  itemNotFound: (param: string) => invalid('item_not_found', 'No item of this conversation has that id.', param),
  // Code and sentence as the Realtime API's.
  unknownCall: (callId: string, param = 'item.call_id') =>
    invalid('invalid_tool_call_id', `Tool call ID '${callId}' not found in conversation.`, param),
  callIdInUse: (callId: string) =>
    invalid('invalid_tool_call_id', `A call with the ID '${callId}' exists; choose another.`, 'item.call_id'),
  callAnswered: (callId: string) =>
    invalid('invalid_tool_call_id', `Tool call ID '${callId}' has its result already.`, 'item.call_id'),
  itemIdInUse: () => invalid('item_id_in_use', 'An item with this id exists; choose another.', 'item.id'),
  tooManyAsides: (most: number) =>
    invalid('capacity', `${most} responses out of band are in progress; wait until one of them is finished.`),
  // Code and sentence as the Realtime API's.
  voiceIsHeard: () =>
    invalid(
      'cannot_update_voice',
      "Cannot update a conversation's voice if assistant audio is present.",
      'session.audio.output.voice',
    ),
  modelStays: (model: string) =>
    invalid('invalid_value', `A session keeps its model; this one's is ${model}. Open another one.`, 'session.model'),
  sessionTooLarge: (part: string, maxBytes: number) =>
    invalid(
      'invalid_value',
      `Invalid value for 'session.${part}': the largest part of a session that would be more than ${maxBytes} bytes of JSON.`,
      `session.${part}`,
    ),
  // As the Realtime API's, which says it of 60 minutes.
  expired: (maxMs: number) =>
    invalid('session_expired', `Your session hit the maximum duration of ${durationOf(maxMs)}.`),
  notTruncatable: () =>
    invalid('unsupported_content_type', 'Only model output audio messages can be truncated.', 'item_id'),
};

const durationOf = (ms: number): string =>
  ms % 60_000 === 0 ? plural(ms / 60_000, 'minute') : plural(Math.round(ms / 1000), 'second');

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** A provider's failure as the client sees it. */
export function providerError(provider: 'llm' | 'tts', failure: ProviderFailure): ClientError {
  return {
    type: 'server_error',
    code: provider === 'llm' ? 'llm_unavailable' : 'tts_unavailable',
    message: failure.message,
    param: null,
  };
}
