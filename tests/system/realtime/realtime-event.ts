import { fieldsOf } from '../support/fields';

/** An event as it stands on the wire, sent or received. */
export type RealtimeEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const responseIdOf = (event: RealtimeEvent): string | undefined =>
  textOf(event['response_id']) ?? textOf(fieldsOf(event['response'])['id']);

export const itemIdOf = (event: RealtimeEvent): string | undefined =>
  textOf(event['item_id']) ?? textOf(fieldsOf(event['item'])['id']);
