import type { ClientError } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

/** All that a client is told: it may show the message, and programs look at the code and the parameter. */
const refused = (talk: EngineDriver, code: string, message: string, param: string | null = null): void => {
  const error = { type: 'invalid_request_error', code, message, param } as ClientError;
  // Strictly: no `clientEventId`, not one that is undefined.
  expect(talk.effects).toStrictEqual([{ kind: 'emit', output: { kind: 'error', error } }]);
};

describe('a refusal says what is wrong and what to do', () => {
  it('[TU2] for a turn id that was accepted before', () => {
    refused(
      EngineDriver.attached().says('One').says('Two', 'turn_1'),
      'turn_duplicate',
      'Turn turn_1 was accepted before; a new turn needs a new turn_id.',
      'turn_id',
    );
  });

  it('[TU4] for a turn beside a live response', () => {
    refused(
      EngineDriver.attached().says('One').says('Two'),
      'turn_in_progress',
      'Response resp_1 is in progress; interrupt it first or wait for response.done.',
    );
  });

  it('[TU5] for a turn without words', () => {
    refused(
      EngineDriver.attached().says(' \n'),
      'invalid_value',
      'The text is empty; send what the user said.',
      'text',
    );
  });

  it('[TU6] for a second response, with the words of the Realtime API', () => {
    refused(
      EngineDriver.attached().says('One').asks(),
      'conversation_already_has_active_response',
      'Conversation already has an active response in progress: resp_1. Wait until the response is finished before creating a new one.',
    );
  });

  it('[TU13] for a turn that finds the queue full', () => {
    refused(
      EngineDriver.attached({ busy: 'queue', maxQueuedTurns: 1 }).says('One').says('Two').says('Three'),
      'turn_in_progress',
      '1 turns wait already; wait for response.done, or interrupt.',
    );
  });

  it('[IN3] for an interruption of nothing', () => {
    refused(EngineDriver.attached().interrupts(), 'nothing_to_interrupt', 'No response is being generated or played.');
  });

  it('[IN6] for a cancel of nothing, with the sentence that clients look for', () => {
    refused(
      EngineDriver.attached().cancels(),
      'response_cancel_not_active',
      'Cancellation failed: no active response found',
    );
  });

  it('[IN10] for a truncation of what is not there, or is no answer', () => {
    const unknown = EngineDriver.attached().truncates('nothing', 10);
    refused(unknown, 'item_truncate_invalid_item_id', 'No item of this conversation has that id.', 'item_id');
    refused(
      EngineDriver.attached().says('One').truncates('user_1', 10),
      'unsupported_content_type',
      'Only model output audio messages can be truncated.',
      'item_id',
    );
  });

  it('[TO5] for a result that is not awaited, or has come', () => {
    refused(
      EngineDriver.attached().returns('22 °C', 'call_9'),
      'invalid_tool_call_id',
      "Tool call ID 'call_9' not found in conversation.",
      'item.call_id',
    );
    const talk = EngineDriver.attached().says('Weather?').calls().returns('22 °C');
    talk.returns('23 °C', 'call_1', 'again');
    refused(talk, 'invalid_tool_call_id', "Tool call ID 'call_1' has its result already.", 'item.call_id');
  });

  it('[IT2] for an item whose id is taken, or that follows none', () => {
    const item = { role: 'user', text: 'Hi' } as const;
    const typed = EngineDriver.attached().client({ kind: 'item-created', itemId: 'mine', item });
    typed.client({ kind: 'item-created', itemId: 'mine', item });
    refused(typed, 'item_id_in_use', 'An item with this id exists; choose another.', 'item.id');
    typed.client({ kind: 'item-created', itemId: 'other', item, previousItemId: 'nothing' });
    refused(typed, 'item_not_found', 'No item of this conversation has that id.', 'previous_item_id');
  });
});
