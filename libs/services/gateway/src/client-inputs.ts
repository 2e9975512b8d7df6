import type { ClientEvent, SessionInput } from '@parley/model';
import type { RandomPort } from '@parley/ports';

type Durable = Exclude<ClientEvent, { type: 'parley.playback' | 'parley.ping' }>;

/** What the owner must know of the connection at the moment of an interruption. */
export type DeliverySnapshot = Pick<Extract<SessionInput, { kind: 'interrupted' }>, 'writtenOrdinal' | 'delivery'>;

/** The durable input a client's event stands for; ids it leaves open are drawn here, so that the engine stays pure. */
export function inputOf(event: Durable, random: RandomPort, snapshot: () => DeliverySnapshot): SessionInput {
  const responseId = (): `resp_${string}` => `resp_${random.hex(12)}`;
  const itemId = (): string => `item_${random.hex(12)}`;
  switch (event.type) {
    case 'parley.transcript.final': {
      const turnId = event.turn_id ?? `turn_${random.hex(12)}`;
      const ids = { itemId: itemId(), responseId: responseId(), answerId: itemId() };
      return { kind: 'final-transcript', turnId, text: event.text, ...ids };
    }
    case 'parley.transcript.speculative':
      return { kind: 'speculative-transcript', turnId: event.turn_id, text: event.text };
    case 'parley.transcript.resumed':
      return { kind: 'speech-resumed', turnId: event.turn_id };
    case 'response.create': {
      const { instructions, metadata } = event.response ?? {};
      return {
        kind: 'response-requested',
        turnId: `turn_${random.hex(12)}`,
        responseId: responseId(),
        answerId: itemId(),
        options: {
          ...(instructions === undefined ? {} : { instructions }),
          ...(metadata === undefined || metadata === null ? {} : { metadata }),
        },
      };
    }
    case 'conversation.item.create':
      return itemCreated(event, itemId);
    case 'parley.interrupt':
      return { kind: 'interrupted', ...named(event.response_id), ...snapshot() };
    case 'response.cancel':
      return { kind: 'response-cancelled', ...named(event.response_id), ...snapshot() };
    case 'conversation.item.truncate':
      return {
        kind: 'item-truncated',
        itemId: event.item_id,
        audioEndMs: event.audio_end_ms,
        delivery: snapshot().delivery,
      };
    case 'parley.policy.update':
      return { kind: 'policy-updated', patch: event.policy };
    case 'session.update': {
      const { instructions, audio } = event.session;
      const voice = audio?.output?.voice;
      const patch = {
        ...(instructions === undefined ? {} : { instructions }),
        ...(voice === undefined ? {} : { voice }),
      };
      return { kind: 'session-updated', patch };
    }
  }
}

function itemCreated(
  event: Extract<ClientEvent, { type: 'conversation.item.create' }>,
  newId: () => string,
): SessionInput {
  const { item, previous_item_id: previous } = event;
  const text = item.content.map((part) => part.text).join('');
  return {
    kind: 'item-created',
    itemId: item.id ?? newId(),
    item: { role: item.role, text },
    // "root" puts an item at the front; absent (or null) appends.
    ...(previous === undefined || previous === null ? {} : { previousItemId: previous === 'root' ? null : previous }),
  };
}

const named = (responseId: `resp_${string}` | undefined): { responseId?: `resp_${string}` } =>
  responseId === undefined ? {} : { responseId };
