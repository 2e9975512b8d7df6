/** An event as it stands on the wire, sent or received. */
export type RealtimeEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none of anything else. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const responseIdOf = (event: RealtimeEvent): string | undefined =>
  textOf(event['response_id']) ?? textOf(fieldsOf(event['response'])['id']);

export const itemIdOf = (event: RealtimeEvent): string | undefined =>
  textOf(event['item_id']) ?? textOf(fieldsOf(event['item'])['id']);
